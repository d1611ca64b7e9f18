#include "ltx/sqlite/db_header.h"

#include <algorithm>
#include <limits>

namespace skerry::sqlite {

static constexpr std::string_view kMagic{"SQLite format 3\0", 16};

uint32_t DbHeader::pages(uint64_t file_bytes) const {
  if (page_count_valid && page_count != 0) return page_count;
  return static_cast<uint32_t>(
      std::min<uint64_t>(file_bytes / page_size.bytes(), std::numeric_limits<uint32_t>::max()));
}

std::optional<DbHeader> decode_db_header(ByteView b) {
  if (b.size() < kDbHeaderBytes || as_text(b.first(kMagic.size())) != kMagic) return std::nullopt;
  const uint32_t raw_size = load_be16(&b[16]);
  const auto page_size = PageSize::of(raw_size == 1 ? 65536 : raw_size);
  if (!page_size) return std::nullopt;
  DbHeader header;
  header.page_size = *page_size;
  header.wal_mode = b[18] == std::byte{2} && b[19] == std::byte{2};
  header.change_counter = load_be32(&b[24]);
  header.page_count = load_be32(&b[28]);
  // SQLite before 3.7.0 did not maintain the count; the version-valid-for number tells.
  header.page_count_valid = load_be32(&b[92]) == header.change_counter;
  return header;
}

}  // namespace skerry::sqlite
