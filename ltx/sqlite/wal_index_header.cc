#include "ltx/sqlite/wal_index_header.h"

#include <bit>

namespace skerry::sqlite {

static constexpr uint32_t kVersion = 3007000;
static constexpr size_t kSummedBytes = 40;

static uint32_t load_native(const std::byte* at) {
  return bytes_detail::load<uint32_t>(at, std::endian::native);
}
static void store_native(std::byte* at, uint32_t value) {
  bytes_detail::store(at, value, std::endian::native);
}

static WalChecksum checksum(const WalIndexHeaderBytes& b) {
  constexpr bool kLittle = std::endian::native == std::endian::little;
  return wal_checksum({}, kLittle ? WalByteOrder::kLittle : WalByteOrder::kBig,
                      ByteView(b).first(kSummedBytes));
}

WalIndexHeaderBytes encode(const WalIndexHeader& h) {
  WalIndexHeaderBytes b{};
  store_native(&b[0], kVersion);
  store_native(&b[8], h.changes);
  b[12] = std::byte{1};  // it is initialized
  b[13] = std::byte{h.order == WalByteOrder::kBig};
  // 65536 does not fit: it is written as 1.
  const uint32_t page_bytes = h.page_size.bytes();
  bytes_detail::store(&b[14], static_cast<uint16_t>((page_bytes & 0xff00) | (page_bytes >> 16)),
                      std::endian::native);
  store_native(&b[16], h.max_frame);
  store_native(&b[20], h.database_pages);
  store_native(&b[24], h.frame_checksum.s0);
  store_native(&b[28], h.frame_checksum.s1);
  store_be32(&b[32], h.salt.salt1);  // SQLite copies the salts from the WAL's header as they are
  store_be32(&b[36], h.salt.salt2);
  const WalChecksum sum = checksum(b);
  store_native(&b[40], sum.s0);
  store_native(&b[44], sum.s1);
  return b;
}

std::optional<WalIndexHeader> decode_wal_index_header(const WalIndexHeaderBytes& b) {
  const WalChecksum sum{load_native(&b[40]), load_native(&b[44])};
  if (b[12] == std::byte{0} || sum != checksum(b) || load_native(&b[0]) != kVersion) {
    return std::nullopt;
  }
  const uint32_t coded = bytes_detail::load<uint16_t>(&b[14], std::endian::native);
  const auto page_size = PageSize::of((coded & 0xfe00) | ((coded & 1) << 16));
  if (!page_size) return std::nullopt;
  WalIndexHeader h;
  h.changes = load_native(&b[8]);
  h.order = b[13] == std::byte{0} ? WalByteOrder::kLittle : WalByteOrder::kBig;
  h.page_size = *page_size;
  h.max_frame = load_native(&b[16]);
  h.database_pages = load_native(&b[20]);
  h.frame_checksum = {load_native(&b[24]), load_native(&b[28])};
  h.salt.salt1 = load_be32(&b[32]);
  h.salt.salt2 = load_be32(&b[36]);
  return h;
}

}  // namespace skerry::sqlite
