#include "proxy/http/head.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "proxy/limits.h"

namespace skerry::proxy {
namespace {

using Parsed = std::expected<void, HeadError>;

std::unexpected<HeadError> bad(std::string_view why, int status = 400) {
  return std::unexpected(HeadError{status, why});
}

constexpr std::array<bool, 256> token_characters() {
  std::array<bool, 256> valid{};
  for (unsigned c = '0'; c <= '9'; ++c) valid[c] = true;
  for (unsigned c = 'a'; c <= 'z'; ++c) valid[c] = valid[c - 'a' + 'A'] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~"))
    valid[static_cast<unsigned char>(c)] = true;
  return valid;
}

// Of values: everything but controls; a tab is fine.
constexpr std::array<bool, 256> value_characters() {
  std::array<bool, 256> valid{};
  for (unsigned c = 0x20; c < 256; ++c) valid[c] = c != 0x7f;
  valid['\t'] = true;
  return valid;
}

constexpr auto kToken = token_characters();
constexpr auto kValue = value_characters();

bool all_of(const std::array<bool, 256>& set, std::string_view text) {
  return std::ranges::all_of(text, [&](char c) { return set[static_cast<unsigned char>(c)]; });
}

bool is_token(std::string_view text) {
  return !text.empty() && all_of(kToken, text);
}

bool is_target(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte != 0x7f;
  });
}

// Of a name or address with its port. Who it is does not concern us; that it is one thing does.
bool is_host(std::string_view text) {
  return is_target(text) && text.find_first_of(",/?#@\\\"<>") == std::string_view::npos;
}

// The line at the front of `rest`, without its CR LF, which it is known to have.
std::string_view take_line(std::string_view& rest) {
  const size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end - 1);
  rest.remove_prefix(end + 1);
  return line;
}

Parsed parse_field(std::string_view line, Field& field) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return bad("a header line has no colon");
  field.name = line.substr(0, colon);
  if (line.front() == ' ' || line.front() == '\t') return bad("a header line is folded");
  if (!is_token(field.name)) return bad("a header's name has an invalid character");
  field.value = trimmed(line.substr(colon + 1));
  if (!all_of(kValue, field.value)) return bad("a header's value has a control character");
  field.id = field_id(field.name);
  return {};
}

// `rest` begins after the first line and ends with the empty one.
Parsed parse_fields(std::string_view rest, Fields& fields) {
  fields.clear();
  for (;;) {
    const std::string_view from = rest;
    const std::string_view line = take_line(rest);
    if (line.empty()) return {};
    if (fields.size() == kFieldsMax) return bad("there are too many headers", 431);
    Field field{};
    if (auto parsed = parse_field(line, field); !parsed) return parsed;
    field.line = from.substr(0, line.size() + 2);
    fields.push_back(field);
  }
}

std::expected<uint64_t, HeadError> parse_length(std::string_view text) {
  uint64_t length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || text[0] == '-') {
    return bad("Content-Length is no number");
  }
  return length;
}

// What the fields that frame the message say, alike for requests and responses.
struct Announced {
  bool length_given = false;
  bool chunked = false;
  uint64_t length = 0;
};

std::expected<Announced, HeadError> announced(const Fields& fields) {
  Announced found;
  for (const Field& field : fields) {
    if (field.id == FieldId::kContentLength) {
      if (found.length_given) return bad("Content-Length is given twice");
      const auto length = parse_length(field.value);
      if (!length) return std::unexpected(length.error());
      found.length_given = true;
      found.length = *length;
    } else if (field.id == FieldId::kTransferEncoding) {
      if (found.chunked) return bad("Transfer-Encoding is given twice");
      if (!equal_ignoring_case(field.value, "chunked")) {
        return bad("the only Transfer-Encoding served is chunked", 501);
      }
      found.chunked = true;
    }
  }
  return found;
}

struct Persistence {
  bool close = false;
  bool keep_alive = false;
  bool upgrade = false;
  bool others = false;
};

Persistence persistence(const Fields& fields) {
  Persistence found;
  for (const Field& field : fields) {
    if (field.id != FieldId::kConnection) continue;
    std::string_view rest = field.value;
    for (std::string_view name; next_element(rest, name);) {
      if (equal_ignoring_case(name, "close")) {
        found.close = true;
      } else if (equal_ignoring_case(name, "keep-alive")) {
        found.keep_alive = true;
      } else if (equal_ignoring_case(name, "upgrade")) {
        found.upgrade = true;
      } else {
        found.others = true;
      }
    }
  }
  return found;
}

bool names(const Fields& fields, std::string_view wanted) {
  for (const Field& field : fields) {
    if (field.id != FieldId::kConnection) continue;
    std::string_view rest = field.value;
    for (std::string_view name; next_element(rest, name);) {
      if (equal_ignoring_case(name, wanted)) return true;
    }
  }
  return false;
}

Parsed parse_version(std::string_view version, bool& http_1_0) {
  const bool well_formed = version.size() == 8 && version.starts_with("HTTP/") &&
                           version[5] >= '0' && version[5] <= '9' && version[6] == '.' &&
                           version[7] >= '0' && version[7] <= '9';
  if (!well_formed) return bad("the HTTP version is malformed");
  if (version[5] != '1') return bad("only HTTP/1.1 and HTTP/1.0 are spoken here", 505);
  http_1_0 = version[7] == '0';
  return {};
}

// "http://host/path" as a client of a forward proxy writes it; RFC 9112 §3.2.2 has us accept it.
Parsed parse_absolute(RequestHead& head) {
  const size_t begin = head.target.find("://") + 3;
  const size_t slash = head.target.find_first_of("/?", begin);
  head.host = head.target.substr(begin, slash - begin);
  if (head.host.empty() || !is_host(head.host)) return bad("the target's host is malformed");
  if (slash == std::string_view::npos || head.target[slash] == '?') {
    return bad("the request target has no path");
  }
  head.target = head.target.substr(slash);
  return {};
}

Parsed parse_target(RequestHead& head) {
  if (head.method == "CONNECT") return bad("CONNECT is not served", 501);
  if (head.target.size() > kRequestTargetBytesMax) return bad("the request target is long", 414);
  if (!is_target(head.target)) return bad("the request target has an invalid character");
  if (head.target.starts_with("http://") || head.target.starts_with("https://")) {
    if (auto parsed = parse_absolute(head); !parsed) return parsed;
  }
  const bool asterisk = head.target == "*" && head.method == "OPTIONS";
  if (!head.target.starts_with('/') && !asterisk) return bad("the request target is no path");
  head.path = head.target.substr(0, head.target.find_first_of("?#"));
  return {};
}

Parsed parse_request_line(std::string_view line, RequestHead& head) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return bad("the request line is malformed");
  head.method = line.substr(0, first);
  head.target = line.substr(first + 1, last - first - 1);
  if (!is_token(head.method)) return bad("the method has an invalid character");
  if (head.method.size() > kMethodBytesMax) return bad("the method is unknown", 501);
  if (auto parsed = parse_version(line.substr(last + 1), head.http_1_0); !parsed) return parsed;
  return parse_target(head);
}

Parsed find_host(RequestHead& head) {
  const Field* host = nullptr;
  for (const Field& field : head.fields) {
    if (field.id != FieldId::kHost) continue;
    if (host != nullptr) return bad("Host is given twice");
    host = &field;
  }
  if (host == nullptr && !head.http_1_0) return bad("Host is missing");
  if (host != nullptr && !is_host(host->value)) return bad("Host is malformed");
  if (host != nullptr && head.host.empty()) head.host = host->value;
  return {};
}

Parsed frame_request(RequestHead& head) {
  const auto found = announced(head.fields);
  if (!found) return std::unexpected(found.error());
  if (found->chunked) {
    if (head.http_1_0) return bad("HTTP/1.0 knows no Transfer-Encoding");
    if (found->length_given) return bad("Content-Length and Transfer-Encoding contradict");
    head.body = {BodyKind::kChunked, 0};
  } else if (found->length_given && found->length > 0) {
    head.body = {BodyKind::kLength, found->length};
  }
  return {};
}

Parsed find_expectation(RequestHead& head) {
  const Field* expect = find_field(head.fields, FieldId::kExpect);
  if (expect == nullptr) return {};
  if (!equal_ignoring_case(expect->value, "100-continue")) {
    return bad("the only expectation met is 100-continue", 417);
  }
  head.expects_continue = !head.http_1_0 && head.body.kind != BodyKind::kNone;
  return {};
}

// An upgrade to h2c is not passed on: the application would speak HTTP/2 past all rules.
void find_upgrade(RequestHead& head, const Persistence& found) {
  const Field* upgrade = find_field(head.fields, FieldId::kUpgrade);
  if (upgrade == nullptr || !found.upgrade || head.http_1_0) return;
  if (upgrade->value.empty() || equal_ignoring_case(upgrade->value.substr(0, 3), "h2c")) return;
  head.upgrade = upgrade->value;
}

Parsed parse_status_line(std::string_view line, ResponseHead& head) {
  if (line.size() < 12 || line[8] != ' ') return bad("the status line is malformed", 502);
  if (auto parsed = parse_version(line.substr(0, 8), head.http_1_0); !parsed) {
    return bad(parsed.error().why, 502);
  }
  const char* digits = line.data() + 9;
  const auto [end, error] = std::from_chars(digits, digits + 3, head.status);
  const bool ends = line.size() == 12 || line[12] == ' ';
  if (error != std::errc() || end != digits + 3 || head.status < 100 || !ends) {
    return bad("the status code is malformed", 502);
  }
  head.reason = line.size() > 13 ? line.substr(13) : std::string_view();
  if (!all_of(kValue, head.reason)) return bad("the status line has a control character", 502);
  return {};
}

Parsed frame_response(bool to_head, ResponseHead& head) {
  const auto found = announced(head.fields);
  if (!found) return bad(found.error().why, 502);
  if (found->chunked && found->length_given) {
    return bad("Content-Length and Transfer-Encoding contradict", 502);
  }
  const bool bodyless = to_head || head.status < 200 || head.status == 204 || head.status == 304;
  if (bodyless) {
    head.body = {};
  } else if (found->chunked) {
    head.body = {BodyKind::kChunked, 0};
  } else if (found->length_given) {
    head.body = {found->length > 0 ? BodyKind::kLength : BodyKind::kNone, found->length};
  } else {
    head.body = {BodyKind::kUntilClose, 0};
  }
  return {};
}

int keep_alive_seconds(const Fields& fields) {
  const Field* field = find_field(fields, FieldId::kKeepAlive);
  if (field == nullptr) return 0;
  std::string_view rest = field->value;
  for (std::string_view element; next_element(rest, element);) {
    if (!element.starts_with("timeout=")) continue;
    int seconds = 0;
    std::from_chars(element.data() + 8, element.data() + element.size(), seconds);
    return std::max(seconds, 0);
  }
  return 0;
}

}  // namespace

size_t find_head_end(std::string_view text, Scan& scan, Scan::State& state) {
  state = Scan::State::kMore;
  for (;;) {
    const void* found = std::memchr(text.data() + scan.scanned, '\n', text.size() - scan.scanned);
    if (found == nullptr) {
      scan.scanned = text.size();
      return 0;
    }
    const auto at = static_cast<size_t>(static_cast<const char*>(found) - text.data());
    if (at == 0 || text[at - 1] != '\r') {
      state = Scan::State::kBad;
      return 0;
    }
    const bool empty = at - 1 == scan.line_begin;
    scan.scanned = scan.line_begin = at + 1;
    if (!empty) continue;
    state = Scan::State::kComplete;
    return at + 1;
  }
}

size_t empty_lines_before(std::string_view text) {
  size_t skipped = 0;
  while (skipped < 2 * kEmptyLinesMax && text.substr(skipped).starts_with("\r\n")) skipped += 2;
  return skipped;
}

std::expected<void, HeadError> parse_request(std::string_view text, RequestHead& head) {
  Fields fields = std::move(head.fields);
  head = RequestHead();
  head.fields = std::move(fields);
  std::string_view rest = text;
  if (auto parsed = parse_request_line(take_line(rest), head); !parsed) return parsed;
  if (auto parsed = parse_fields(rest, head.fields); !parsed) return parsed;
  if (auto parsed = find_host(head); !parsed) return parsed;
  if (auto parsed = frame_request(head); !parsed) return parsed;
  if (auto parsed = find_expectation(head); !parsed) return parsed;
  const Persistence found = persistence(head.fields);
  head.keep_alive = !found.close && (!head.http_1_0 || found.keep_alive);
  head.names_hop_fields = found.others;
  find_upgrade(head, found);
  return {};
}

std::expected<void, HeadError> parse_response(std::string_view text, bool to_head,
                                              ResponseHead& head) {
  Fields fields = std::move(head.fields);
  head = ResponseHead();
  head.fields = std::move(fields);
  std::string_view rest = text;
  if (auto parsed = parse_status_line(take_line(rest), head); !parsed) return parsed;
  if (auto parsed = parse_fields(rest, head.fields); !parsed) return bad(parsed.error().why, 502);
  if (auto parsed = frame_response(to_head, head); !parsed) return parsed;
  const Persistence found = persistence(head.fields);
  head.keep_alive = !found.close && (!head.http_1_0 || found.keep_alive) &&
                    head.body.kind != BodyKind::kUntilClose;
  head.names_hop_fields = found.others;
  head.keep_alive_s = keep_alive_seconds(head.fields);
  return {};
}

bool valid_trailer(std::string_view line) {
  Field field{};
  if (line.empty() || !parse_field(line, field)) return false;
  return field.id == FieldId::kOther || field.id == FieldId::kCacheControl;
}

bool is_hop_by_hop(const Field& field, const Fields& all, bool names_hop_fields) {
  switch (field.id) {
    case FieldId::kConnection:
    case FieldId::kKeepAlive:
    case FieldId::kProxyConnection:
    case FieldId::kTe:
    case FieldId::kTransferEncoding:
    case FieldId::kUpgrade:
      return true;
    case FieldId::kOther:  // fields that we know cannot be named away
      return names_hop_fields && names(all, field.name);
    default:
      return false;
  }
}

}  // namespace skerry::proxy
