// What a name in the mount stands for (compat: LiteFS's flat directory).
//
//   <db> <db>-journal <db>-wal <db>-shm   a database's files, as SQLite names them
//   <db>-mjXXXXXXXXX                      a super-journal beside it
//   <db>-pos <db>-lock                    its position; its HALT lock
//   .primary .lag                         of the node
#pragma once

#include <string>
#include <string_view>

#include "daemon/db/file_kind.h"

namespace skerry::fusefs {

enum class NameKind { kFile, kSuperJournal, kPosition, kLock, kPrimary, kLag };

struct ParsedName {
  NameKind kind = NameKind::kFile;
  db::FileKind file = db::FileKind::kDatabase;
  std::string database;  // empty for .primary and .lag
};

[[nodiscard]] ParsedName parse_name(std::string_view name);

}  // namespace skerry::fusefs
