// Errors as values. Every function that can fail returns Result<T>; the code says what the caller
// can do next, the message says what happened: operation, object, cause.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace skerry {

// Chosen by what the caller does next, not by what went wrong inside.
enum class Errc {
  kInvalid,      // the input is at fault: correct it and ask again
  kCorrupt,      // stored or received data is damaged: repair or fetch it anew
  kNotFound,     // the named thing does not exist
  kExists,       // the named thing exists already
  kReadOnly,     // this node may not write now: go to the primary
  kBusy,         // somebody else is at it: try again later
  kNoSpace,      // the disk is full: make room
  kIo,           // the operating system failed the operation
  kTimeout,      // not done in time: the outcome may be unknown
  kUnavailable,  // a peer or service is not reachable: try again or elsewhere
  kUnsupported,  // valid, but not something this program does
  kDenied,       // credentials or permissions are missing
  kCancelled,    // the caller or a shutdown ended it
};

[[nodiscard]] std::string_view to_string(Errc code);

// A value, cheap to move. `os_errno` is the errno behind the error, 0 if there was none; it lets
// the FUSE layer answer with the cause (ENOSPC, EIO) instead of a guess.
class [[nodiscard]] Error {
 public:
  Error(Errc code, std::string message, int os_errno = 0)
      : code_(code), os_errno_(os_errno), message_(std::move(message)) {}

  [[nodiscard]] Errc code() const { return code_; }
  [[nodiscard]] int os_errno() const { return os_errno_; }
  [[nodiscard]] const std::string& message() const { return message_; }

  // The same error seen from one level up: "<context>: <message>".
  [[nodiscard]] Error within(std::string_view context) const;

 private:
  Errc code_;
  int os_errno_;
  std::string message_;
};

template <typename T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

[[nodiscard]] inline std::unexpected<Error> fail(Errc code, std::string message, int os_errno = 0) {
  return std::unexpected(Error(code, std::move(message), os_errno));
}

// The one translation from errno: "<what>: <strerror>".
[[nodiscard]] Error errno_error(int err, std::string_view what);
[[nodiscard]] std::unexpected<Error> fail_errno(int err, std::string_view what);

}  // namespace skerry

#define SKERRY_CONCAT_(a, b) a##b
#define SKERRY_CONCAT(a, b) SKERRY_CONCAT_(a, b)

// TRY(expr): returns the error of expr to the caller, if it has one.
#define TRY(expr)                                                                     \
  do {                                                                                \
    auto&& skerry_try = (expr);                                                       \
    if (!skerry_try) [[unlikely]]                                                     \
      return std::unexpected(std::forward<decltype(skerry_try)>(skerry_try).error()); \
  } while (false)

// TRY_ASSIGN(auto x, expr): the value of expr, or its error to the caller.
#define TRY_ASSIGN(decl, expr) TRY_ASSIGN_(SKERRY_CONCAT(skerry_try_, __LINE__), decl, expr)
#define TRY_ASSIGN_(tmp, decl, expr)                \
  auto tmp = (expr);                                \
  if (!tmp) [[unlikely]]                            \
    return std::unexpected(std::move(tmp).error()); \
  decl = *std::move(tmp)
