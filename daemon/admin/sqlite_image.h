// A SQLite file from outside, before it becomes a database here.
#pragma once

#include <optional>

#include "daemon/os/file_system.h"
#include "ltx/sqlite/db_header.h"

namespace skerry::admin {

struct SqliteImage {
  PageSize page_size = *PageSize::of(4096);
  uint32_t pages = 0;
};

// kInvalid, with what is wrong, unless the file is a whole database.
[[nodiscard]] Result<SqliteImage> check_image(os::File& file, uint64_t bytes);

// Makes the first page fit to take the place of another database's first page under connections
// that have that one open. They notice a new content by the change counter and a new schema by the
// schema cookie, so both become values that nobody has seen (`random`: any number); and whether
// there is a WAL is theirs to say, so that the journal mode stays.
void replace_first_page(ByteSpan page, ByteView old_page, uint32_t pages, uint32_t random);

}  // namespace skerry::admin
