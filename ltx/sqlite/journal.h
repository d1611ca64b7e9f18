// SQLite's rollback journal: what a -journal file is made of (FORMAT.md draws it; source: "The
// SQLite database file format", 3, and SQLite's pager.c). Reading one is journal_reader.h.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "ltx/base/bytes.h"
#include "ltx/base/result.h"
#include "ltx/base/types.h"
#include "ltx/random_access.h"

namespace skerry::sqlite {

inline constexpr size_t kJournalHeaderBytes = 28;  // followed by zeros up to the sector's end
inline constexpr uint32_t kJournalSectorBytesMax = 65536;

// Of JournalHeader::records: as many as the file holds (written without syncs).
inline constexpr uint32_t kJournalRecordsToEnd = 0xffffffff;

struct JournalHeader {
  uint32_t records = 0;         // in this segment
  uint32_t nonce = 0;           // start value of the records' checksums
  uint32_t database_pages = 0;  // size to cut the database back to
  uint32_t sector_bytes = 0;    // every header begins at a multiple of it
  PageSize page_size = *PageSize::of(4096);
};

// The header of the first segment. Nothing if SQLite would not take it for one: a finished journal
// (zeroed), or one whose header was not completely written.
[[nodiscard]] std::optional<JournalHeader> decode_journal_header(ByteView bytes);
// The header of a segment before its first sync, which puts in the magic and the number of records:
// zeros in their place. It counts for the transaction at hand, never after a crash.
[[nodiscard]] std::optional<JournalHeader> decode_unsynced_journal_header(ByteView bytes);

// Checksum of a page record: every 200th byte from the page's end, on top of the nonce.
[[nodiscard]] uint32_t journal_page_checksum(uint32_t nonce, ByteView page);

// Bytes of one record: page number, page, checksum.
[[nodiscard]] constexpr uint64_t journal_record_bytes(PageSize page_size) {
  return uint64_t{page_size.bytes()} + 8;
}

// The name of the super-journal at the journal's end, by which a transaction over several databases
// commits in all of them at once. Nothing if there is none or it was not completely written.
inline constexpr size_t kSuperJournalNameBytesMax = 4096;
[[nodiscard]] Result<std::optional<std::string>> super_journal_name(ltx::RandomAccess& journal);

}  // namespace skerry::sqlite
