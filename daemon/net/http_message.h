// Requests and responses as handlers see them: plain values, no library behind them.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "ltx/byte_source.h"

namespace skerry::net {

// Names compare without regard to case; order is kept.
class HeaderList {
 public:
  using Entry = std::pair<std::string, std::string>;

  HeaderList() = default;
  HeaderList(std::initializer_list<Entry> entries) : entries_(entries) {}

  void set(std::string_view name, std::string value);  // replaces
  void add(std::string name, std::string value) {
    entries_.emplace_back(std::move(name), std::move(value));
  }
  [[nodiscard]] const std::string* find(std::string_view name) const;  // the first, or null
  [[nodiscard]] auto begin() const { return entries_.begin(); }
  [[nodiscard]] auto end() const { return entries_.end(); }

 private:
  std::vector<Entry> entries_;
};

// The part behind '?', decoded.
class Query {
 public:
  Query() = default;
  explicit Query(std::vector<std::pair<std::string, std::string>> values)
      : values_(std::move(values)) {}
  // The first of that name; empty if there is none.
  [[nodiscard]] const std::string& get(std::string_view name) const;
  [[nodiscard]] bool empty() const { return values_.empty(); }
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& values() const {
    return values_;
  }

 private:
  std::vector<std::pair<std::string, std::string>> values_;
};

struct Target {
  std::string path;  // decoded
  Query query;
};
// kInvalid: not a path from the root, or broken percent encoding.
[[nodiscard]] Result<Target> parse_target(std::string_view target);
[[nodiscard]] std::string percent_encode(std::string_view text);

struct Request {
  std::string method;
  std::string path;  // decoded
  Query query;
  HeaderList headers;
  std::string peer;                    // the client's address and port
  std::optional<uint64_t> body_bytes;  // if the client said so
  // Never null. On a pool thread its read() waits for the client, with a deadline; an error of it
  // is the client's doing.
  ltx::ByteSource* body = nullptr;
  std::shared_ptr<ltx::ByteSource> own_body{};  // `body`, if a guard put another in its place
  // Becomes true when the server stops: work that takes long gives up then. Null in tests of
  // handlers alone.
  const std::atomic<bool>* stopping = nullptr;

  [[nodiscard]] Status check_stopping() const;
};

// A body that comes into being over time, without a thread that waits for it.
class LiveBody {
 public:
  virtual ~LiveBody() = default;
  // Called once, on an io thread. From then on and until the body is destroyed, `wake` may be
  // called from any thread; each call is followed by a take().
  virtual void start(std::function<void()> wake) = 0;
  // On an io thread: what is to be sent now, maybe nothing. Must not block. The end of the body is
  // the end of the connection.
  [[nodiscard]] virtual std::string take() = 0;
};

struct StreamedBody {
  // Read on a pool thread.
  std::unique_ptr<ltx::ByteSource> source;
  std::optional<uint64_t> bytes;  // known: becomes Content-Length
};

using Body = std::variant<std::string, StreamedBody, std::unique_ptr<LiveBody>>;

struct Response {
  unsigned status = 200;
  HeaderList headers;
  Body body;
};

[[nodiscard]] Response text_response(unsigned status, std::string text);
[[nodiscard]] Response json_response(unsigned status, std::string json);

// The one translation from errors to HTTP.
[[nodiscard]] unsigned http_status(Errc code);
// The message as text, with a line's end.
[[nodiscard]] Response error_response(const Error& error);

[[nodiscard]] std::string_view reason_phrase(unsigned status);

// How a response's end is told.
enum class Framing { kLength, kChunked, kUntilClose };

// The response up to its empty line. Values that would break out of their line are cut there.
[[nodiscard]] std::string response_head(const Response& response, const HeaderList& common,
                                        Framing framing, uint64_t bytes, bool keep_alive,
                                        int64_t unix_seconds);

}  // namespace skerry::net
