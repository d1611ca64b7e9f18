#include "ltx/sqlite/journal.h"

#include <array>
#include <bit>

#include "ltx/sqlite/journal_magic.h"

namespace skerry::sqlite {

static std::optional<JournalHeader> decode_fields(ByteView b) {
  const uint32_t sector_bytes = load_be32(&b[20]);
  const auto page_size = PageSize::of(load_be32(&b[24]));
  if (!page_size || !std::has_single_bit(sector_bytes) || sector_bytes < 32 ||
      sector_bytes > kJournalSectorBytesMax) {
    return std::nullopt;
  }
  return JournalHeader{load_be32(&b[8]), load_be32(&b[12]), load_be32(&b[16]), sector_bytes,
                       *page_size};
}

std::optional<JournalHeader> decode_journal_header(ByteView bytes) {
  if (bytes.size() < kJournalHeaderBytes || !has_journal_magic(bytes)) return std::nullopt;
  return decode_fields(bytes);
}

std::optional<JournalHeader> decode_unsynced_journal_header(ByteView bytes) {
  constexpr std::array<std::byte, 12> kNotYet{};
  if (bytes.size() < kJournalHeaderBytes || !equal(bytes.first(kNotYet.size()), kNotYet)) {
    return std::nullopt;
  }
  return decode_fields(bytes);
}

uint32_t journal_page_checksum(uint32_t nonce, ByteView page) {
  uint32_t sum = nonce;
  for (size_t i = page.size(); i > 200;) {
    i -= 200;
    sum += std::to_integer<uint32_t>(page[i]);
  }
  return sum;
}

// The checksum is the sum of the name's characters, which SQLite computes with C's `char`: signed
// or not depends on the machine that wrote the journal, so either sum is good.
static bool fits(uint32_t checksum, std::string_view name) {
  uint32_t as_unsigned = 0;
  uint32_t as_signed = 0;
  for (const char c : name) {
    as_unsigned += static_cast<unsigned char>(c);
    as_signed += static_cast<uint32_t>(static_cast<signed char>(c));
  }
  return checksum == as_unsigned || checksum == as_signed;
}

Result<std::optional<std::string>> super_journal_name(ltx::RandomAccess& journal) {
  constexpr size_t kTailBytes = 4 + 4 + kJournalMagic.size();
  TRY_ASSIGN(const uint64_t file_bytes, journal.size());
  if (file_bytes < kTailBytes) return std::nullopt;
  std::array<std::byte, kTailBytes> tail;
  TRY(journal.read_at(file_bytes - kTailBytes, tail));
  const uint32_t name_bytes = load_be32(&tail[0]);
  if (!has_journal_magic(ByteView(tail).subspan(8)) || name_bytes == 0 ||
      name_bytes > kSuperJournalNameBytesMax || name_bytes > file_bytes - kTailBytes) {
    return std::nullopt;
  }
  std::string name(name_bytes, '\0');
  TRY(journal.read_at(file_bytes - kTailBytes - name_bytes,
                      std::as_writable_bytes(std::span(name))));
  if (!fits(load_be32(&tail[4]), name)) return std::nullopt;
  return name;
}

}  // namespace skerry::sqlite
