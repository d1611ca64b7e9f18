// Any bytes from a client or an application: whole or in pieces they are understood alike, and what
// the proxy makes of a head is a head that it would accept itself, with the same framing.
#include <string>

#include "proxy/http/body.h"
#include "proxy/http/head.h"
#include "proxy/http/rewrite.h"
#include "proxy/limits.h"
#include "proxy/request.h"
#include "tests/fuzz/fuzz.h"

namespace skerry::proxy {
namespace {

size_t head_bytes(std::string_view text, size_t step) {
  Scan scan;
  Scan::State state = Scan::State::kMore;
  for (size_t n = 0; n < text.size() && state == Scan::State::kMore;) {
    n = std::min(n + step, text.size());
    if (const size_t end = find_head_end(text.substr(0, n), scan, state); end > 0) return end;
  }
  return 0;
}

struct Consumed {
  size_t bytes = 0;
  bool complete = false;
  bool bad = false;
  std::string payload;
  friend bool operator==(const Consumed&, const Consumed&) = default;
};

Consumed consume(Framing framing, std::string_view text, size_t step) {
  BodyReader reader(framing);
  Consumed result;
  while (result.bytes < text.size() && !reader.complete() && !reader.bad()) {
    result.bytes += reader.take(text.substr(result.bytes, step), &result.payload);
  }
  result.complete = reader.complete();
  result.bad = reader.bad();
  return result;
}

void check_body(Framing framing, std::string_view text, size_t step) {
  const Consumed whole = consume(framing, text, std::max<size_t>(text.size(), 1));
  INVARIANT(whole == consume(framing, text, step));
  INVARIANT(whole.bytes <= text.size());
  if (whole.complete && framing.kind == BodyKind::kLength) {
    INVARIANT(whole.bytes == framing.length);
  }
}

void check_request(std::string_view text, std::string_view rest, size_t step) {
  static const Settings settings = [] {
    Settings s;
    s.secret = "secret";
    s.tracked.all = true;
    s.always_forward = {"/a*"};
    return s;
  }();
  RequestHead head;
  if (!parse_request(text, head)) return;
  (void)read_request(head, settings);
  std::string onward;
  write_request(head, {.client = "::1", .mark = "1;x"}, onward);
  INVARIANT(head_bytes(onward, 1) == onward.size());
  RequestHead again;
  const auto parsed = parse_request(onward, again);
  // The fields that we add may make one too many, or the target of an absolute form too short.
  INVARIANT(parsed || parsed.error().status == 431);
  if (parsed) {
    INVARIANT(again.body.kind == head.body.kind && again.body.length == head.body.length);
    INVARIANT(again.target == head.target && again.method == head.method);
  }
  check_body(head.body, rest, step);
}

void check_response(std::string_view text, std::string_view rest, size_t step) {
  ResponseHead head;
  if (!parse_response(text, false, head)) return;
  std::string back;
  write_response(head, {.token = "t"}, back);
  INVARIANT(head_bytes(back, 1) == back.size());
  ResponseHead again;
  if (parse_response(back, false, again)) {
    INVARIANT(again.body.kind == head.body.kind && again.body.length == head.body.length);
  }
  check_body(head.body, rest, step);
}

}  // namespace
}  // namespace skerry::proxy

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace skerry::proxy;
  if (size < 1) return 0;
  const size_t step = 1 + data[0] % 7;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t end = head_bytes(text, step);
  INVARIANT(end == head_bytes(text, std::max<size_t>(text.size(), 1)));
  if (end == 0) return 0;
  check_request(text.substr(0, end), text.substr(end), step);
  check_response(text.substr(0, end), text.substr(end), step);
  return 0;
}
