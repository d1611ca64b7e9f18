#include "ltx/sqlite/wal.h"

namespace skerry::sqlite {

static constexpr uint32_t kMagicLittle = 0x377f0682;
static constexpr uint32_t kMagicBig = 0x377f0683;
static constexpr uint32_t kVersion = 3007000;
static constexpr size_t kSummedHeaderBytes = 24;

std::optional<WalHeader> decode_wal_header(ByteView b) {
  if (b.size() < kWalHeaderBytes) return std::nullopt;
  const uint32_t magic = load_be32(&b[0]);
  const auto page_size = PageSize::of(load_be32(&b[8]));
  if ((magic != kMagicLittle && magic != kMagicBig) || load_be32(&b[4]) != kVersion || !page_size) {
    return std::nullopt;
  }
  WalHeader header;
  header.order = magic == kMagicBig ? WalByteOrder::kBig : WalByteOrder::kLittle;
  header.page_size = *page_size;
  header.checkpoint_sequence = load_be32(&b[12]);
  header.salt = {load_be32(&b[16]), load_be32(&b[20])};
  header.checksum = {load_be32(&b[24]), load_be32(&b[28])};
  if (wal_checksum({}, header.order, b.first(kSummedHeaderBytes)) != header.checksum) {
    return std::nullopt;
  }
  return header;
}

std::array<std::byte, kWalHeaderBytes> encode(WalHeader header) {
  std::array<std::byte, kWalHeaderBytes> b;
  store_be32(&b[0], header.order == WalByteOrder::kBig ? kMagicBig : kMagicLittle);
  store_be32(&b[4], kVersion);
  store_be32(&b[8], header.page_size.bytes());
  store_be32(&b[12], header.checkpoint_sequence);
  store_be32(&b[16], header.salt.salt1);
  store_be32(&b[20], header.salt.salt2);
  const auto checksum = wal_checksum({}, header.order, ByteView(b).first(kSummedHeaderBytes));
  store_be32(&b[24], checksum.s0);
  store_be32(&b[28], checksum.s1);
  return b;
}

WalFrameHeader decode_wal_frame_header(std::span<const std::byte, kWalFrameHeaderBytes> b) {
  return {PageNo(load_be32(&b[0])),
          load_be32(&b[4]),
          {load_be32(&b[8]), load_be32(&b[12])},
          {load_be32(&b[16]), load_be32(&b[20])}};
}

void encode(const WalFrameHeader& header, std::span<std::byte, kWalFrameHeaderBytes> b) {
  store_be32(&b[0], header.pgno.value());
  store_be32(&b[4], header.commit);
  store_be32(&b[8], header.salt.salt1);
  store_be32(&b[12], header.salt.salt2);
  store_be32(&b[16], header.checksum.s0);
  store_be32(&b[20], header.checksum.s1);
}

WalChecksum wal_frame_checksum(WalChecksum previous, WalByteOrder order, PageNo pgno,
                               uint32_t commit, ByteView page) {
  std::array<std::byte, 8> head;
  store_be32(&head[0], pgno.value());
  store_be32(&head[4], commit);
  return wal_checksum(wal_checksum(previous, order, head), order, page);
}

}  // namespace skerry::sqlite
