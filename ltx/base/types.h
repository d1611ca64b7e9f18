// The domain's numbers as types of their own: no implicit conversion into or out of them, so that a
// page number never serves as a transaction id. `value()` is the explicit way out.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace skerry {

template <typename Tag, typename Rep>
class Strong {
 public:
  using rep = Rep;

  constexpr Strong() = default;
  constexpr explicit Strong(Rep value) : value_(value) {}

  [[nodiscard]] constexpr Rep value() const { return value_; }
  friend constexpr auto operator<=>(Strong, Strong) = default;

 private:
  Rep value_{};
};

// Transaction id: counts the committed transactions of one database from 1; 0 means none yet.
using Txid = Strong<struct TxidTag, uint64_t>;

// Page number, from 1; 0 means none.
using PageNo = Strong<struct PageNoTag, uint32_t>;

// Rank of a lease: grows with every change of the primary; 0 means never leased.
using Epoch = Strong<struct EpochTag, uint64_t>;

// Identity of a running node, random per start; 0 means unknown.
using NodeId = Strong<struct NodeIdTag, uint64_t>;

// A CRC64-ISO with bit 63 set, so that 0 can mean "none": of a page, of a database (the XOR of its
// pages'), or of a file.
using Checksum = Strong<struct ChecksumTag, uint64_t>;

inline constexpr uint64_t kChecksumFlag = uint64_t{1} << 63;

// The checksum of a database without pages.
inline constexpr Checksum kEmptyChecksum{kChecksumFlag};

[[nodiscard]] constexpr Checksum operator^(Checksum a, Checksum b) {
  return Checksum((a.value() ^ b.value()) | kChecksumFlag);
}

// A power of two from 512 to 65536, in bytes.
class PageSize {
 public:
  [[nodiscard]] static constexpr bool valid(uint32_t bytes) {
    return bytes >= 512 && bytes <= 65536 && (bytes & (bytes - 1)) == 0;
  }
  [[nodiscard]] static constexpr std::optional<PageSize> of(uint32_t bytes) {
    if (!valid(bytes)) return std::nullopt;
    return PageSize(bytes);
  }

  [[nodiscard]] constexpr uint32_t bytes() const { return bytes_; }
  friend constexpr auto operator<=>(PageSize, PageSize) = default;

 private:
  constexpr explicit PageSize(uint32_t bytes) : bytes_(bytes) {}
  uint32_t bytes_;
};

inline constexpr uint32_t kPageBytesMax = 65536;

[[nodiscard]] constexpr Txid next(Txid txid) {
  return Txid(txid.value() + 1);
}
[[nodiscard]] constexpr PageNo next(PageNo pgno) {
  return PageNo(pgno.value() + 1);
}

// Byte offset of a page in a database file.
[[nodiscard]] constexpr uint64_t page_offset(PageNo pgno, PageSize size) {
  return uint64_t{pgno.value() - 1} * size.bytes();
}

// Where a database stands in its history. Two nodes at an equal position hold equal pages.
struct Position {
  Txid txid;
  Checksum checksum;  // of all pages after `txid` was applied; 0 before the first transaction

  friend constexpr bool operator==(Position, Position) = default;
};

// 16 lower-case hexadecimal digits, as all of LTX's tools print them.
[[nodiscard]] std::string hex16(uint64_t value);
[[nodiscard]] inline std::string to_string(Txid txid) {
  return hex16(txid.value());
}
[[nodiscard]] inline std::string to_string(Checksum checksum) {
  return hex16(checksum.value());
}
[[nodiscard]] std::string to_string(Position position);  // "<txid>/<checksum>"

// Exactly 16 hexadecimal digits, or nothing.
[[nodiscard]] std::optional<uint64_t> parse_hex16(std::string_view text);

}  // namespace skerry

template <typename Tag, typename Rep>
struct std::hash<skerry::Strong<Tag, Rep>> {
  size_t operator()(skerry::Strong<Tag, Rep> value) const noexcept {
    return std::hash<Rep>()(value.value());
  }
};
