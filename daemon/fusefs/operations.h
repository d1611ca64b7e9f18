// The FUSE requests: each is decoded, makes one call of the directory or a node, and is answered
// exactly once. Private to the room: the only header that knows libfuse.
#pragma once

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#include "daemon/fusefs/directory.h"
#include "daemon/fusefs/session.h"

namespace skerry::fusefs {

// Of a file's content in one request. Every worker of a mount must have it, as the first one
// negotiated it.
inline constexpr size_t kTransferBytesMax = size_t{256} << 10;

// What every operation finds in fuse_req_userdata().
struct Served {
  Directory* directory = nullptr;
  SessionLog* log = nullptr;
};

[[nodiscard]] const fuse_lowlevel_ops& operations();

// The request that this thread is answering was sent before, to a worker that did not answer it.
[[nodiscard]] bool request_is_resent();
void set_request_is_resent(bool resent);

[[nodiscard]] bool is_own_thread(int tid);

[[nodiscard]] int errno_of(const Error& error);

}  // namespace skerry::fusefs
