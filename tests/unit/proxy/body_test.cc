#include "proxy/http/body.h"

#include <doctest/doctest.h>

#include <string>

#include "proxy/limits.h"

namespace skerry::proxy {
namespace {

struct Outcome {
  bool complete;
  bool bad;
  size_t bytes;
  std::string payload;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome read(Framing framing, std::string_view text, size_t step) {
  BodyReader reader(framing);
  Outcome outcome{};
  while (outcome.bytes < text.size() && !reader.complete() && !reader.bad()) {
    const auto piece = text.substr(outcome.bytes, step);
    outcome.bytes += reader.take(piece, &outcome.payload);
  }
  outcome.complete = reader.complete();
  outcome.bad = reader.bad();
  CHECK(outcome.payload.size() == reader.payload_bytes());
  return outcome;
}

constexpr Framing kChunkedBody{BodyKind::kChunked, 0};

TEST_CASE("a chunked body ends where its last chunk does, in whatever pieces it comes") {
  const std::string body =
      "5\r\nhello\r\n00A;name=\"v\"\r\n, dear you\r\n0\r\nServer-Timing: x\r\n\r\n";
  const std::string text = body + "GET / HTTP/1.1";
  for (size_t step = 1; step <= text.size(); ++step) {
    CAPTURE(step);
    CHECK(read(kChunkedBody, text, step) == Outcome{true, false, body.size(), "hello, dear you"});
  }
}

TEST_CASE("a chunked body that two readers could understand in two ways is refused") {
  for (const std::string text : {"5\nhello\r\n0\r\n\r\n",
                                 "5\r\nhello\n0\r\n\r\n",
                                 "5\r\nhello0\r\n\r\n",
                                 "\r\n5\r\nhello",
                                 "-5\r\nhello",
                                 "+5\r\nhello",
                                 "0x5\r\nhello",
                                 " 5\r\nhello",
                                 "5 \r\nhello",
                                 "g\r\n",
                                 "5;a\nb\r\nhello",
                                 "5;a\rb\r\nhello",
                                 "5;\x01\r\nhello",
                                 "1000000000000000\r\n",
                                 "0\r\nContent-Length: 5\r\n\r\n",
                                 "0\r\nHost: x\r\n\r\n",
                                 "0\r\n folded\r\n\r\n",
                                 "0\r\nno colon\r\n\r\n",
                                 "0\r\nX: y\n\r\n",
                                 "0\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
    CAPTURE(text);
    CHECK(read(kChunkedBody, text, text.size()).bad);
  }
}

TEST_CASE("what surrounds chunks is bounded") {
  CHECK(read(kChunkedBody, "1;" + std::string(kChunkExtensionBytesMax + 1, 'x'), 4096).bad);
  CHECK_FALSE(read(kChunkedBody, "1;" + std::string(kChunkExtensionBytesMax - 1, 'x'), 4096).bad);
  CHECK(read(kChunkedBody, "0\r\nX: " + std::string(kTrailerBytesMax, 'x'), 4096).bad);
  std::string lines = "0\r\n";
  while (lines.size() < 2 * kTrailerBytesMax) lines += "X: y\r\n";
  CHECK(read(kChunkedBody, lines, 4096).bad);
}

TEST_CASE("other bodies end by their length, or with the connection") {
  CHECK(read({BodyKind::kLength, 3}, "abcdef", 2) == Outcome{true, false, 3, "abc"});
  CHECK(read({BodyKind::kLength, 9}, "abcdef", 4) == Outcome{false, false, 6, "abcdef"});
  CHECK(read({BodyKind::kNone, 0}, "abc", 3) == Outcome{true, false, 0, ""});
  BodyReader reader({BodyKind::kUntilClose, 0});
  CHECK(reader.take("abc") == 3);
  CHECK_FALSE(reader.complete());
  reader.end_of_stream();
  CHECK(reader.complete());
  BodyReader cut({BodyKind::kLength, 9});
  cut.end_of_stream();
  CHECK_FALSE(cut.complete());
}

}  // namespace
}  // namespace skerry::proxy
