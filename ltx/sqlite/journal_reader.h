// Reads a rollback journal as SQLite would play it back, from untrusted bytes, through all its
// segments. What a crash may leave behind is no error: a record that is cut off or whose checksum
// is wrong ends the journal, as does a page number that none can have (source: SQLite's pager.c,
// pager_playback and pager_playback_one_page).
//
//   TRY_ASSIGN(auto journal, JournalReader::open(file, JournalUse::kHot));
//   if (!journal) …  // finished, empty or never begun: nothing to roll back
//   while (…) { TRY_ASSIGN(auto pgno, journal->next(page)); if (!pgno) break; … }
//   // then cut or extend the database to journal->header().database_pages
//
// Pages beyond that size are left out. Errors: only what the file returns. Memory: none beyond the
// page. Not thread-safe; the file must outlive it and not change.
#pragma once

#include <optional>

#include "ltx/sqlite/journal.h"

namespace skerry::sqlite {

enum class JournalUse {
  kHot,   // left by a crash: records count once they are synced and their header says so
  kLive,  // of the transaction at hand: those that are not synced yet count as well
};

class JournalReader {
 public:
  // Nothing if the journal has no valid header, so that it changes nothing.
  [[nodiscard]] static Result<std::optional<JournalReader>> open(ltx::RandomAccess& file,
                                                                 JournalUse use);

  // Of the first segment. Later ones only bring a count and a nonce.
  [[nodiscard]] const JournalHeader& header() const { return header_; }

  // The number of the next page to restore, with its original content in `page` (exactly one page
  // long); nothing at the journal's end.
  [[nodiscard]] Result<std::optional<PageNo>> next(ByteSpan page);

 private:
  JournalReader(ltx::RandomAccess& file, uint64_t file_bytes, const JournalHeader& header,
                JournalUse use);
  void count_records(uint32_t records);
  // The header of a later segment: SQLite looks at its magic, count and nonce only.
  [[nodiscard]] bool begins_segment(ByteView header) const;
  [[nodiscard]] Result<bool> open_segment();
  [[nodiscard]] Result<PageNo> read_record(ByteSpan page);

  ltx::RandomAccess* file_;
  uint64_t file_bytes_;
  JournalHeader header_;
  JournalUse use_;
  uint64_t at_;           // offset of the next record
  uint64_t records_ = 0;  // left in this segment
  uint32_t nonce_;
};

}  // namespace skerry::sqlite
