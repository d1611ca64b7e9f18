#include "daemon/os/changes.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "daemon/os/process.h"
#include "ltx/base/invariant.h"

namespace skerry::os {

Result<std::unique_ptr<Changes>> Changes::open(int fd) {
  void* at = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) return fail_errno(errno, "mapping the memory shared with other workers");
  return std::unique_ptr<Changes>(new Changes(static_cast<Slot*>(at)));
}

Changes::~Changes() {
  ::munmap(slots_, kBytes);
}

Status Changes::wait_for_predecessor(std::chrono::milliseconds at_most) {
  constexpr std::chrono::microseconds kLook{100};
  const auto deadline = std::chrono::steady_clock::now() + at_most;
  for (size_t i = 0; i < kThreadsMax; ++i) {
    std::atomic<uint64_t>& slot = slots_[i].thread;
    while (const uint64_t thread = slot.load()) {
      const auto pid = static_cast<pid_t>(thread >> 32);
      const auto tid = static_cast<pid_t>(thread & UINT32_MAX);
      if (is_ending(pid, tid)) {
        slot.store(0);
      } else if (std::chrono::steady_clock::now() > deadline) {
        return fail(Errc::kTimeout,
                    fmt::format("thread {} of the earlier worker {} still changes a file of the "
                                "data folder; is its disk stuck?",
                                tid, pid));
      } else {
        std::this_thread::sleep_for(kLook);
      }
    }
  }
  return {};
}

Changes::Claim& Changes::claim_of_this_thread() {
  static thread_local Claim claim;
  return claim;
}

Changes::Claim::~Claim() {
  if (owner != nullptr) owner->claimed_[index].store(false);
}

void Changes::claim(Claim& claim) {
  for (size_t i = 0; i < kThreadsMax; ++i) {
    if (claimed_[i].exchange(true)) continue;
    claim.owner = this;
    claim.index = i;
    claim.thread = (static_cast<uint64_t>(::getpid()) << 32) | static_cast<uint64_t>(::gettid());
    return;
  }
  INVARIANT(false && "more threads than kThreadsMax change files");
}

Changes::Scope::Scope(Changes* changes) : slot_(nullptr) {
  if (changes == nullptr) return;
  Claim& claim = claim_of_this_thread();
  if (claim.owner == nullptr) changes->claim(claim);
  INVARIANT(claim.owner == changes);
  slot_ = &changes->slots_[claim.index].thread;
  slot_->store(claim.thread);
}

Changes::Scope::~Scope() {
  if (slot_ != nullptr) slot_->store(0, std::memory_order_release);
}

}  // namespace skerry::os
