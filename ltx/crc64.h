// CRC64-ISO as Go's hash/crc64 with its ISO polynomial (CRC-64/GO-ISO, check value
// b90956c775a41001), which LTX uses for pages and files.
#pragma once

#include "ltx/base/bytes.h"

namespace skerry::ltx {

class Crc64 {
 public:
  void update(ByteView data);
  [[nodiscard]] uint64_t value() const { return crc_; }

 private:
  uint64_t crc_ = 0;
};

}  // namespace skerry::ltx
