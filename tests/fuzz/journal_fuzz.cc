// Rollback journals: reading ends, and hands out no page that the database did not have.
#include "ltx/sqlite/journal_reader.h"

#include "ltx/sqlite/lock_bytes.h"
#include "tests/fuzz/fuzz.h"

namespace skerry::fuzz {
namespace {

void read_all(ltx::RandomAccess& memory, sqlite::JournalUse use, uint64_t file_bytes) {
  auto journal = sqlite::JournalReader::open(memory, use);
  INVARIANT(journal.has_value());
  if (!*journal) return;
  sqlite::JournalReader& reader = **journal;
  const sqlite::JournalHeader header = reader.header();
  Bytes page(header.page_size.bytes());
  uint64_t pages = 0;
  for (;; ++pages) {
    const auto pgno = reader.next(page);
    INVARIANT(pgno.has_value());
    if (!*pgno) break;
    INVARIANT(**pgno != PageNo(0) && (*pgno)->value() <= header.database_pages);
    INVARIANT(**pgno != sqlite::lock_page(header.page_size));
  }
  INVARIANT(pages <= file_bytes / sqlite::journal_record_bytes(header.page_size));
}

}  // namespace
}  // namespace skerry::fuzz

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace skerry;
  ltx::MemoryAccess memory(fuzz::view(data, size));
  fuzz::read_all(memory, sqlite::JournalUse::kHot, size);
  fuzz::read_all(memory, sqlite::JournalUse::kLive, size);
  const auto name = sqlite::super_journal_name(memory);
  INVARIANT(name.has_value());
  if (*name) INVARIANT((*name)->size() <= sqlite::kSuperJournalNameBytesMax);
  return 0;
}
