// The older part of a database's history: LTX files, each of which merges the transactions of
// several records or files, in ltx/<level>/<first txid>-<last txid>.ltx. Level 1 comes from the
// commit log; level n + 1 from level n.
//
// Threads: any. Files that somebody reads stay readable when they are removed (StoredLtx).
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "daemon/db/stored_ltx.h"

namespace skerry::db {

inline constexpr int kLtxLevelMax = 9;

class LtxLevels {
 public:
  struct File {
    int level = 1;
    Txid first;
    Txid last;
    uint64_t bytes = 0;
    int64_t newest_ms = 0;  // of the last transaction, since the Unix epoch
    int64_t oldest_ms = 0;  // not later than the first transaction, as far as that is known
    uint32_t page_bytes = 0;
  };

  // `dir` is created when the first file is. What a crash left behind is cleared away: unfinished
  // files, and inputs of a merge whose output is there.
  [[nodiscard]] static Result<std::unique_ptr<LtxLevels>> open(os::FileSystem& fs, std::string dir);

  // Oldest first.
  [[nodiscard]] std::vector<File> files() const;
  // The file that contains `txid`, opened; nothing if there is none.
  [[nodiscard]] Result<std::optional<StoredLtx>> find(Txid txid) const;

  // A new file, made in two steps: write to what create() returns, then commit() puts it in the
  // place of its inputs (durably), or discard().
  struct Draft {
    std::string path;
    std::unique_ptr<os::File> file;
  };
  [[nodiscard]] Result<Draft> create(int level, Txid first, Txid last);
  [[nodiscard]] Status commit(Draft draft, const File& info);
  void discard(const Draft& draft);

  [[nodiscard]] Status remove(const File& file);
  // Removes every file that contains transactions after `last`.
  [[nodiscard]] Status drop_after(Txid last);

 private:
  LtxLevels(os::FileSystem& fs, std::string dir) : fs_(fs), dir_(std::move(dir)) {}
  [[nodiscard]] Status load();
  [[nodiscard]] Status load_level(int level);
  [[nodiscard]] Status load_file(int level, const std::string& name);
  [[nodiscard]] std::string path_of(int level, Txid first, Txid last) const;
  [[nodiscard]] Status remove_covered();

  os::FileSystem& fs_;
  const std::string dir_;
  mutable std::mutex mutex_;
  std::vector<File> files_;  // guarded by mutex_; by first txid
};

}  // namespace skerry::db
