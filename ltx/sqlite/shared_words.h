// Access to words that other processes read and write at the same time: each load and store is
// atomic, so none is torn or invented by the compiler. Order between them is the caller's.
#pragma once

#include <atomic>
#include <concepts>
#include <cstring>

#include "ltx/base/bytes.h"
#include "ltx/base/invariant.h"

namespace skerry::sqlite {

template <std::unsigned_integral T>
[[nodiscard]] inline T load_shared(std::byte* at,
                                   std::memory_order order = std::memory_order_relaxed) {
  return std::atomic_ref<T>(*reinterpret_cast<T*>(at)).load(order);
}

template <std::unsigned_integral T>
inline void store_shared(std::byte* at, T value,
                         std::memory_order order = std::memory_order_relaxed) {
  std::atomic_ref<T>(*reinterpret_cast<T*>(at)).store(value, order);
}

// Whole ranges, by 32-bit words.
inline void copy_from_shared(ByteSpan to, std::byte* from) {
  INVARIANT(to.size() % 4 == 0);
  for (size_t i = 0; i < to.size(); i += 4) {
    const auto word = load_shared<uint32_t>(from + i);
    std::memcpy(&to[i], &word, sizeof word);
  }
}

inline void copy_to_shared(std::byte* to, ByteView from) {
  INVARIANT(from.size() % 4 == 0);
  for (size_t i = 0; i < from.size(); i += 4) {
    uint32_t word;
    std::memcpy(&word, &from[i], sizeof word);
    store_shared<uint32_t>(to + i, word);
  }
}

inline void clear_shared(std::byte* at, size_t bytes) {
  INVARIANT(bytes % 4 == 0);
  for (size_t i = 0; i < bytes; i += 4) store_shared<uint32_t>(at + i, 0);
}

}  // namespace skerry::sqlite
