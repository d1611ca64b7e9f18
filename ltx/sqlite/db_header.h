// The first 100 bytes of a SQLite database (source: "The SQLite database file format", 1.3).
#pragma once

#include <optional>

#include "ltx/base/bytes.h"
#include "ltx/base/types.h"

namespace skerry::sqlite {

inline constexpr size_t kDbHeaderBytes = 100;

struct DbHeader {
  PageSize page_size = *PageSize::of(4096);
  bool wal_mode = false;        // bytes 18 and 19: 2 is WAL, 1 a rollback journal
  uint32_t change_counter = 0;  // byte 24, counts transactions in rollback mode
  uint32_t page_count = 0;      // byte 28, to be trusted only if `page_count_valid`
  bool page_count_valid = false;

  // Pages in a file of so many bytes: the header's count if it can be trusted, else the file's.
  [[nodiscard]] uint32_t pages(uint64_t file_bytes) const;
};

// Nothing unless the bytes begin as a SQLite database does ("SQLite format 3", a valid page size).
[[nodiscard]] std::optional<DbHeader> decode_db_header(ByteView bytes);

}  // namespace skerry::sqlite
