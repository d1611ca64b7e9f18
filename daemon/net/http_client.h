// An HTTP client for calls between nodes and from the command line. Blocks: for pool threads and
// for programs, never for an io thread. Every wait has a deadline.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/net/http_message.h"

namespace skerry::net {

// What a reply's body may hold where nobody asked for its bytes one by one.
inline constexpr size_t kReplyBytesMax = 4 << 20;

struct Call {
  std::string method = "GET";
  std::string url{};
  HeaderList headers{};
  ltx::ByteSource* body = nullptr;  // sent with `body_bytes`, or in chunks
  std::optional<uint64_t> body_bytes{};
  // Takes the body of a 2xx reply piece by piece; without it the body is in Reply::body.
  std::function<Status(ByteView piece, std::optional<uint64_t> bytes_total)> sink{};
  std::chrono::milliseconds connect_deadline{5'000};
  std::chrono::seconds silence_max{30};    // without a byte moving either way
  std::chrono::milliseconds total_max{0};  // 0: as long as bytes move
};

struct Reply {
  unsigned status = 0;
  HeaderList headers;
  std::string body;
};

// Any status is a reply; an error means that there was none, or that `body` or `sink` failed.
// kUnavailable: nobody there; kTimeout: a deadline.
[[nodiscard]] Result<Reply> call(const Call& what);

// The same where only 2xx will do: another status becomes an error with the server's own words.
[[nodiscard]] Result<Reply> call_and_check(const Call& what);

// "http://host:1/" + "/import" + {{"name", "a b"}} = "http://host:1/import?name=a%20b"
[[nodiscard]] std::string make_url(
    std::string_view base, std::string_view path,
    const std::vector<std::pair<std::string, std::string>>& query = {});

}  // namespace skerry::net
