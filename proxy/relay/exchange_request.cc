// The request's way: connecting, sending, and what to do when that fails.
#include <fmt/format.h>

#include <algorithm>

#include "daemon/log/log.h"
#include "proxy/http/rewrite.h"
#include "proxy/relay/client.h"
#include "proxy/relay/exchange.h"
#include "proxy/relay/worker.h"
#include "proxy/retry.h"

namespace skerry::proxy {
namespace {

// Tells clients and operators that a write may have happened although there is no answer.
constexpr std::string_view kRetryAfter = "Retry-After: 1\r\n";
constexpr std::string_view kInDoubt = "Skerry-Write: in-doubt\r\n";

}  // namespace

bool Exchange::connect() {
  if (!upstream_) {
    if (!expired(retry_at_)) {
      deadline_ = retry_at_;
      return false;
    }
    if (retry_at_ != TimePoint::min()) {  // roles may have changed while it was paused
      decide();
      if (phase_ != Phase::kConnecting) return true;
    }
    if (destination_ == &worker_.application() && destination_->is_down()) {
      try_again_later();
      return true;
    }
    upstream_ = destination_->take(client_);
  }
  switch (upstream_->state()) {
    case Upstream::State::kConnecting:
      deadline_ = TimePoint::max();  // the attempt has its own
      return false;
    case Upstream::State::kFailed:
      connect_failed();
      return true;
    case Upstream::State::kOpen:
      send_request();
      return true;
  }
  return false;
}

void Exchange::connect_failed() {
  worker_.count().upstream_errors.add();
  drop_upstream();
  log::write(worker_.trouble(), log::Level::kWarn, "proxy-unreachable", destination_->error(),
             {{"destination", destination_->name()}, {"path", request_.path}});
  try_again_later();
}

// An application that starts gets its time; a primary that cannot be reached is none, which holds
// the request until there is one.
void Exchange::try_again_later() {
  if (destination_ != &worker_.application()) return decide();
  if (connect_since_ == TimePoint::max()) connect_since_ = worker_.now();
  if (expired(connect_since_ + kConnectRetryTotal)) {
    return answer(502, fmt::format("Proxy error: the application at {} cannot be reached: {}",
                                   destination_->name(), destination_->error()));
  }
  phase_ = Phase::kConnecting;
  retry_at_ = worker_.now() + kConnectRetry;
}

void Exchange::send_request() {
  ++attempts_;
  const Settings& settings = worker_.settings();
  std::string mark;
  if (destination_ != &worker_.application()) {
    mark = make_mark(asked_.mark.hops + 1, settings.node_name, request_.method, request_.target,
                     settings.secret);
  }
  std::string& text = worker_.text();
  text.clear();
  write_request(request_, {client_.address(), asked_.mark.proven, mark}, text);
  text.append(kept_);
  sent_before_ = upstream_->stream().bytes_sent();
  arrived_ = destination_ == &worker_.application();
  progress_ = worker_.now();
  phase_ = Phase::kAwaiting;
  response_scan_ = Scan();
  if (!client_.received().empty() && !body_.complete()) {
    const std::string received = std::move(client_.received());
    client_.received().clear();
    if (!take_body(received, &text)) return;
  }
  upstream_->stream().send(text);
}

// Of `bytes` what belongs to the body goes on, what does not stays for the next request. False: the
// exchange is over.
bool Exchange::take_body(std::string_view bytes, std::string* with_head) {
  const size_t n = body_.take(bytes);
  const std::string_view taken = bytes.substr(0, n);
  if (body_.bad()) {
    worker_.count().refused.add();
    request_.keep_alive = false;
    if (phase_ == Phase::kAwaiting) {
      answer(400, "the request's chunked body is malformed");
    } else {
      cut();
    }
    return false;
  }
  const uint64_t bytes_max = worker_.settings().body_bytes_max;
  if (bytes_max > 0 && body_.payload_bytes() > bytes_max) {
    worker_.count().refused.add();
    if (phase_ == Phase::kAwaiting) {
      request_.keep_alive = false;
      answer(413, "the request's body is larger than proxy.max-body-size");
    } else {
      cut();
    }
    return false;
  }
  keep_body(taken);
  if (with_head != nullptr) {
    with_head->append(taken);
  } else {
    upstream_->stream().send(taken);
  }
  client_.received().assign(bytes.substr(n));
  return true;
}

void Exchange::keep_body(std::string_view bytes) {
  if (body_gone_ || phase_ != Phase::kAwaiting) return;
  if (kept_.size() + bytes.size() <= kReplayBodyBytesMax) {
    kept_.append(bytes);
  } else {
    body_gone_ = true;
    std::string().swap(kept_);
  }
}

// As much as the upstream takes. If it takes no more because it has closed that direction, its
// response is still to come.
void Exchange::move_body() {
  Stream& up = upstream_->stream();
  auto& scratch = worker_.scratch();
  for (size_t moved = 0; moved < kBurstBytes;) {
    up.flush();
    if (body_.complete() || up.unsent() > 0 || up.cannot_send()) return;
    const auto got = client_.stream().read(scratch.data(), scratch.size());
    switch (got.what) {
      case Stream::Got::What::kBytes:
        worker_.count().client_bytes_in.add(got.bytes);
        progress_ = worker_.now();
        moved += got.bytes;
        if (!take_body({scratch.data(), got.bytes}, nullptr)) return;
        break;
      case Stream::Got::What::kNothing:
        return;
      case Stream::Got::What::kEnd:
        request_.keep_alive = false;
        if (phase_ != Phase::kAwaiting) return cut();
        return answer(400, "the request's body ended before its announced end");
      case Stream::Got::What::kFailed:
        return cut();
    }
  }
  worker_.loop().again(client_);
}

// There will be no response from this connection. `closed`: it was, in order.
void Exchange::upstream_failed(bool closed) {
  const bool reused = upstream_->reused();
  const bool unread = closed && upstream_->stream().bytes_acknowledged() <= sent_before_;
  Failure failure;
  failure.delivered = unread ? Delivered::kNo : Delivered::kPerhaps;
  failure.idempotent = asked_.idempotent;
  failure.body_kept = !body_gone_;
  failure.attempts = attempts_;
  if (!reused && unread) destination_->failed("it closes connections at once");
  drop_upstream();
  const AfterFailure next = after_failure(failure);
  if (next == AfterFailure::kAgain) {
    worker_.count().retried.add();
    return reused ? decide() : try_again_later();
  }
  worker_.count().upstream_errors.add();
  const std::string why =
      fmt::format("Proxy error: {} closed the connection without an answer", destination_->name());
  log::write(worker_.trouble(), log::Level::kWarn, "proxy-no-answer", why,
             {{"method", request_.method}, {"path", request_.path}});
  if (next == AfterFailure::kAnswerLater) return answer(503, why, kRetryAfter);
  answer(502, why, asked_.idempotent ? std::string_view() : kInDoubt);
}

// A node that is cut off acknowledges nothing.
bool Exchange::lost_on_its_way() {
  if (arrived_ || !expired(progress_ + kDeliverTimeout)) return false;
  arrived_ = upstream_->stream().bytes_acknowledged() > sent_before_;
  if (!arrived_) destination_->failed("it does not answer");
  return !arrived_;
}

// Nothing more can be done now: until when?
bool Exchange::await_more() {
  if (lost_on_its_way()) {
    upstream_failed(false);
    return true;
  }
  const Settings& settings = worker_.settings();
  const TimePoint whole_request = settings.request_timeout > Ms::zero() && !body_.complete()
                                      ? started_ + settings.request_timeout
                                      : TimePoint::max();
  const TimePoint whole_response = settings.response_timeout > Ms::zero()
                                       ? started_ + settings.response_timeout
                                       : TimePoint::max();
  TimePoint next = TimePoint::max();
  if (!body_.complete() || upstream_->stream().unsent() > 0) {
    next = progress_ + kStallTimeout;
  } else if (settings.answer_timeout > Ms::zero()) {
    next = progress_ + settings.answer_timeout;
  }
  if (!arrived_) next = std::min(next, progress_ + kDeliverTimeout);
  deadline_ = std::min({whole_request, whole_response, next});
  if (!expired(deadline_)) return false;
  const bool clients_fault = !body_.complete() && upstream_->stream().unsent() == 0;
  if (clients_fault) {
    worker_.count().refused.add();
    answer(408, "the request's body did not arrive in time");
  } else {
    worker_.count().upstream_errors.add();
    answer(504,
           fmt::format("Proxy timeout: {} did not answer in time (proxy.response-timeout)",
                       destination_->name()),
           asked_.idempotent ? std::string_view() : kInDoubt);
  }
  return true;
}

}  // namespace skerry::proxy
