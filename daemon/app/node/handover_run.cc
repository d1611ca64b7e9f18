#include "daemon/app/node/handover_run.h"

#include <fmt/format.h>

#include <condition_variable>
#include <thread>

#include "daemon/log/log.h"
#include "daemon/net/proven_call.h"
#include "ltx/byte_source.h"

namespace skerry::app {

using cluster::Handover;
using cluster::HandoverRequest;
using cluster::Step;
using lease::Duration;
using lease::Phase;

static constexpr std::chrono::milliseconds kRequestsPause{2};
static constexpr std::chrono::milliseconds kConnectDeadline{1'000};

// What the lease's thread tells of the yield.
struct HandoverRun::Offer {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<lease::action::Offer> made;  // guarded by mutex
};

HandoverRun::HandoverRun(const Parts& parts, lease::Peer target,
                         const cluster::HandoverBounds& bounds)
    : parts_(parts),
      target_(std::move(target)),
      epoch_(parts.role.epoch()),
      plan_(bounds, lease::LeaseClock::now()),
      writers_(parts.store, parts.mount, parts.cache, parts.clock),
      offer_(std::make_shared<Offer>()) {}

HandoverRun::~HandoverRun() = default;

void HandoverRun::run() {
  Handover::Action next = plan_.begin();
  while (next.step != Step::kFinished) {
    const Outcome outcome = perform(next);
    log::debug("handover", outcome.ok ? "done" : outcome.why,
               {{"step", to_string(next.step)}, {"to", target_.name}});
    next = plan_.resume(outcome, lease::LeaseClock::now());
  }
}

HandoverRun::Outcome HandoverRun::perform(const Handover::Action& action) {
  switch (action.step) {
    case Step::kPrepare:
      return ask(HandoverRequest::Kind::kPrepare, action.at_most);
    case Step::kHoldRequests:
      return hold_requests(action.at_most);
    case Step::kHoldWriters:
      return hold_writers(action.at_most);
    case Step::kProve:
      return ask(HandoverRequest::Kind::kProve, action.at_most);
    case Step::kYield:
      return yield(action.at_most);
    case Step::kGrant:
      return grant(action.at_most);
    case Step::kAwait:
      return await(action.at_most);
    case Step::kReclaim:
      return reclaim(action.at_most);
    case Step::kLetGo:
      return let_go();
    case Step::kFinished:
      break;
  }
  return {};
}

static std::chrono::milliseconds ms(Duration duration) {
  return std::chrono::ceil<std::chrono::milliseconds>(duration);
}

HandoverRun::Outcome HandoverRun::post(std::string_view path, const std::string& body,
                                       Duration at_most) {
  const ByteView bytes = as_bytes(body);
  ltx::MemorySource source(bytes);
  net::Call call;
  call.method = "POST";
  call.url = net::make_url(target_.url, path);
  call.headers = {{"Content-Type", "application/json"}};
  call.body = &source;
  call.body_bytes = body.size();
  call.total_max = std::max(ms(at_most), std::chrono::milliseconds(1));
  call.connect_deadline = std::min(call.total_max, kConnectDeadline);
  const Status proven = net::add_proof(call, parts_.secret, bytes);
  const auto reply = proven ? net::call_and_check(call)
                            : Result<net::Reply>(std::unexpected(proven.error()));
  if (!reply) {
    return {false, fmt::format("{} does not answer: {}", target_.name, reply.error().message())};
  }
  const auto answer = cluster::decode_answer(reply->body);
  if (!answer) return {false, answer.error().message()};
  return {answer->ok, answer->ok ? "" : fmt::format("{}: {}", target_.name, answer->why)};
}

HandoverRun::Outcome HandoverRun::ask(HandoverRequest::Kind kind, Duration at_most) {
  positions_ = cluster::positions_of(parts_.store);
  // Its answer takes its time, too.
  const HandoverRequest request{kind,
                                parts_.self,
                                epoch_,
                                parts_.cluster_id.get(),
                                at_most - at_most / 8,
                                positions_};
  return post(cluster::kHandoverPath, encode(request), at_most);
}

HandoverRun::Outcome HandoverRun::hold_requests(Duration at_most) {
  parts_.proxy_view.set_handing_over(true);
  if (parts_.proxy == nullptr) return {};
  const lease::Time give_up = lease::LeaseClock::now() + at_most;
  for (;;) {
    const uint64_t writes = parts_.proxy->writes_under_way();
    if (writes == 0) return {};
    if (lease::LeaseClock::now() >= give_up || parts_.cancelled) {
      return {false, fmt::format("{} writing requests are under way", writes)};
    }
    std::this_thread::sleep_for(kRequestsPause);
  }
}

HandoverRun::Outcome HandoverRun::hold_writers(Duration at_most) {
  const Status held = writers_.take(ms(at_most), parts_.cancelled);
  if (!held) return {false, held.error().message()};
  return {};
}

// The right to write ends, and with it every way to commit: what is there then is what the
// successor must have.
HandoverRun::Outcome HandoverRun::yield(Duration at_most) {
  if (parts_.role.epoch() != epoch_) return {false, "the lease is not this node's any more"};
  parts_.leaser.yield([offer = offer_](const lease::action::Offer& made) {
    {
      const std::lock_guard lock(offer->mutex);
      offer->made = made;
    }
    offer->changed.notify_all();
  });
  {
    std::unique_lock lock(offer_->mutex);
    if (!offer_->changed.wait_for(lock, at_most, [&] { return offer_->made.has_value(); })) {
      return {false, "Consul does not answer: " + parts_.leaser.state().reason};
    }
  }
  if (cluster::positions_of(parts_.store) == positions_) return {};
  return {false, "a database was created meanwhile; try again"};
}

HandoverRun::Outcome HandoverRun::grant(Duration at_most) {
  cluster::GrantRequest request{parts_.self, epoch_, 0, 0, at_most - at_most / 8};
  {
    const std::lock_guard lock(offer_->mutex);
    request.key_index = offer_->made->key_index;
    request.record_index = offer_->made->record_index;
  }
  return post(cluster::kGrantedPath, encode(request), at_most);
}

HandoverRun::Outcome HandoverRun::holder() const {
  const lease::LeaseState state = parts_.leaser.state();
  if (state.is_primary) return {};
  if (state.phase == Phase::kFollowing) return {true, "", Outcome::Holder::kAnother};
  return {false, "nobody holds the lease: " + state.reason, Outcome::Holder::kNobody};
}

HandoverRun::Outcome HandoverRun::await(Duration at_most) {
  const bool moved = parts_.leaser.wait_for(
      [](const lease::LeaseState& state) { return state.phase != Phase::kYielded; }, at_most);
  if (!moved) return {false, target_.name + " did not take the lease in time"};
  return holder();
}

HandoverRun::Outcome HandoverRun::reclaim(Duration at_most) {
  parts_.leaser.reclaim();
  (void)parts_.leaser.wait_for(
      [](const lease::LeaseState& state) {
        return state.is_primary || state.phase == Phase::kFollowing;
      },
      at_most);
  return holder();
}

HandoverRun::Outcome HandoverRun::let_go() {
  writers_.release();
  parts_.proxy_view.set_handing_over(false);
  return {};
}

}  // namespace skerry::app
