// A bound on how many of something run at a time; who comes too late is told so at once.
#pragma once

#include <atomic>
#include <cstddef>
#include <utility>

namespace skerry::admin {

class Slots {
 public:
  explicit Slots(size_t count) : free_(count) {}

  // A taken slot; it must end before the slots do.
  class Slot {
   public:
    Slot(Slot&& other) noexcept : slots_(std::exchange(other.slots_, nullptr)) {}
    Slot& operator=(Slot&&) = delete;
    ~Slot() {
      if (slots_ != nullptr) slots_->free_.fetch_add(1);
    }
    [[nodiscard]] explicit operator bool() const { return slots_ != nullptr; }

   private:
    friend class Slots;
    explicit Slot(Slots* slots) : slots_(slots) {}
    Slots* slots_;
  };

  // False if none is free.
  [[nodiscard]] Slot take() {
    size_t free = free_.load();
    while (free > 0 && !free_.compare_exchange_weak(free, free - 1)) {
    }
    return Slot(free > 0 ? this : nullptr);
  }

 private:
  std::atomic<size_t> free_;
};

}  // namespace skerry::admin
