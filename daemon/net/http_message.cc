#include "daemon/net/http_message.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <strings.h>

#include <algorithm>

namespace skerry::net {
namespace {

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

Result<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      decoded += ' ';
    } else if (text[i] != '%') {
      decoded += text[i];
    } else {
      const auto high = i + 1 < text.size() ? hex_digit(text[i + 1]) : std::nullopt;
      const auto low = i + 2 < text.size() ? hex_digit(text[i + 2]) : std::nullopt;
      if (!high || !low) return fail(Errc::kInvalid, "the URL has a broken percent encoding");
      decoded += static_cast<char>(*high * 16 + *low);
      i += 2;
    }
  }
  return decoded;
}

Result<Query> parse_query(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> values;
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(item.size() + 1, text.size()));
    const size_t equals = std::min(item.find('='), item.size());
    TRY_ASSIGN(std::string name, percent_decode(item.substr(0, equals), true));
    TRY_ASSIGN(std::string value,
               percent_decode(item.substr(std::min(equals + 1, item.size())), true));
    if (!name.empty()) values.emplace_back(std::move(name), std::move(value));
  }
  return Query(std::move(values));
}

void append_header(std::string& head, std::string_view name, std::string_view value) {
  head += name;
  head += ": ";
  head += value.substr(0, value.find_first_of(std::string_view("\r\n\0", 3)));
  head += "\r\n";
}

}  // namespace

void HeaderList::set(std::string_view name, std::string value) {
  std::erase_if(entries_, [&](const Entry& entry) { return same_name(entry.first, name); });
  entries_.emplace_back(name, std::move(value));
}

const std::string* HeaderList::find(std::string_view name) const {
  const auto found = std::ranges::find_if(
      entries_, [&](const Entry& entry) { return same_name(entry.first, name); });
  return found == entries_.end() ? nullptr : &found->second;
}

const std::string& Query::get(std::string_view name) const {
  static const std::string kNothing;
  const auto found = std::ranges::find(values_, name, &std::pair<std::string, std::string>::first);
  return found == values_.end() ? kNothing : found->second;
}

Result<Target> parse_target(std::string_view target) {
  // As for a proxy: "http://host/path".
  if (const size_t scheme = target.find("://");
      scheme != std::string_view::npos && target.starts_with("http")) {
    target.remove_prefix(std::min(target.find('/', scheme + 3), target.size()));
    if (target.empty()) target = "/";
  }
  if (!target.starts_with('/')) {
    return fail(Errc::kInvalid, "the request's target is no path from the root");
  }
  target = target.substr(0, target.find('#'));
  const size_t mark = std::min(target.find('?'), target.size());
  Target parsed;
  TRY_ASSIGN(parsed.path, percent_decode(target.substr(0, mark), false));
  TRY_ASSIGN(parsed.query, parse_query(target.substr(std::min(mark + 1, target.size()))));
  return parsed;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string encoded;
  for (const char c : text) {
    if (kPlain.contains(c)) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

Status Request::check_stopping() const {
  if (stopping == nullptr || !stopping->load(std::memory_order_relaxed)) return {};
  return fail(Errc::kCancelled, "the node is stopping; ask again when it is back");
}

Response text_response(unsigned status, std::string text) {
  return {status,
          {{"Content-Type", "text/plain; charset=utf-8"}, {"X-Content-Type-Options", "nosniff"}},
          std::move(text)};
}

Response json_response(unsigned status, std::string json) {
  return {status, {{"Content-Type", "application/json"}}, std::move(json)};
}

unsigned http_status(Errc code) {
  switch (code) {
    case Errc::kInvalid:
      return 400;
    case Errc::kDenied:
      return 403;
    case Errc::kNotFound:
      return 404;
    case Errc::kExists:
      return 409;
    case Errc::kUnsupported:
      return 501;
    case Errc::kReadOnly:
    case Errc::kBusy:
    case Errc::kUnavailable:
    case Errc::kCancelled:
      return 503;
    case Errc::kTimeout:
      return 504;
    case Errc::kNoSpace:
      return 507;
    case Errc::kCorrupt:
    case Errc::kIo:
      return 500;
  }
  return 500;
}

Response error_response(const Error& error) {
  return text_response(http_status(error.code()), error.message() + "\n");
}

std::string_view reason_phrase(unsigned status) {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 426:
      return "Upgrade Required";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 507:
      return "Insufficient Storage";
    default:
      return "Status";
  }
}

std::string response_head(const Response& response, const HeaderList& common, Framing framing,
                          uint64_t bytes, bool keep_alive, int64_t unix_seconds) {
  std::string head =
      fmt::format("HTTP/1.1 {} {}\r\nDate: {:%a, %d %b %Y %H:%M:%S} GMT\r\n", response.status,
                  reason_phrase(response.status), fmt::gmtime(unix_seconds));
  for (const auto& [name, value] : common) {
    if (response.headers.find(name) == nullptr) append_header(head, name, value);
  }
  for (const auto& [name, value] : response.headers) append_header(head, name, value);
  if (framing == Framing::kLength) append_header(head, "Content-Length", fmt::format("{}", bytes));
  if (framing == Framing::kChunked) append_header(head, "Transfer-Encoding", "chunked");
  if (!keep_alive) append_header(head, "Connection", "close");
  return head + "\r\n";
}

}  // namespace skerry::net
