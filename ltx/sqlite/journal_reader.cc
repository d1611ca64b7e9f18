#include "ltx/sqlite/journal_reader.h"

#include <array>

#include "ltx/base/invariant.h"
#include "ltx/sqlite/journal_magic.h"
#include "ltx/sqlite/lock_bytes.h"

namespace skerry::sqlite {

Result<std::optional<JournalReader>> JournalReader::open(ltx::RandomAccess& file, JournalUse use) {
  TRY_ASSIGN(const uint64_t file_bytes, file.size());
  if (file_bytes < kJournalHeaderBytes) return std::nullopt;
  std::array<std::byte, kJournalHeaderBytes> raw;
  TRY(file.read_at(0, raw));
  auto header = decode_journal_header(raw);
  if (!header && use == JournalUse::kLive) header = decode_unsynced_journal_header(raw);
  if (!header || header->sector_bytes > file_bytes) return std::nullopt;
  return JournalReader(file, file_bytes, *header, use);
}

JournalReader::JournalReader(ltx::RandomAccess& file, uint64_t file_bytes,
                             const JournalHeader& header, JournalUse use)
    : file_(&file),
      file_bytes_(file_bytes),
      header_(header),
      use_(use),
      at_(header.sector_bytes),
      nonce_(header.nonce) {
  count_records(header.records);
}

void JournalReader::count_records(uint32_t records) {
  const bool to_end =
      records == kJournalRecordsToEnd || (records == 0 && use_ == JournalUse::kLive);
  records_ = to_end ? (file_bytes_ - at_) / journal_record_bytes(header_.page_size) : records;
}

bool JournalReader::begins_segment(ByteView raw) const {
  if (has_journal_magic(raw)) return true;
  if (use_ != JournalUse::kLive) return false;
  const auto unsynced = decode_unsynced_journal_header(raw);
  return unsynced && unsynced->page_size == header_.page_size &&
         unsynced->sector_bytes == header_.sector_bytes &&
         unsynced->database_pages == header_.database_pages;
}

// The next segment begins at the next sector; false if there is none.
Result<bool> JournalReader::open_segment() {
  const uint64_t sector = header_.sector_bytes;
  const uint64_t start = (at_ + sector - 1) / sector * sector;
  if (start > file_bytes_ || file_bytes_ - start < sector) return false;
  std::array<std::byte, kJournalHeaderBytes> raw;
  TRY(file_->read_at(start, raw));
  if (!begins_segment(raw)) return false;
  at_ = start + sector;
  nonce_ = load_be32(&raw[12]);
  count_records(load_be32(&raw[8]));
  return true;
}

// 0 if there is no valid record.
Result<PageNo> JournalReader::read_record(ByteSpan page) {
  const uint64_t bytes = journal_record_bytes(header_.page_size);
  if (file_bytes_ - at_ < bytes) return PageNo(0);
  std::array<std::byte, 4> pgno;
  std::array<std::byte, 4> checksum;
  TRY(file_->read_at(at_, pgno));
  TRY(file_->read_at(at_ + pgno.size(), page));
  TRY(file_->read_at(at_ + pgno.size() + page.size(), checksum));
  at_ += bytes;
  const PageNo number(load_be32(pgno.data()));
  // SQLite does not look at the checksum of a page that it is not going to restore.
  if (number.value() > header_.database_pages && number != lock_page(header_.page_size)) {
    return number;
  }
  const bool valid = number != lock_page(header_.page_size) &&
                     load_be32(checksum.data()) == journal_page_checksum(nonce_, page);
  return valid ? number : PageNo(0);
}

Result<std::optional<PageNo>> JournalReader::next(ByteSpan page) {
  INVARIANT(page.size() == header_.page_size.bytes());
  for (;;) {
    while (records_ == 0) {
      TRY_ASSIGN(const bool opened, open_segment());
      if (!opened) return std::nullopt;
    }
    --records_;
    TRY_ASSIGN(const PageNo pgno, read_record(page));
    if (pgno == PageNo(0)) {
      at_ = file_bytes_;
      records_ = 0;
      return std::nullopt;
    }
    if (pgno.value() <= header_.database_pages) return pgno;
  }
}

}  // namespace skerry::sqlite
