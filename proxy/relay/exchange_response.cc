// The response's way back.
#include <fmt/format.h>

#include <algorithm>

#include "daemon/log/log.h"
#include "proxy/http/rewrite.h"
#include "proxy/relay/client.h"
#include "proxy/relay/exchange.h"
#include "proxy/relay/worker.h"

namespace skerry::proxy {
namespace {

// Shared caches keep such a response for everybody; a client's token has no place in it.
bool is_public(const ResponseHead& head) {
  const Field* field = find_field(head.fields, FieldId::kCacheControl);
  if (field == nullptr) return false;
  std::string_view rest = field->value;
  for (std::string_view word; next_element(rest, word);) {
    if (equal_ignoring_case(word, "public") || equal_ignoring_case(word, "immutable") ||
        equal_ignoring_case(word.substr(0, 9), "s-maxage=")) {
      return true;
    }
  }
  return false;
}

}  // namespace

bool Exchange::await() {
  move_body();
  if (phase_ != Phase::kAwaiting) return true;
  auto& scratch = worker_.scratch();
  const auto got = upstream_->stream().read(scratch.data(), scratch.size());
  switch (got.what) {
    case Stream::Got::What::kNothing:
      return await_more();
    case Stream::Got::What::kEnd:
    case Stream::Got::What::kFailed:
      upstream_failed(got.what == Stream::Got::What::kEnd);
      return true;
    case Stream::Got::What::kBytes:
      break;
  }
  const std::string_view bytes(scratch.data(), got.bytes);
  if (upstream_->in.empty()) {
    take_heads(bytes);
  } else {
    upstream_->in.append(bytes);
    take_heads(upstream_->in);
  }
  return true;
}

// Interim responses and the head of the final one. What is incomplete is kept.
void Exchange::take_heads(std::string_view bytes) {
  for (;;) {
    Scan::State state;
    const size_t end = find_head_end(bytes, response_scan_, state);
    if (state == Scan::State::kBad) return bad_response("a line does not end with CR LF");
    if (bytes.size() > kHeadBytesMax && (end == 0 || end > kHeadBytesMax)) {
      return bad_response("its head is too large");
    }
    if (state == Scan::State::kMore) {
      upstream_->in = std::string(bytes);
      return;
    }
    response_scan_ = Scan();
    ResponseHead head;
    const bool to_head = request_.method == "HEAD";
    if (const auto parsed = parse_response(bytes.substr(0, end), to_head, head); !parsed) {
      return bad_response(parsed.error().why);
    }
    if (!head.interim()) return take_response(head, bytes, end);
    if (++interims_ > kInterimResponsesMax) return bad_response("it does not come to an end");
    relay_interim(head);
    bytes.remove_prefix(end);
  }
}

void Exchange::relay_interim(const ResponseHead& head) {
  if (request_.http_1_0) return;
  std::string text;
  write_response(head, {}, text);
  client_.stream().send(text);
  bytes_out_ += text.size();
}

void Exchange::take_response(const ResponseHead& head, std::string_view bytes, size_t head_bytes) {
  status_ = head.status;
  if (head.status == 101) {
    if (request_.upgrade.empty()) return bad_response("nobody asked to switch protocols");
    return begin_tunnel(head, bytes.substr(head_bytes));
  }
  if (wrote_here(head)) return decide();
  if (gate_closed()) {
    upstream_->in = std::string(bytes);
    phase_ = Phase::kGated;
    deadline_ = gate_until_;
    worker_.wait_for_node(client_);
    return;
  }
  begin_response(head, bytes.substr(head_bytes));
}

void Exchange::bad_response(std::string_view why) {
  worker_.count().upstream_errors.add();
  log::write(worker_.trouble(), log::Level::kWarn, "proxy-bad-response", why,
             {{"destination", destination_->name()}, {"path", request_.path}});
  answer(502, fmt::format("Proxy error: the response of {} cannot be passed on: {}",
                          destination_->name(), why));
}

// A GET that ran into the mount's refusal to write was a write after all; the primary can answer
// it. Nothing of this response has been sent.
bool Exchange::wrote_here(const ResponseHead& head) {
  const bool failed_here = head.status >= 500 && decision_.action == Action::kLocal &&
                           asked_.replayable && !asked_.passthrough && !wrote_here_;
  if (!failed_here) return false;
  worker_.node().refresh();
  if (worker_.node().state().is_primary) return false;
  if (worker_.node_view().refused_writes() == refused_before_) return false;
  wrote_here_ = true;
  worker_.count().replayed.add();
  log::write(worker_.rule_advice(), log::Level::kWarn, "proxy-get-that-wrote",
             "a read tried to write on this replica and is sent to the primary; a line in "
             "proxy.always-forward spares the detour",
             {{"method", request_.method}, {"path", request_.path}});
  return true;
}

// --- The output gate -----------------------------------------------------------------------------

// Whether what this response may tell of is not yet where proxy.durability wants it.
bool Exchange::gate_closed() {
  const unsigned replicas = worker_.settings().durability;
  if (replicas == 0 || gate_passed_ || decision_.action != Action::kLocal || asked_.passthrough) {
    return false;
  }
  worker_.node().refresh();
  if (!worker_.node().state().is_primary) return false;
  gate_goal_ = worker_.node().positions();
  if (worker_.node_view().acknowledged(gate_goal_, replicas)) return false;
  worker_.count().gate_waits.add();
  waiting_since_ = worker_.now();
  gate_until_ = worker_.now() + worker_.settings().durability_timeout;
  return true;
}

bool Exchange::keep_gate() {
  const bool open = worker_.node_view().acknowledged(gate_goal_, worker_.settings().durability);
  if (!open && !expired(gate_until_)) return false;
  const auto waited =
      std::chrono::duration_cast<std::chrono::microseconds>(worker_.now() - waiting_since_);
  worker_.count().gate_micros.add(static_cast<uint64_t>(waited.count()));
  waiting_since_ = TimePoint();
  stop_waiting();
  if (!open) {
    worker_.count().gate_timeouts.add();
    answer(503,
           "the write was done here, but not acknowledged by the replicas in time "
           "(proxy.durability-timeout): it is in doubt",
           "Skerry-Write: in-doubt\r\n");
    return true;
  }
  gate_passed_ = true;
  phase_ = Phase::kAwaiting;
  const std::string bytes = std::move(upstream_->in);
  upstream_->in.clear();
  take_heads(bytes);
  return true;
}

// --- The response --------------------------------------------------------------------------------

std::string_view Exchange::token_for(const ResponseHead& head) {
  if (decision_.action != Action::kLocal || asked_.passthrough) return {};
  if (asked_.idempotent && is_public(head)) return {};
  worker_.node().refresh();
  return worker_.node().token_after(asked_.token, asked_.token_text, standing_);
}

void Exchange::begin_response(const ResponseHead& head, std::string_view rest) {
  phase_ = Phase::kResponding;
  progress_ = worker_.now();
  response_body_ = BodyReader(head.body);
  unframe_ = request_.http_1_0 && head.body.kind == BodyKind::kChunked;
  upstream_reusable_ = head.keep_alive;
  upstream_keep_alive_s_ = head.keep_alive_s;
  if (head.body.kind == BodyKind::kUntilClose || unframe_) request_.keep_alive = false;
  const bool close = !request_.keep_alive || worker_.draining();
  std::string& text = worker_.text();
  text.clear();
  write_response(head, {close, request_.http_1_0, token_for(head)}, text);
  std::string().swap(kept_);
  std::string unframed;
  text.append(body_of(rest, unframed));
  upstream_->in.clear();
  client_.stream().send(text);
  bytes_out_ += text.size();
  if (response_body_.bad()) cut();
}

// What of `bytes` is to be sent: they themselves as far as they belong to the body, or what they
// carry, in `unframed`.
std::string_view Exchange::body_of(std::string_view bytes, std::string& unframed) {
  const size_t n = response_body_.take(bytes, unframe_ ? &unframed : nullptr);
  if (n < bytes.size()) upstream_reusable_ = false;  // it sends what nobody asked for
  return unframe_ ? std::string_view(unframed) : bytes.substr(0, n);
}

void Exchange::send_body(std::string_view bytes) {
  std::string unframed;
  const std::string_view body = body_of(bytes, unframed);
  client_.stream().send(body);
  bytes_out_ += body.size();
  progress_ = worker_.now();
  if (response_body_.bad()) cut();
}

bool Exchange::respond() {
  Stream& to = client_.stream();
  auto& scratch = worker_.scratch();
  for (size_t moved = 0; moved < kBurstBytes;) {
    if (response_body_.complete()) {
      finish_response();
      return true;
    }
    if (!body_.complete()) move_body();
    if (phase_ == Phase::kDone) return true;
    const TimePoint whole = worker_.settings().response_timeout > Ms::zero()
                                ? started_ + worker_.settings().response_timeout
                                : TimePoint::max();
    to.flush();
    if (to.cannot_send()) {
      cut();
      return true;
    }
    if (to.unsent() > 0) {
      deadline_ = std::min(whole, progress_ + kStallTimeout);
      if (expired(deadline_)) cut();
      return phase_ == Phase::kDone;
    }
    const auto got = upstream_->stream().read(scratch.data(), scratch.size());
    switch (got.what) {
      case Stream::Got::What::kNothing:
        deadline_ = std::min(whole, progress_ + kSilenceTimeout);
        if (expired(deadline_)) cut();
        return phase_ == Phase::kDone;
      case Stream::Got::What::kEnd:
        response_body_.end_of_stream();
        if (!response_body_.complete()) {
          worker_.count().upstream_errors.add();
          cut();
        }
        break;
      case Stream::Got::What::kFailed:
        worker_.count().upstream_errors.add();
        cut();
        break;
      case Stream::Got::What::kBytes:
        send_body({scratch.data(), got.bytes});
        moved += got.bytes;
        break;
    }
    if (phase_ == Phase::kDone) return true;
  }
  worker_.loop().again(client_);
  return false;
}

void Exchange::finish_response() {
  const bool whole = body_.complete();
  if (whole && upstream_reusable_ && worker_.keeps_upstreams()) {
    destination_->give_back(std::move(upstream_), upstream_keep_alive_s_);
  } else {
    drop_upstream();
  }
  const bool next = whole && request_.keep_alive && !worker_.draining();
  conclude(status_, next ? End::kNext : End::kClose);
}

// --- Upgraded connections ------------------------------------------------------------------------

void Exchange::begin_tunnel(const ResponseHead& head, std::string_view rest) {
  worker_.count().tunnels.add();
  count_as_write(false);  // it may last for days
  phase_ = Phase::kTunnel;
  progress_ = worker_.now();
  std::string text;
  write_response(head, {}, text);
  text.append(rest);
  client_.stream().send(text);
  bytes_out_ += text.size();
  upstream_->stream().send(client_.received());
  std::string().swap(client_.received());
  std::string().swap(upstream_->in);
  std::string().swap(kept_);
}

bool Exchange::tunnel() {
  Stream& client = client_.stream();
  Stream& up = upstream_->stream();
  const bool more_up = carry(client, up, client_ended_);
  const bool more_down = phase_ == Phase::kTunnel && carry(up, client, upstream_ended_);
  if (phase_ != Phase::kTunnel) return true;
  if (client_ended_ && upstream_ended_ && client.unsent() == 0 && up.unsent() == 0) {
    drop_upstream();
    conclude(status_, End::kClose);
    return true;
  }
  if (client.cannot_send() || (up.cannot_send() && upstream_ended_)) {
    cut();
    return true;
  }
  deadline_ =
      progress_ + (upstream_ended_ || client.unsent() > 0 ? kStallTimeout : kSilenceTimeout);
  if (expired(deadline_)) {
    cut();
    return true;
  }
  if (more_up || more_down) worker_.loop().again(client_);
  return false;
}

// One direction, with what the other side can take. True: there is more to do.
bool Exchange::carry(Stream& from, Stream& to, bool& ended) {
  auto& scratch = worker_.scratch();
  for (size_t moved = 0; moved < kBurstBytes;) {
    to.flush();
    if (ended || to.unsent() > 0 || to.cannot_send()) return false;
    const auto got = from.read(scratch.data(), scratch.size());
    switch (got.what) {
      case Stream::Got::What::kNothing:
        return false;
      case Stream::Got::What::kEnd:
        ended = true;
        to.end_sending();
        return false;
      case Stream::Got::What::kFailed:
        cut();
        return false;
      case Stream::Got::What::kBytes:
        to.send({scratch.data(), got.bytes});
        if (&to == &client_.stream()) bytes_out_ += got.bytes;
        progress_ = worker_.now();
        moved += got.bytes;
        break;
    }
  }
  return true;
}

}  // namespace skerry::proxy
