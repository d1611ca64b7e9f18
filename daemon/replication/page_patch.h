// The difference between two versions of a page as the runs of bytes that changed: what most small
// transactions do to a page is a handful of them. Pure.
//
//   patch = { skip (varint)  length (varint)  bytes }*     to the end; never past the page
#pragma once

#include "ltx/base/bytes.h"

namespace skerry::replication {

// Appends the patch that makes `after` out of `before` (equally long); false, with `out` as it was,
// if it would take more than `bytes_max`.
[[nodiscard]] bool append_patch(ByteView before, ByteView after, size_t bytes_max, Bytes& out);

// False if the patch does not fit the page; its content is then anything.
[[nodiscard]] bool apply_patch(ByteView patch, ByteSpan page);

}  // namespace skerry::replication
