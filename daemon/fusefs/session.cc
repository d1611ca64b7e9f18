#include "daemon/fusefs/session.h"

#include <fmt/format.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "daemon/fusefs/notifier.h"
#include "daemon/fusefs/operations.h"
#include "daemon/fusefs/request_threads.h"
#include "ltx/base/invariant.h"

namespace skerry::fusefs {
namespace {

// Of the kernel's protocol (linux/fuse.h): a request begins with length, opcode and a unique
// number, whose top bit marks what is sent again; an answer with length, error and that number.
constexpr uint32_t kOpInit = 26;
constexpr uint64_t kResentBit = uint64_t{1} << 63;
constexpr int32_t kNotifyResend = 7;
constexpr size_t kInitFlagsAt = 40 + 12;  // in a request: behind its header, major, minor, …
constexpr size_t kInitFlags2At = 40 + 16;
constexpr uint32_t kInitExt = 1u << 30;    // there are flags2
constexpr uint32_t kHasResend2 = 1u << 7;  // FUSE_HAS_RESEND, bit 39
constexpr size_t kHandshakeBytesMax = 4096;
constexpr size_t kRequestBytesMax = kTransferBytesMax + 4096;  // content, and what stands before it

// What the hooks of one session share; found through libfuse's userdata.
struct Wire {
  Bytes replay;  // the INIT request, to be read first
  bool drop_first_reply = false;
  Bytes seen;  // negotiation: the INIT request as it came
};

// libfuse hands its operations and the hooks below the session's one userdata.
struct Userdata : Served {
  Wire wire;
};

ssize_t read_request(int fd, void* into, size_t bytes, void* userdata) {
  Wire& wire = static_cast<Userdata*>(static_cast<Served*>(userdata))->wire;
  if (!wire.replay.empty()) {
    const size_t n = wire.replay.size();
    std::memcpy(into, wire.replay.data(), n);
    wire.replay.clear();
    return static_cast<ssize_t>(n);
  }
  const ssize_t n = ::read(fd, into, std::min(bytes, kRequestBytesMax));
  if (n >= 16) {
    const auto* raw = static_cast<const std::byte*>(into);
    uint64_t unique = 0;
    std::memcpy(&unique, raw + 8, sizeof unique);
    set_request_is_resent((unique & kResentBit) != 0);
    if (wire.seen.empty() && static_cast<size_t>(n) <= kHandshakeBytesMax) {
      uint32_t opcode = 0;
      std::memcpy(&opcode, raw + 4, sizeof opcode);
      if (opcode == kOpInit) wire.seen.assign(raw, raw + n);
    }
  }
  return n;
}

ssize_t write_reply(int fd, iovec* parts, int count, void* userdata) {
  Wire& wire = static_cast<Userdata*>(static_cast<Served*>(userdata))->wire;
  if (wire.drop_first_reply) {  // to the replayed INIT: the kernel has had its answer
    wire.drop_first_reply = false;
    size_t all = 0;
    for (int i = 0; i < count; ++i) all += parts[i].iov_len;
    return static_cast<ssize_t>(all);
  }
  return ::writev(fd, parts, count);
}

bool kernel_can_resend(ByteView init_request) {
  if (init_request.size() < kInitFlags2At + 4) return false;
  uint32_t flags = 0;
  uint32_t flags2 = 0;
  std::memcpy(&flags, &init_request[kInitFlagsAt], sizeof flags);
  std::memcpy(&flags2, &init_request[kInitFlags2At], sizeof flags2);
  return (flags & kInitExt) != 0 && (flags2 & kHasResend2) != 0;
}

using SessionPtr = std::unique_ptr<fuse_session, decltype(&fuse_session_destroy)>;

Result<SessionPtr> new_session(int fuse_fd, Userdata& userdata) {
  char program[] = "skerry";
  char* arguments[] = {program, nullptr};
  fuse_args args = FUSE_ARGS_INIT(1, arguments);
  SessionPtr session(fuse_session_new(&args, &operations(), sizeof(fuse_lowlevel_ops),
                                      static_cast<Served*>(&userdata)),
                     &fuse_session_destroy);
  if (!session) return fail(Errc::kIo, "libfuse cannot create a session");
  fuse_custom_io io{};
  io.read = read_request;
  io.writev = write_reply;
  const int own_fd = ::dup(fuse_fd);
  if (own_fd < 0) return fail_errno(errno, "duplicating the descriptor of /dev/fuse");
  const int failed = fuse_session_custom_io(session.get(), &io, own_fd);
  if (failed != 0) return fail(Errc::kIo, fmt::format("libfuse: custom io: {}", failed));
  return session;
}

}  // namespace

struct Session::Impl {
  Impl(Directory& directory, SessionLog& log) : threads([this] { return serve_one(); }) {
    userdata.directory = &directory;
    userdata.log = &log;
  }

  [[nodiscard]] bool serve_one();

  Userdata userdata;
  SessionPtr session{nullptr, &fuse_session_destroy};
  RequestThreads threads;  // ends before what it serves
};

// Where a thread's requests are read to. Its pages must be there before: if the process is killed
// in the midst of a read, the kernel takes no page fault any more, and would answer that request
// with EIO instead of keeping it for the successor.
struct RequestBuffer {
  RequestBuffer() : memory(kRequestBytesMax) {
    buf.mem = memory.data();  // and all of it was written to, as its construction does
  }
  Bytes memory;
  fuse_buf buf{};
};

bool Session::Impl::serve_one() {
  static thread_local RequestBuffer buffer;
  const int n = fuse_session_receive_buf(session.get(), &buffer.buf);
  if (n == -EINTR || n == -EAGAIN || n == -ENOENT) return true;  // the request was withdrawn
  if (n <= 0) return false;
  fuse_session_process_buf(session.get(), &buffer.buf);
  return fuse_session_exited(session.get()) == 0;
}

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::~Session() = default;

Result<std::unique_ptr<Session>> Session::open(int fuse_fd, const Handshake& handshake,
                                               Directory& directory, SessionLog& log) {
  auto impl = std::make_unique<Impl>(directory, log);
  impl->userdata.wire.replay = handshake.init_request;
  impl->userdata.wire.seen = handshake.init_request;
  impl->userdata.wire.drop_first_reply = true;
  TRY_ASSIGN(impl->session, new_session(fuse_fd, impl->userdata));
  if (!impl->serve_one()) return fail(Errc::kIo, "libfuse does not accept the kernel's INIT again");
  return std::unique_ptr<Session>(new Session(std::move(impl)));
}

Status Session::start(bool resend) {
  if (resend) {
    struct {
      uint32_t bytes = 16;
      int32_t code = kNotifyResend;
      uint64_t unique = 0;
    } const message;
    if (::write(fuse_session_fd(impl_->session.get()), &message, sizeof message) < 0) {
      return fail_errno(errno, "asking the kernel for the unanswered requests");
    }
  }
  impl_->threads.start();
  return {};
}

void Session::wait() {
  impl_->threads.join();
}

void Session::invalidate_node(uint64_t id, uint64_t offset, uint64_t bytes) {
  const bool attributes_only = bytes == Notifier::kAttributesOnly;
  // An error says that the kernel does not know the file: nothing is cached.
  (void)fuse_lowlevel_notify_inval_inode(impl_->session.get(), id,
                                         attributes_only ? -1 : static_cast<off_t>(offset),
                                         attributes_only ? 0 : static_cast<off_t>(bytes));
}

bool Session::kernel_knows(uint64_t id) {
  constexpr off_t kAttributesOnly = -1;
  return fuse_lowlevel_notify_inval_inode(impl_->session.get(), id, kAttributesOnly, 0) != -ENOENT;
}

void Session::invalidate_name(const std::string& name) {
  (void)fuse_lowlevel_notify_inval_entry(impl_->session.get(), kRootId, name.c_str(), name.size());
}

void Session::store(uint64_t id, uint64_t offset, ByteView data) {
  fuse_bufvec buffer{};
  buffer.count = 1;
  buffer.buf[0].size = data.size();
  buffer.buf[0].mem = const_cast<std::byte*>(data.data());
  (void)fuse_lowlevel_notify_store(impl_->session.get(), id, static_cast<off_t>(offset), &buffer,
                                   fuse_buf_copy_flags{});
}

Result<Handshake> negotiate(int fuse_fd) {
  Userdata userdata;  // only INIT is served here, which looks at nothing
  TRY_ASSIGN(const SessionPtr session, new_session(fuse_fd, userdata));
  fuse_buf buffer{};
  const int n = fuse_session_receive_buf(session.get(), &buffer);
  if (n > 0) fuse_session_process_buf(session.get(), &buffer);
  std::free(buffer.mem);
  if (n <= 0 || userdata.wire.seen.empty()) {
    return fail(Errc::kIo,
                fmt::format("the kernel's first message on /dev/fuse did not come: {}", n));
  }
  return Handshake{userdata.wire.seen, kernel_can_resend(userdata.wire.seen)};
}

}  // namespace skerry::fusefs
