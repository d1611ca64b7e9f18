// Lets code that is about to block (fsync, a large transaction) say so. A FUSE request thread then
// has another thread take its place at the kernel's queue; elsewhere it costs nothing.
#pragma once

namespace skerry::os {

class BlockingObserver {
 public:
  virtual ~BlockingObserver() = default;
  virtual void will_block() = 0;
  virtual void has_blocked() = 0;
};

// Installs the observer of this thread; it must outlive the thread's work. May be null.
void observe_blocking(BlockingObserver* observer);

class BlockingScope {
 public:
  BlockingScope();
  ~BlockingScope();
  BlockingScope(const BlockingScope&) = delete;
  BlockingScope& operator=(const BlockingScope&) = delete;

 private:
  BlockingObserver* observer_;
};

}  // namespace skerry::os
