// What the tests hold the capture against: a database's logical content read from scratch, and the
// content that its commit log replays to.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "daemon/db/commit_log.h"
#include "ltx/base/types.h"

namespace skerry::test {

struct DbImage {
  uint32_t page_bytes = 0;
  std::vector<Bytes> pages;  // page 1 first; the lock page is empty

  [[nodiscard]] Checksum checksum() const;
  [[nodiscard]] Bytes file() const;
  friend bool operator==(const DbImage&, const DbImage&) = default;
};

// From database and wal in `dir`, verifying every frame, with no help from the code under test.
[[nodiscard]] DbImage read_logical(const std::string& dir);

// Applies every record after `image`'s position; checks each against its pre- and post-apply
// checksums and returns the last position.
class LogReplay {
 public:
  // An error names the record that does not fit.
  [[nodiscard]] Status advance(const db::CommitLog& log);
  [[nodiscard]] const DbImage& image() const { return image_; }
  [[nodiscard]] Position position() const { return position_; }

 private:
  [[nodiscard]] Status apply(ByteView ltx);
  DbImage image_;
  Position position_;
};

}  // namespace skerry::test
