#include "proxy/relay/client.h"

#include <algorithm>

#include "proxy/relay/answer.h"
#include "proxy/relay/exchange.h"
#include "proxy/relay/worker.h"

namespace skerry::proxy {
namespace {

TimePoint after(TimePoint now, Ms time) {
  return time > Ms::zero() ? now + time : TimePoint::max();
}

}  // namespace

Client::Client(Worker& worker, os::Fd fd, std::string address)
    : worker_(worker), stream_(std::move(fd)), address_(std::move(address)) {}

Client::~Client() = default;

void Client::begin() {
  deadline_ = after(worker_.now(), worker_.settings().head_timeout);
  if (!worker_.loop().watch(stream_.fd(), *this)) return close();
  if (worker_.draining()) return close();
  set_timer();
}

void Client::on_ready(uint32_t events) {
  if (phase_ == Phase::kClosed) return;
  stream_.note(events);
  run();
}

void Client::on_timer() {
  run();
}

// What an exchange does can lead back here (a connection that fails at once); the loop that is
// running sees it.
void Client::run() {
  if (running_ || phase_ == Phase::kClosed) return;
  running_ = true;
  while (step()) {
  }
  running_ = false;
  if (phase_ == Phase::kClosed) return worker_.gone(*this);
  set_timer();
}

bool Client::step() {
  if (phase_ == Phase::kClosed) return false;
  stream_.flush();
  switch (phase_) {
    case Phase::kHead:
      return read_head();
    case Phase::kExchange:
      exchange_->pump();
      return exchange_->done() && end_exchange();
    case Phase::kFlushing:
      if (stream_.cannot_send() || stream_.hung_up() || timed_out()) {
        close();
      } else if (stream_.unsent() == 0) {
        stream_.end_sending();
        phase_ = Phase::kLingering;
        deadline_ = worker_.now() + kLingerTimeout;
        return true;
      }
      return false;
    case Phase::kLingering:
      return linger();
    case Phase::kClosed:
      break;
  }
  return false;
}

bool Client::timed_out() {
  return worker_.now() >= deadline_;
}

// A client that does not take its responses gets no further ones.
bool Client::read_head() {
  if (stream_.unsent() > 0) {
    if (stream_.cannot_send() || stream_.hung_up() || timed_out()) close();
    return false;
  }
  if (!in_.empty() && head_received(in_)) return true;
  auto& scratch = worker_.scratch();
  const auto got = stream_.read(scratch.data(), scratch.size());
  switch (got.what) {
    case Stream::Got::What::kBytes:
      break;
    case Stream::Got::What::kNothing:
      if (timed_out()) {
        if (in_.empty()) {
          close();
        } else {
          refuse(408, "the request's head did not arrive in time (proxy.read-header-timeout)");
        }
        return true;
      }
      return false;
    case Stream::Got::What::kEnd:
    case Stream::Got::What::kFailed:
      close();
      return false;
  }
  worker_.count().client_bytes_in.add(got.bytes);
  const std::string_view bytes(scratch.data(), got.bytes);
  if (!in_.empty()) {
    in_.append(bytes);
    return true;
  }
  deadline_ = after(worker_.now(), worker_.settings().head_timeout);
  if (!head_received(bytes)) in_.assign(bytes);
  return true;
}

// `text` is what was received so far, in in_ or not yet. False: the head is not complete, and
// nothing has happened.
bool Client::head_received(std::string_view text) {
  const bool kept = text.data() == in_.data();
  if (scan_.scanned == 0) {
    const size_t skipped = empty_lines_before(text);
    text.remove_prefix(skipped);
    if (kept) in_.erase(0, skipped);
    if (kept) text = in_;
    if (text.empty()) return false;
  }
  Scan::State state;
  const size_t end = find_head_end(text, scan_, state);
  if (state == Scan::State::kBad) {
    refuse(400, "a line of the request's head does not end with CR LF");
    return true;
  }
  if (end > kHeadBytesMax || (end == 0 && text.size() > kHeadBytesMax)) {
    refuse(431, "the request's head is too large");
    return true;
  }
  if (state == Scan::State::kMore) {
    if (!kept) scan_ = Scan();  // empty lines may be skipped anew
    return false;
  }
  scan_ = Scan();
  begin_exchange(text.substr(0, end));
  if (kept) {
    in_.erase(0, end);
    if (in_.empty()) std::string().swap(in_);
  } else {
    in_.assign(text.substr(end));
  }
  return true;
}

void Client::begin_exchange(std::string_view head) {
  phase_ = Phase::kExchange;
  exchange_ = std::make_unique<Exchange>(worker_, *this);
  exchange_->begin(head);
}

bool Client::end_exchange() {
  const Exchange::End end = exchange_->end();
  exchange_.reset();
  if (end == Exchange::End::kCut) {
    stream_.abort();
    close();
    return false;
  }
  const bool go_on = end == Exchange::End::kNext && !last_ && !worker_.draining();
  if (!go_on) {
    close_after_response();
    return true;
  }
  phase_ = Phase::kHead;
  const Settings& settings = worker_.settings();
  deadline_ = after(worker_.now(), in_.empty() ? settings.idle_timeout : settings.head_timeout);
  return true;
}

void Client::refuse(int status, std::string_view why) {
  worker_.count().refused.add();
  std::string text;
  const std::string body = std::string(why) + "\n";
  write_answer({.status = status, .body = body, .close = true}, text);
  stream_.send(text);
  close_after_response();
}

void Client::close_after_response() {
  phase_ = Phase::kFlushing;
  deadline_ = worker_.now() + kStallTimeout;
  std::string().swap(in_);
}

// Ends as soon as the client has seen the end; until then what it sends must be taken, or the
// kernel answers it with a reset that may overtake the response.
bool Client::linger() {
  auto& scratch = worker_.scratch();
  for (;;) {
    const auto got = stream_.read(scratch.data(), scratch.size());
    if (got.what == Stream::Got::What::kBytes) {
      lingered_bytes_ += got.bytes;
      if (lingered_bytes_ <= kLingerBytesMax) continue;
    } else if (got.what == Stream::Got::What::kNothing && !timed_out()) {
      return false;
    }
    close();
    return false;
  }
}

void Client::drain() {
  last_ = true;
  if (phase_ == Phase::kHead && in_.empty()) close();
  if (phase_ == Phase::kClosed) worker_.gone(*this);
}

void Client::cut() {
  if (phase_ == Phase::kClosed) return;
  close();
  worker_.gone(*this);
}

void Client::close() {
  exchange_.reset();
  stream_.close();
  phase_ = Phase::kClosed;
  AllClientsHook::unlink();
  if (WaitingClientsHook::is_linked()) WaitingClientsHook::unlink();
}

void Client::set_timer() {
  worker_.loop().set(timer_, phase_ == Phase::kExchange ? exchange_->deadline() : deadline_);
}

}  // namespace skerry::proxy
