#include "proxy/http/rewrite.h"

#include <fmt/format.h>

#include <iterator>

#include "proxy/limits.h"
#include "proxy/session_token.h"

namespace skerry::proxy {
namespace {

void add(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

// An element added to a list that earlier proxies began: their last field gets one more element.
void add_to_list(std::string& out, std::string_view name, const Fields& fields, FieldId id,
                 std::string_view value) {
  out.append(name).append(": ");
  for (const Field& field : fields) {
    if (field.id == id && !field.value.empty()) out.append(field.value).append(", ");
  }
  out.append(value).append("\r\n");
}

bool is_ipv6(std::string_view address) {
  return address.contains(':');
}

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

// RFC 7239.
std::string forwarded_element(std::string_view client, std::string_view proto,
                              std::string_view host) {
  std::string element =
      is_ipv6(client) ? fmt::format("for=\"[{}]\"", client) : fmt::format("for={}", client);
  element.append(";proto=").append(proto);
  if (!host.empty()) element.append(";host=").append(quoted(host));
  return element;
}

void add_forwarding(const RequestHead& head, std::string_view client, std::string& out) {
  add_to_list(out, "X-Forwarded-For", head.fields, FieldId::kXForwardedFor, client);
  const Field* proto = find_field(head.fields, FieldId::kXForwardedProto);
  const bool https = proto != nullptr && equal_ignoring_case(proto->value, "https");
  if (proto == nullptr) add(out, "X-Forwarded-Proto", "http");
  const Field* host = find_field(head.fields, FieldId::kXForwardedHost);
  if (host == nullptr && !head.host.empty()) add(out, "X-Forwarded-Host", head.host);
  add_to_list(out, "Forwarded", head.fields, FieldId::kForwarded,
              forwarded_element(client, https ? "https" : "http", head.host));
}

bool goes_on(const Field& field, const RequestHead& head, const Onward& onward) {
  switch (field.id) {
    case FieldId::kHost:  // set from what the target says
    case FieldId::kSkerryForwarded:
      return false;
    case FieldId::kXForwardedFor:
    case FieldId::kForwarded:
      return onward.keep_forwarded;
    case FieldId::kExpect:
      return head.expects_continue;
    default:
      return !is_hop_by_hop(field, head.fields, head.names_hop_fields);
  }
}

bool goes_back(const Field& field, const ResponseHead& head, const Back& back) {
  if (field.id == FieldId::kUpgrade) return head.status == 101 || head.status == 426;
  if (field.id == FieldId::kSkerryToken) return back.token.empty();
  return !is_hop_by_hop(field, head.fields, head.names_hop_fields);
}

void add_token(std::string& out, std::string_view token) {
  fmt::format_to(std::back_inserter(out), "Set-Cookie: {}={}; Path=/; Max-Age={}; HttpOnly\r\n",
                 kTokenCookie, token,
                 std::chrono::duration_cast<std::chrono::seconds>(kTokenLife).count());
  add(out, kTokenHeader, token);
}

}  // namespace

void write_request(const RequestHead& head, const Onward& onward, std::string& out) {
  out.append(head.method).append(" ").append(head.target).append(" HTTP/1.1\r\n");
  add(out, "Host", head.host);  // empty for HTTP/1.0 without one, as RFC 9112 §3.2 has it
  for (const Field& field : head.fields) {
    if (goes_on(field, head, onward)) out.append(field.line);
  }
  if (!onward.keep_forwarded) add_forwarding(head, onward.client, out);
  if (!onward.mark.empty()) add(out, "Skerry-Forwarded", onward.mark);
  if (head.body.kind == BodyKind::kChunked) add(out, "Transfer-Encoding", "chunked");
  if (!head.upgrade.empty()) {
    add(out, "Connection", "Upgrade");
    add(out, "Upgrade", head.upgrade);
  }
  out.append("\r\n");
}

void write_response(const ResponseHead& head, const Back& back, std::string& out) {
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\n", head.status, head.reason);
  for (const Field& field : head.fields) {
    if (goes_back(field, head, back)) out.append(field.line);
  }
  if (!back.token.empty()) add_token(out, back.token);
  if (head.body.kind == BodyKind::kChunked && !back.to_http_1_0) {
    add(out, "Transfer-Encoding", "chunked");
  }
  if (head.status == 101) {
    add(out, "Connection", "Upgrade");
  } else if (back.close && !head.interim()) {
    add(out, "Connection", "close");
  } else if (back.to_http_1_0) {
    add(out, "Connection", "keep-alive");
  }
  out.append("\r\n");
}

}  // namespace skerry::proxy
