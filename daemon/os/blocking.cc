#include "daemon/os/blocking.h"

#include <utility>

namespace skerry::os {

// Null while a scope is open, so that nested scopes count once.
static thread_local BlockingObserver* current_observer = nullptr;

void observe_blocking(BlockingObserver* observer) {
  current_observer = observer;
}

BlockingScope::BlockingScope() : observer_(std::exchange(current_observer, nullptr)) {
  if (observer_ != nullptr) observer_->will_block();
}

BlockingScope::~BlockingScope() {
  if (observer_ == nullptr) return;
  observer_->has_blocked();
  current_observer = observer_;
}

}  // namespace skerry::os
