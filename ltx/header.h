// Header and trailer of an LTX file, format version 3 (FORMAT.md draws them; source: the reference
// implementation's `ltx verify` and the files in tests/golden).
#pragma once

#include <array>
#include <cstdint>

#include "ltx/base/bytes.h"
#include "ltx/base/result.h"
#include "ltx/base/types.h"

namespace skerry::ltx {

inline constexpr size_t kHeaderBytes = 100;
inline constexpr size_t kTrailerBytes = 16;

// The writer did not track checksums: those of database states are 0, the file's own is present.
inline constexpr uint32_t kFlagNoChecksum = 1u << 1;

struct Header {
  uint32_t flags = 0;
  PageSize page_size = *PageSize::of(4096);
  uint32_t commit = 0;  // pages in the database after this transaction; 0: it was dropped
  Txid min_txid;
  Txid max_txid;
  int64_t timestamp_ms = 0;     // since the Unix epoch
  Checksum pre_apply_checksum;  // 0 in a snapshot
  uint64_t wal_offset = 0;      // bytes of the WAL that this was captured from; 0: not from a WAL
  uint64_t wal_bytes = 0;
  uint32_t wal_salt1 = 0;
  uint32_t wal_salt2 = 0;
  NodeId node_id;
  Epoch epoch;  // in bytes 80–87, which the format reserves; 0 in files of other programs

  // A snapshot holds every page, so it applies to any state.
  [[nodiscard]] bool is_snapshot() const { return min_txid == Txid(1); }
  [[nodiscard]] bool has_checksums() const { return (flags & kFlagNoChecksum) == 0; }
  [[nodiscard]] Position pre_apply_position() const {
    return {Txid(min_txid.value() - 1), pre_apply_checksum};
  }
  friend bool operator==(const Header&, const Header&) = default;
};

struct Trailer {
  Checksum post_apply_checksum;
  Checksum file_checksum;
  friend bool operator==(const Trailer&, const Trailer&) = default;
};

// What every reader and writer insists on. kCorrupt names the field. A trailer's post-apply
// checksum is there when the header says so, and the empty one when the database was dropped.
[[nodiscard]] Status validate(const Header& header);
[[nodiscard]] Status validate(const Trailer& trailer, const Header& header);

[[nodiscard]] std::array<std::byte, kHeaderBytes> encode(const Header& header);
[[nodiscard]] Result<Header> decode_header(ByteView bytes);  // validates; takes the first 100 bytes

[[nodiscard]] std::array<std::byte, kTrailerBytes> encode(const Trailer& trailer);
[[nodiscard]] Trailer decode_trailer(std::span<const std::byte, kTrailerBytes> bytes);

}  // namespace skerry::ltx
