#include "ltx/header.h"

#include <fmt/format.h>

#include <limits>

namespace skerry::ltx {

static constexpr std::string_view kMagic = "LTX1";

static Status validate_wal_position(const Header& h) {
  constexpr auto kMax = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  if (h.wal_offset > kMax || h.wal_bytes > kMax) {
    return fail(Errc::kCorrupt, "LTX header: WAL offset or size is negative");
  }
  if (h.wal_offset == 0 && (h.wal_bytes != 0 || h.wal_salt1 != 0 || h.wal_salt2 != 0)) {
    return fail(Errc::kCorrupt, "LTX header: WAL size or salt without a WAL offset");
  }
  return {};
}

static Status validate_pre_apply(const Header& h) {
  uint64_t checksum = h.pre_apply_checksum.value();
  if (h.is_snapshot() || !h.has_checksums()) {
    if (checksum == 0) return {};
    return fail(Errc::kCorrupt, "LTX header: pre-apply checksum where there must be none");
  }
  if ((checksum & kChecksumFlag) == 0) {
    return fail(Errc::kCorrupt, "LTX header: pre-apply checksum is missing or malformed");
  }
  return {};
}

Status validate(const Header& h) {
  if ((h.flags & ~kFlagNoChecksum) != 0) {
    return fail(Errc::kCorrupt, fmt::format("LTX header: unknown flags {:#010x}", h.flags));
  }
  if (h.min_txid == Txid(0) || h.min_txid > h.max_txid) {
    return fail(Errc::kCorrupt, fmt::format("LTX header: transaction ids {}–{} are not a range",
                                            to_string(h.min_txid), to_string(h.max_txid)));
  }
  TRY(validate_wal_position(h));
  return validate_pre_apply(h);
}

Status validate(const Trailer& trailer, const Header& header) {
  const uint64_t checksum = trailer.post_apply_checksum.value();
  if (!header.has_checksums()) {
    if (checksum == 0) return {};
    return fail(Errc::kCorrupt, "LTX trailer: post-apply checksum where there must be none");
  }
  if ((checksum & kChecksumFlag) == 0) {
    return fail(Errc::kCorrupt, "LTX trailer: post-apply checksum is missing or malformed");
  }
  if (header.commit == 0 && trailer.post_apply_checksum != kEmptyChecksum) {
    return fail(Errc::kCorrupt, "LTX trailer: a dropped database has the empty checksum");
  }
  return {};
}

std::array<std::byte, kHeaderBytes> encode(const Header& h) {
  std::array<std::byte, kHeaderBytes> b{};
  std::memcpy(b.data(), kMagic.data(), kMagic.size());
  store_be32(&b[4], h.flags);
  store_be32(&b[8], h.page_size.bytes());
  store_be32(&b[12], h.commit);
  store_be64(&b[16], h.min_txid.value());
  store_be64(&b[24], h.max_txid.value());
  store_be64(&b[32], static_cast<uint64_t>(h.timestamp_ms));
  store_be64(&b[40], h.pre_apply_checksum.value());
  store_be64(&b[48], h.wal_offset);
  store_be64(&b[56], h.wal_bytes);
  store_be32(&b[64], h.wal_salt1);
  store_be32(&b[68], h.wal_salt2);
  store_be64(&b[72], h.node_id.value());
  store_be64(&b[80], h.epoch.value());
  return b;
}

Result<Header> decode_header(ByteView b) {
  if (b.size() < kHeaderBytes) {
    return fail(Errc::kCorrupt, fmt::format("LTX header: {} of {} bytes", b.size(), kHeaderBytes));
  }
  if (as_text(b.first(kMagic.size())) != kMagic) {
    return fail(Errc::kCorrupt, "not an LTX file: it does not begin with \"LTX1\"");
  }
  auto page_size = PageSize::of(load_be32(&b[8]));
  if (!page_size) {
    return fail(Errc::kCorrupt, fmt::format("LTX header: page size {}", load_be32(&b[8])));
  }
  Header h;
  h.flags = load_be32(&b[4]);
  h.page_size = *page_size;
  h.commit = load_be32(&b[12]);
  h.min_txid = Txid(load_be64(&b[16]));
  h.max_txid = Txid(load_be64(&b[24]));
  h.timestamp_ms = static_cast<int64_t>(load_be64(&b[32]));
  h.pre_apply_checksum = Checksum(load_be64(&b[40]));
  h.wal_offset = load_be64(&b[48]);
  h.wal_bytes = load_be64(&b[56]);
  h.wal_salt1 = load_be32(&b[64]);
  h.wal_salt2 = load_be32(&b[68]);
  h.node_id = NodeId(load_be64(&b[72]));
  h.epoch = Epoch(load_be64(&b[80]));
  TRY(validate(h));
  return h;
}

std::array<std::byte, kTrailerBytes> encode(const Trailer& trailer) {
  std::array<std::byte, kTrailerBytes> b;
  store_be64(&b[0], trailer.post_apply_checksum.value());
  store_be64(&b[8], trailer.file_checksum.value());
  return b;
}

Trailer decode_trailer(std::span<const std::byte, kTrailerBytes> b) {
  return {Checksum(load_be64(&b[0])), Checksum(load_be64(&b[8]))};
}

}  // namespace skerry::ltx
