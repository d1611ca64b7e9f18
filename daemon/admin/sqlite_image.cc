#include "daemon/admin/sqlite_image.h"

#include <fmt/format.h>

#include <array>

namespace skerry::admin {
namespace {

// Places in the first page (source: "The SQLite database file format", 1.3).
constexpr size_t kWriteVersionAt = 18;
constexpr size_t kReadVersionAt = 19;
constexpr size_t kChangeCounterAt = 24;
constexpr size_t kPageCountAt = 28;
constexpr size_t kSchemaCookieAt = 40;
constexpr size_t kVersionValidForAt = 92;

// Far from `old` and never equal to it: an application may count on meanwhile.
uint32_t unseen(uint32_t old, uint32_t random) {
  constexpr uint32_t kApart = 1u << 20;
  return old + kApart + random % (UINT32_MAX - 2 * kApart);
}

}  // namespace

Result<SqliteImage> check_image(os::File& file, uint64_t bytes) {
  if (bytes == 0) return fail(Errc::kInvalid, "the file is empty");
  std::array<std::byte, sqlite::kDbHeaderBytes> raw;
  TRY_ASSIGN(const size_t n, file.read_at(os::Site("import:header"), 0, raw));
  const auto header = sqlite::decode_db_header(ByteView(raw).first(n));
  if (!header) return fail(Errc::kInvalid, "the file is no SQLite database");
  const uint64_t page_bytes = header->page_size.bytes();
  const uint64_t in_file = bytes / page_bytes;
  const uint64_t pages = header->page_count_valid ? header->page_count : in_file;
  if (pages == 0 || pages > in_file || pages > UINT32_MAX - 1) {
    return fail(Errc::kInvalid,
                fmt::format("the file is not whole: it has {} bytes, and its header speaks of {} "
                            "pages of {} bytes",
                            bytes, pages, page_bytes));
  }
  return SqliteImage{header->page_size, static_cast<uint32_t>(pages)};
}

void replace_first_page(ByteSpan page, ByteView old_page, uint32_t pages, uint32_t random) {
  page[kWriteVersionAt] = old_page[kWriteVersionAt];
  page[kReadVersionAt] = old_page[kReadVersionAt];
  const uint32_t counter = unseen(load_be32(old_page.data() + kChangeCounterAt), random);
  store_be32(page.data() + kChangeCounterAt, counter);
  store_be32(page.data() + kVersionValidForAt, counter);
  store_be32(page.data() + kPageCountAt, pages);
  store_be32(page.data() + kSchemaCookieAt,
             unseen(load_be32(old_page.data() + kSchemaCookieAt), random));
}

}  // namespace skerry::admin
