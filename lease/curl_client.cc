#include "lease/curl_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace skerry::lease {

namespace {

// What Consul holds for a cluster is a few kilobytes.
constexpr size_t kAnswerBytesMax = 8u << 20;
constexpr long kRedirectsMax = 3;
constexpr int kWaitMsMax = 60'000;

struct Call {
  CurlClient::CallId id = 0;
  HttpCall call;
  CurlClient::Done done;
  HttpResponse response;
  CURL* easy = nullptr;
  curl_slist* headers = nullptr;

  Call() = default;
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call() {
    ::curl_easy_cleanup(easy);
    ::curl_slist_free_all(headers);
  }
};

size_t take_body(char* data, size_t size, size_t count, void* into) {
  auto& body = static_cast<Call*>(into)->response.body;
  if (body.size() + size * count > kAnswerBytesMax) return 0;  // ends the transfer
  body.append(data, size * count);
  return size * count;
}

size_t take_header(char* data, size_t size, size_t count, void* into) {
  constexpr std::string_view kIndex = "x-consul-index:";
  const std::string_view line(data, size * count);
  const bool is_index = line.size() > kIndex.size() &&
                        std::equal(kIndex.begin(), kIndex.end(), line.begin(), [](char a, char b) {
                          return a == std::tolower(static_cast<unsigned char>(b));
                        });
  if (!is_index) return line.size();
  std::string& index = static_cast<Call*>(into)->response.consul_index;
  index.clear();
  for (const char c : line.substr(kIndex.size())) {
    if (c >= '0' && c <= '9') index += c;
  }
  return line.size();
}

long ms(Duration duration) {
  return std::max<long>(1, std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

class Client final : public CurlClient {
 public:
  Client(CURLM* multi, Tls tls) : multi_(multi), tls_(std::move(tls)) {}

  ~Client() override {
    for (auto& [id, call] : calls_) ::curl_multi_remove_handle(multi_, call->easy);
    calls_.clear();
    ::curl_multi_cleanup(multi_);
  }

  CallId start(HttpCall what, Done done) override {
    auto call = std::make_unique<Call>();
    call->id = ++last_id_;
    call->call = std::move(what);
    call->done = std::move(done);
    call->easy = ::curl_easy_init();
    if (call->easy != nullptr) {
      set_up(*call);
      ::curl_multi_add_handle(multi_, call->easy);
    }
    const CallId id = call->id;
    calls_.emplace(id, std::move(call));
    return id;
  }

  void cancel(CallId id) override {
    const auto found = calls_.find(id);
    if (found == calls_.end()) return;
    ::curl_multi_remove_handle(multi_, found->second->easy);
    calls_.erase(found);
  }

  void run(Time until) override {
    const Duration left =
        until == kNever ? Duration(std::chrono::hours(1)) : until - LeaseClock::now();
    int running = 0;
    ::curl_multi_perform(multi_, &running);
    if (finish_ended()) return;
    const int wait = static_cast<int>(std::clamp<int64_t>(
        std::chrono::ceil<std::chrono::milliseconds>(left).count(), 0, kWaitMsMax));
    ::curl_multi_poll(multi_, nullptr, 0, wait, nullptr);
    ::curl_multi_perform(multi_, &running);
    (void)finish_ended();
  }

  void wake() override { ::curl_multi_wakeup(multi_); }

 private:
  void set_up(Call& call) {
    CURL* easy = call.easy;
    const auto set = [easy](CURLoption option, auto value) {
      ::curl_easy_setopt(easy, option, value);
    };
    set(CURLOPT_PRIVATE, &call);
    set(CURLOPT_URL, call.call.url.c_str());
    set(CURLOPT_CUSTOMREQUEST, call.call.request.method.c_str());
    if (call.call.request.method != "GET") {
      set(CURLOPT_POSTFIELDSIZE, static_cast<long>(call.call.request.body.size()));
      set(CURLOPT_POSTFIELDS, call.call.request.body.c_str());
    }
    for (const std::string& header : call.call.headers) {
      call.headers = ::curl_slist_append(call.headers, header.c_str());
    }
    // No waiting for "100 Continue".
    call.headers = ::curl_slist_append(call.headers, "Expect:");
    set(CURLOPT_HTTPHEADER, call.headers);
    set(CURLOPT_WRITEFUNCTION, take_body);
    set(CURLOPT_WRITEDATA, &call);
    set(CURLOPT_HEADERFUNCTION, take_header);
    set(CURLOPT_HEADERDATA, &call);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_TIMEOUT_MS, ms(call.call.deadline));
    const Duration connect = call.call.connect_deadline;
    set(CURLOPT_CONNECTTIMEOUT_MS, ms(connect > Duration{0} ? connect : call.call.deadline));
    set(CURLOPT_FOLLOWLOCATION, 1L);
    set(CURLOPT_MAXREDIRS, kRedirectsMax);
    set(CURLOPT_POSTREDIR, static_cast<long>(CURL_REDIR_POST_ALL));
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_PROXY, "");  // never through an environment's proxy: leases are not for caching
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    if (!tls_.ca_file.empty()) set(CURLOPT_CAINFO, tls_.ca_file.c_str());
    if (!tls_.certificate_file.empty()) set(CURLOPT_SSLCERT, tls_.certificate_file.c_str());
    if (!tls_.key_file.empty()) set(CURLOPT_SSLKEY, tls_.key_file.c_str());
    if (!tls_.verify) {
      set(CURLOPT_SSL_VERIFYPEER, 0L);
      set(CURLOPT_SSL_VERIFYHOST, 0L);
    }
  }

  bool finish_ended() {
    bool any = false;
    int left = 0;
    while (const CURLMsg* message = ::curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      Call* ended = nullptr;
      ::curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &ended);
      finish(ended->id, message->data.result);
      any = true;
    }
    return any;
  }

  void finish(CallId id, CURLcode code) {
    const auto found = calls_.find(id);
    const std::unique_ptr<Call> call = std::move(found->second);
    calls_.erase(found);
    ::curl_multi_remove_handle(multi_, call->easy);
    long status = 0;
    ::curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK) {
      call->response.status = static_cast<int>(status);
      return call->done(std::move(call->response));
    }
    const Errc errc = code == CURLE_OPERATION_TIMEDOUT ? Errc::kTimeout : Errc::kUnavailable;
    call->done(fail(errc, fmt::format("{}: {}", call->call.url.substr(0, call->call.url.find('?')),
                                      ::curl_easy_strerror(code))));
  }

  CURLM* multi_;
  const Tls tls_;
  CallId last_id_ = 0;
  std::map<CallId, std::unique_ptr<Call>> calls_;
};

}  // namespace

Result<std::unique_ptr<CurlClient>> CurlClient::open(Tls tls) {
  static const CURLcode initialized = ::curl_global_init(CURL_GLOBAL_DEFAULT);
  CURLM* multi = initialized == CURLE_OK ? ::curl_multi_init() : nullptr;
  if (multi == nullptr) return fail(Errc::kIo, "libcurl cannot be initialized");
  return std::make_unique<Client>(multi, std::move(tls));
}

}  // namespace skerry::lease
