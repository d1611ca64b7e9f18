#include "ltx/base/result.h"

#include <cerrno>
#include <system_error>

namespace skerry {

std::string_view to_string(Errc code) {
  switch (code) {
    case Errc::kInvalid:
      return "invalid";
    case Errc::kCorrupt:
      return "corrupt";
    case Errc::kNotFound:
      return "not-found";
    case Errc::kExists:
      return "exists";
    case Errc::kReadOnly:
      return "read-only";
    case Errc::kBusy:
      return "busy";
    case Errc::kNoSpace:
      return "no-space";
    case Errc::kIo:
      return "io";
    case Errc::kTimeout:
      return "timeout";
    case Errc::kUnavailable:
      return "unavailable";
    case Errc::kUnsupported:
      return "unsupported";
    case Errc::kDenied:
      return "denied";
    case Errc::kCancelled:
      return "cancelled";
  }
  return "unknown";
}

Error Error::within(std::string_view context) const {
  std::string message(context);
  message += ": ";
  message += message_;
  return {code_, std::move(message), os_errno_};
}

static Errc errc_of(int err) {
  switch (err) {
    case ENOENT:
    case ENOTDIR:
      return Errc::kNotFound;
    case EEXIST:
      return Errc::kExists;
    case EROFS:
      return Errc::kReadOnly;
    case EBUSY:
    case EAGAIN:
      return Errc::kBusy;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return Errc::kNoSpace;
    case ETIMEDOUT:
      return Errc::kTimeout;
    case ECONNREFUSED:
    case ECONNRESET:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EPIPE:
      return Errc::kUnavailable;
    case EACCES:
    case EPERM:
      return Errc::kDenied;
    case EINVAL:
    case ENAMETOOLONG:
      return Errc::kInvalid;
    case ENOSYS:
    case EOPNOTSUPP:
      return Errc::kUnsupported;
    case ECANCELED:
      return Errc::kCancelled;
    default:
      return Errc::kIo;
  }
}

Error errno_error(int err, std::string_view what) {
  std::string message(what);
  message += ": ";
  message += std::generic_category().message(err);
  return {errc_of(err), std::move(message), err};
}

std::unexpected<Error> fail_errno(int err, std::string_view what) {
  return std::unexpected(errno_error(err, what));
}

}  // namespace skerry
