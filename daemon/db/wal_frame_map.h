// Where each page's newest committed frame is, in a WAL too large for WalCapture's own index: built
// piece by piece, so that nobody waits long for the database's mutex. 4 bytes per page.
//
// Not thread-safe: the database's mutex guards it and the capture that it looks at.
#pragma once

#include <vector>

#include "daemon/db/wal_capture.h"

namespace skerry::db {

class WalFrameMap {
 public:
  // Takes in some more committed frames of `file`; false while there are others left.
  [[nodiscard]] Result<bool> advance(const WalCapture& wal, os::File& file);
  // 0: the page is in the database file. Only right once advance() says so.
  [[nodiscard]] uint32_t frame_of(PageNo pgno) const;
  void clear() { frames_ = {}, taken_ = 0; }

 private:
  std::vector<uint32_t> frames_;  // by page − 1
  sqlite::WalSalt salt_;
  uint32_t taken_ = 0;  // frames
};

}  // namespace skerry::db
