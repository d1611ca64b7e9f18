// Byte views and fixed-width loads and stores. Offsets are the caller's to check.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace skerry {

using ByteView = std::span<const std::byte>;
using ByteSpan = std::span<std::byte>;
using Bytes = std::vector<std::byte>;

namespace bytes_detail {

template <typename T>
[[nodiscard]] inline T load(const std::byte* at, std::endian order) {
  T value;
  std::memcpy(&value, at, sizeof value);
  if (order != std::endian::native) {
    if constexpr (sizeof(T) == 2) value = __builtin_bswap16(value);
    if constexpr (sizeof(T) == 4) value = __builtin_bswap32(value);
    if constexpr (sizeof(T) == 8) value = __builtin_bswap64(value);
  }
  return value;
}

template <typename T>
inline void store(std::byte* at, T value, std::endian order) {
  if (order != std::endian::native) {
    if constexpr (sizeof(T) == 2) value = __builtin_bswap16(value);
    if constexpr (sizeof(T) == 4) value = __builtin_bswap32(value);
    if constexpr (sizeof(T) == 8) value = __builtin_bswap64(value);
  }
  std::memcpy(at, &value, sizeof value);
}

}  // namespace bytes_detail

[[nodiscard]] inline uint16_t load_be16(const std::byte* at) {
  return bytes_detail::load<uint16_t>(at, std::endian::big);
}
[[nodiscard]] inline uint32_t load_be32(const std::byte* at) {
  return bytes_detail::load<uint32_t>(at, std::endian::big);
}
[[nodiscard]] inline uint64_t load_be64(const std::byte* at) {
  return bytes_detail::load<uint64_t>(at, std::endian::big);
}
[[nodiscard]] inline uint16_t load_le16(const std::byte* at) {
  return bytes_detail::load<uint16_t>(at, std::endian::little);
}
[[nodiscard]] inline uint32_t load_le32(const std::byte* at) {
  return bytes_detail::load<uint32_t>(at, std::endian::little);
}
[[nodiscard]] inline uint64_t load_le64(const std::byte* at) {
  return bytes_detail::load<uint64_t>(at, std::endian::little);
}
inline void store_be16(std::byte* at, uint16_t value) {
  bytes_detail::store(at, value, std::endian::big);
}
inline void store_be32(std::byte* at, uint32_t value) {
  bytes_detail::store(at, value, std::endian::big);
}
inline void store_be64(std::byte* at, uint64_t value) {
  bytes_detail::store(at, value, std::endian::big);
}
inline void store_le16(std::byte* at, uint16_t value) {
  bytes_detail::store(at, value, std::endian::little);
}
inline void store_le32(std::byte* at, uint32_t value) {
  bytes_detail::store(at, value, std::endian::little);
}
inline void store_le64(std::byte* at, uint64_t value) {
  bytes_detail::store(at, value, std::endian::little);
}

[[nodiscard]] inline ByteView as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}
[[nodiscard]] inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
[[nodiscard]] inline bool equal(ByteView a, ByteView b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}
inline void append(Bytes& to, ByteView more) {
  to.insert(to.end(), more.begin(), more.end());
}

}  // namespace skerry
