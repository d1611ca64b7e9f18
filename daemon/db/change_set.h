// What one transaction changed: which pages, and where their new content stands.
#pragma once

#include <vector>

#include "ltx/base/result.h"
#include "ltx/base/types.h"
#include "ltx/sqlite/wal_chain.h"

namespace skerry::db {

struct Change {
  PageNo pgno;
  uint32_t frame = 0;  // of the WAL; 0: in the database file
};

struct ChangeSet {
  PageSize page_size = *PageSize::of(4096);
  uint32_t commit = 0;          // pages after the transaction; 0: the database was dropped
  std::vector<Change> changes;  // ascending, without the lock page, none beyond `commit`
  bool every_page = false;      // `changes` is the whole database: nothing of before remains
  // Where a WAL transaction stands: frames [first, last] of a generation; last == 0: not in a WAL.
  sqlite::WalSalt wal_salt;
  uint32_t wal_first = 0;
  sqlite::WalEnd wal_end;
};

// Reads pages of a change set; what it returns is valid until the next call.
class PageReader {
 public:
  virtual ~PageReader() = default;
  [[nodiscard]] virtual Result<ByteView> read(const Change& change) = 0;
};

}  // namespace skerry::db
