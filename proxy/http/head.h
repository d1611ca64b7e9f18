// The heads of HTTP/1 messages, read strictly: what two readers could understand in two ways is
// refused, since that is what request smuggling lives on. Pure; no allocation but the fields'
// vector, which callers reuse.
//
// Refused, beyond what RFC 9112 asks to refuse: a bare LF or CR anywhere, folded lines, white space
// before a colon, Transfer-Encoding beside Content-Length, any coding but a single "chunked",
// Content-Length given twice (even if equal), Transfer-Encoding in HTTP/1.0.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

#include "proxy/http/field.h"

namespace skerry::proxy {

struct Scan {
  enum class State : uint8_t { kMore, kComplete, kBad };
  size_t scanned = 0;     // where to go on when there is more
  size_t line_begin = 0;  // of the line being scanned
};

// Looks for the end of the head that `text` begins with: where it is, or 0 with the reason in
// `state`. Called again with more text and the same `scan`. Text up to the end has CR LF line ends
// only. The size is the caller's to limit.
[[nodiscard]] size_t find_head_end(std::string_view text, Scan& scan, Scan::State& state);

// CR LFs that some clients send after a body; how many bytes to skip before a request line.
[[nodiscard]] size_t empty_lines_before(std::string_view text);

enum class BodyKind : uint8_t { kNone, kLength, kChunked, kUntilClose };

struct Framing {
  BodyKind kind = BodyKind::kNone;
  uint64_t length = 0;  // of kLength
};

// The answer to a head that cannot be served, and why; the text is a literal.
struct HeadError {
  int status;
  std::string_view why;
};

// Everything refers to the text that was parsed.
struct RequestHead {
  std::string_view method;
  std::string_view target;  // in origin form, or "*": what the upstream gets
  std::string_view path;    // of it, as sent (percent-encoded)
  std::string_view host;
  bool http_1_0 = false;
  bool keep_alive = true;
  bool expects_continue = false;
  bool names_hop_fields = false;  // Connection names fields beyond the usual
  std::string_view upgrade;       // the protocol asked for; empty: none
  Framing body;
  Fields fields;
};

[[nodiscard]] std::expected<void, HeadError> parse_request(std::string_view text,
                                                           RequestHead& head);

struct ResponseHead {
  int status = 0;
  std::string_view reason;
  bool http_1_0 = false;
  bool keep_alive = true;
  bool names_hop_fields = false;
  int keep_alive_s = 0;  // "Keep-Alive: timeout=…"; 0: not said
  Framing body;
  Fields fields;

  [[nodiscard]] bool interim() const { return status < 200 && status != 101; }
};

// `to_head`: the request was HEAD, so that no body follows whatever is announced.
[[nodiscard]] std::expected<void, HeadError> parse_response(std::string_view text, bool to_head,
                                                            ResponseHead& head);

// A field that a trailer may have: no framing, no routing, a valid name and value.
[[nodiscard]] bool valid_trailer(std::string_view line);

// The field goes no further than this connection.
[[nodiscard]] bool is_hop_by_hop(const Field& field, const Fields& all, bool names_hop_fields);

}  // namespace skerry::proxy
