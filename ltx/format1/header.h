// Header of an LTX file of format version 1, as LiteFS wrote it. Its layout is version 3's
// (ltx/header.h); it differs in its only flag, in always having checksums and in the rules for its
// WAL fields. Source: the files in tests/golden, the reference implementation at v0.3.14.
#pragma once

#include "ltx/header.h"

namespace skerry::ltx::format1 {

struct FileHeader {
  Header header;  // its flags are 0 and its epoch unknown, so that a version 3 file may carry it on
  bool compressed = false;  // all pages are one LZ4 frame
};

// Validates; takes the first 100 bytes. kCorrupt names the field.
[[nodiscard]] Result<FileHeader> decode_header(ByteView bytes);

}  // namespace skerry::ltx::format1
