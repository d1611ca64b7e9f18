// Which threads are changing files at this moment, in memory that outlives the process, so that one
// that follows a killed process can wait for it to be truly over: a killed thread that is within a
// system call ends only behind it, and what it does there comes after what its successor has read.
//
// It does not say which threads run: those that wait on the mount, and can be answered by the
// successor alone, are not waited for.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <memory>

#include "ltx/base/result.h"

namespace skerry::os {

class Changes {
 public:
  static constexpr size_t kThreadsMax = 256;  // that change files in their lives, at a time
  static constexpr size_t kSlotBytes = 64;    // a cache line, since each change writes it twice
  static constexpr size_t kBytes = kThreadsMax * kSlotBytes;

  // `fd` is a file of kBytes in memory; not closed. Outlives every thread that changes files.
  [[nodiscard]] static Result<std::unique_ptr<Changes>> open(int fd);
  ~Changes();

  // Returns once no thread of an earlier process is within a change. kTimeout names the thread.
  // Before this process changes anything.
  [[nodiscard]] Status wait_for_predecessor(std::chrono::milliseconds at_most);

  // A change by this thread. `changes` may be null. Scopes of a thread do not nest.
  class Scope {
   public:
    explicit Scope(Changes* changes);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    std::atomic<uint64_t>* slot_;
  };

 private:
  struct alignas(kSlotBytes) Slot {
    std::atomic<uint64_t> thread;  // process id and thread id; 0: no change under way
  };
  // A thread's slot, from its first change to its end.
  struct Claim {
    Changes* owner = nullptr;
    size_t index = 0;
    uint64_t thread = 0;
    ~Claim();
  };

  explicit Changes(Slot* slots) : slots_(slots) {}
  void claim(Claim& claim);
  static Claim& claim_of_this_thread();

  Slot* const slots_;
  std::array<std::atomic<bool>, kThreadsMax> claimed_{};
};

}  // namespace skerry::os
