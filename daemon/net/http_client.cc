#include "daemon/net/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

namespace skerry::net {
namespace {

struct EasyEnd {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using Easy = std::unique_ptr<CURL, EasyEnd>;
struct ListEnd {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, ListEnd>;

// What the library's callbacks work on.
struct Exchange {
  const Call& what;
  CURL* easy = nullptr;
  Reply reply;
  std::optional<Error> failed;  // of the body's source or sink
};

size_t on_send(char* into, size_t size, size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  const auto n =
      exchange.what.body->read(ByteSpan(reinterpret_cast<std::byte*>(into), size * count));
  if (n) return *n;
  exchange.failed = n.error();
  return CURL_READFUNC_ABORT;
}

unsigned status_of(CURL* easy) {
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  return static_cast<unsigned>(status);
}

size_t on_receive(char* from, size_t size, size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  const std::string_view piece(from, size * count);
  if (exchange.what.sink && status_of(exchange.easy) / 100 == 2) {
    curl_off_t total = -1;
    curl_easy_getinfo(exchange.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &total);
    const auto known = total < 0 ? std::nullopt : std::optional(static_cast<uint64_t>(total));
    const Status status = exchange.what.sink(as_bytes(piece), known);
    if (status) return piece.size();
    exchange.failed = status.error();
    return 0;
  }
  if (exchange.reply.body.size() + piece.size() > kReplyBytesMax) {
    exchange.failed = Error(Errc::kUnsupported, "the reply is too long");
    return 0;
  }
  exchange.reply.body += piece;
  return piece.size();
}

size_t on_header(char* from, size_t size, size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  std::string_view line(from, size * count);
  const size_t bytes = line.size();
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  if (line.starts_with("HTTP/")) exchange.reply.headers = {};  // the last reply's count
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return bytes;
  const size_t value = std::min(line.find_first_not_of(' ', colon + 1), line.size());
  exchange.reply.headers.add(std::string(line.substr(0, colon)), std::string(line.substr(value)));
  return bytes;
}

// The one translation from the library's errors.
Error error_of(CURLcode code, CURL* easy, const Call& what, const char* detail) {
  const std::string place = what.url.substr(0, what.url.find('?'));
  long os_error = 0;
  curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_error);
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return {Errc::kInvalid, fmt::format("{} is not a URL; write http://HOST:PORT", place)};
    case CURLE_COULDNT_RESOLVE_HOST:
      return {Errc::kUnavailable, fmt::format("{}: no host of that name is known", place)};
    case CURLE_COULDNT_CONNECT:
      return {
          Errc::kUnavailable,
          fmt::format("{}: nobody answers there ({}); does the node run, and is this its "
                      "http.addr?",
                      place, os_error != 0 ? std::strerror(static_cast<int>(os_error)) : detail),
          static_cast<int>(os_error)};
    case CURLE_OPERATION_TIMEDOUT:
      return {Errc::kTimeout, fmt::format("{}: no answer in time ({})", place, detail), ETIMEDOUT};
    default:
      return {Errc::kUnavailable,
              fmt::format("{}: {}", place, detail[0] != '\0' ? detail : curl_easy_strerror(code)),
              static_cast<int>(os_error)};
  }
}

void initialize_once() {
  static const CURLcode kOnce = curl_global_init(CURL_GLOBAL_DEFAULT);
  (void)kOnce;
}

List header_list(const Call& what) {
  curl_slist* list = nullptr;
  const auto append = [&](const std::string& line) {
    list = curl_slist_append(list, line.c_str());
  };
  for (const auto& [name, value] : what.headers) append(name + ": " + value);
  if (what.body != nullptr) append("Content-Type: application/octet-stream");
  return List(list);
}

void set_method(CURL* easy, const Call& what, Exchange& exchange) {
  if (what.body == nullptr) {
    if (what.method == "HEAD") curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    if (what.method == "POST") {
      curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, 0L);
      curl_easy_setopt(easy, CURLOPT_POST, 1L);
    } else if (what.method != "GET") {
      curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, what.method.c_str());
    }
    return;
  }
  curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, what.method.c_str());
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, &on_send);
  curl_easy_setopt(easy, CURLOPT_READDATA, &exchange);
  if (what.body_bytes) {
    curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(*what.body_bytes));
  }
}

void set_options(CURL* easy, const Call& what, Exchange& exchange, char* detail) {
  curl_easy_setopt(easy, CURLOPT_URL, what.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_PROXY, "");  // whatever the environment says: nodes are near
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, detail);
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 256L << 10);
  curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(what.connect_deadline.count()));
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, static_cast<long>(what.silence_max.count()));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(what.total_max.count()));
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &on_receive);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &exchange);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &exchange);
  set_method(easy, what, exchange);
}

}  // namespace

Result<Reply> call(const Call& what) {
  initialize_once();
  const Easy easy(curl_easy_init());
  if (!easy) return fail(Errc::kIo, "no memory for an HTTP call");
  Exchange exchange{what, easy.get(), {}, std::nullopt};
  char detail[CURL_ERROR_SIZE] = {};
  set_options(easy.get(), what, exchange, detail);
  const List headers = header_list(what);
  curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, headers.get());
  const CURLcode code = curl_easy_perform(easy.get());
  if (exchange.failed) return std::unexpected(*std::move(exchange.failed));
  exchange.reply.status = status_of(easy.get());
  // A server that refuses early may break the connection under our body; its answer counts.
  const bool refused = exchange.reply.status >= 400 && code == CURLE_SEND_ERROR;
  if (code != CURLE_OK && !refused) {
    return std::unexpected(error_of(code, easy.get(), what, detail));
  }
  return std::move(exchange.reply);
}

static Errc errc_of_status(unsigned status) {
  switch (status) {
    case 400:
      return Errc::kInvalid;
    case 401:
    case 403:
      return Errc::kDenied;
    case 404:
      return Errc::kNotFound;
    case 409:
      return Errc::kExists;
    case 501:
      return Errc::kUnsupported;
    case 504:
      return Errc::kTimeout;
    case 507:
      return Errc::kNoSpace;
    default:
      return status / 100 == 5 ? Errc::kUnavailable : Errc::kInvalid;
  }
}

Result<Reply> call_and_check(const Call& what) {
  TRY_ASSIGN(Reply reply, call(what));
  if (reply.status / 100 == 2) return reply;
  constexpr size_t kMessageBytesMax = 2000;
  std::string message = reply.body.substr(0, kMessageBytesMax);
  while (message.ends_with('\n') || message.ends_with(' ')) message.pop_back();
  if (message.empty()) {
    message = fmt::format("{}: status {} {}", what.url.substr(0, what.url.find('?')), reply.status,
                          reason_phrase(reply.status));
  }
  return fail(errc_of_status(reply.status), std::move(message));
}

std::string make_url(std::string_view base, std::string_view path,
                     const std::vector<std::pair<std::string, std::string>>& query) {
  while (base.ends_with('/')) base.remove_suffix(1);
  std::string url = fmt::format("{}{}", base, path);
  for (const auto& [name, value] : query) {
    url += fmt::format("{}{}={}", url.contains('?') ? '&' : '?', percent_encode(name),
                       percent_encode(value));
  }
  return url;
}

}  // namespace skerry::net
