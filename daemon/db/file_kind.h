// The files of a database, as SQLite names them and as the data folder keeps them.
#pragma once

#include <array>
#include <string_view>

namespace skerry::db {

enum class FileKind : unsigned char { kDatabase, kJournal, kWal, kShm };

inline constexpr std::array kFileKinds{FileKind::kDatabase, FileKind::kJournal, FileKind::kWal,
                                       FileKind::kShm};

// What SQLite appends to the database's name.
[[nodiscard]] constexpr std::string_view suffix(FileKind kind) {
  constexpr std::array<std::string_view, 4> kSuffixes{"", "-journal", "-wal", "-shm"};
  return kSuffixes[static_cast<size_t>(kind)];
}

// The file's name in dbs/<database>/, as LiteFS has it.
[[nodiscard]] constexpr std::string_view backing_name(FileKind kind) {
  constexpr std::array<std::string_view, 4> kNames{"database", "journal", "wal", "shm"};
  return kNames[static_cast<size_t>(kind)];
}

}  // namespace skerry::db
