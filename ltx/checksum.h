// Page and database checksums (source: the LTX format, version 3). A database's checksum is the XOR
// of its pages', so a transaction updates it in O(pages changed).
#pragma once

#include "ltx/base/bytes.h"
#include "ltx/base/types.h"

namespace skerry::ltx {

// CRC64-ISO over the big-endian page number and the page. The page that holds SQLite's lock bytes
// (sqlite/lock_bytes.h) has no content and is never summed.
[[nodiscard]] Checksum page_checksum(PageNo pgno, ByteView page);

}  // namespace skerry::ltx
