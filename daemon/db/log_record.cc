#include "daemon/db/log_record.h"

#include "ltx/crc64.h"
#include "ltx/header.h"

namespace skerry::db {

static constexpr std::string_view kMagic = "SKRC";

static uint64_t head_crc(ByteView bytes) {
  ltx::Crc64 crc;
  crc.update(bytes.first(32));
  return crc.value();
}

std::array<std::byte, kRecordHeadBytes> encode(const RecordHead& head) {
  std::array<std::byte, kRecordHeadBytes> b;
  std::memcpy(&b[0], kMagic.data(), kMagic.size());
  store_be32(&b[4], head.flags);
  store_be64(&b[8], head.ltx_bytes);
  store_be64(&b[16], head.first.value());
  store_be64(&b[24], head.last.value());
  store_be64(&b[32], head_crc(b));
  return b;
}

std::optional<RecordHead> decode_record_head(std::span<const std::byte, kRecordHeadBytes> b) {
  if (as_text(b.first(kMagic.size())) != kMagic || load_be64(&b[32]) != head_crc(b)) {
    return std::nullopt;
  }
  RecordHead head{load_be32(&b[4]), load_be64(&b[8]), Txid(load_be64(&b[16])),
                  Txid(load_be64(&b[24]))};
  const bool sane = head.first != Txid(0) && head.first <= head.last &&
                    head.ltx_bytes >= ltx::kHeaderBytes + ltx::kTrailerBytes;
  if (!sane) return std::nullopt;
  return head;
}

}  // namespace skerry::db
