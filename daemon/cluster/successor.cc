#include "daemon/cluster/successor.h"

#include <fmt/format.h>

#include <thread>

namespace skerry::cluster {

namespace {

constexpr std::chrono::microseconds kFirstPause{200};
constexpr std::chrono::microseconds kLongestPause{2'000};
constexpr lease::Duration kWaitMax = std::chrono::seconds(60);

Result<std::string> read_body(net::Request& request) {
  std::string body;
  std::array<std::byte, 16 << 10> piece{};
  for (;;) {
    TRY_ASSIGN(const size_t n, request.body->read(piece));
    if (n == 0) return body;
    if (body.size() + n > kHandoverBytesMax) {
      return fail(Errc::kInvalid, "the hand-over's request is longer than it may be");
    }
    body.append(reinterpret_cast<const char*>(piece.data()), n);
  }
}

}  // namespace

Positions positions_of(const store::Store& store) {
  Positions positions;
  for (const auto& database : store.list()) {
    const Position position = database->info().position;
    if (position.txid != Txid(0)) positions[database->name()] = position;
  }
  return positions;
}

std::optional<std::string> missing(HandoverRequest::Kind kind, const Positions& wanted,
                                   const Positions& here) {
  const bool exactly = kind == HandoverRequest::Kind::kProve;
  uint64_t behind = 0;
  for (const auto& [name, position] : wanted) {
    const auto found = here.find(name);
    const Position at = found == here.end() ? Position{} : found->second;
    if (at.txid < position.txid) {
      behind += position.txid.value() - at.txid.value();
    } else if (at.txid == position.txid ? at.checksum != position.checksum : exactly) {
      return fmt::format("database {} stands at {}, not at {}", name, to_string(at),
                         to_string(position));
    }
  }
  if (behind != 0) return fmt::format("it is {} transactions behind", behind);
  for (const auto& [name, position] : here) {
    if (exactly && !wanted.contains(name)) {
      return fmt::format("it has a database {} that the primary does not have", name);
    }
  }
  return std::nullopt;
}

// What waiting does not cure.
std::optional<std::string> Successor::unable(const HandoverRequest& request) const {
  if (!parts_.candidate) return "it is not a candidate (lease.candidate)";
  const std::string cluster = parts_.cluster_id.get();
  if (!cluster.empty() && !request.cluster.empty() && cluster != request.cluster) {
    return fmt::format("it belongs to cluster {}", cluster);
  }
  const lease::LeaseState state = parts_.leaser.state();
  if (state.epoch > request.epoch) {
    return fmt::format("it has seen epoch {}, which is later than {}", state.epoch.value(),
                       request.epoch.value());
  }
  return std::nullopt;
}

std::optional<std::string> Successor::not_yet(const HandoverRequest& request) const {
  const lease::LeaseState state = parts_.leaser.state();
  const bool follows = state.phase == lease::Phase::kFollowing && state.epoch == request.epoch &&
                       state.primary && state.primary->hostname == request.from.name;
  if (!follows) {
    return fmt::format("it does not see {} as the primary of epoch {} ({})", request.from.name,
                       request.epoch.value(), state.reason);
  }
  return missing(request.kind, request.positions, positions_of(parts_.store));
}

Result<HandoverAnswer> Successor::check(const HandoverRequest& request,
                                        const std::atomic<bool>* stopping) {
  if (auto why = unable(request)) return HandoverAnswer{false, *std::move(why)};
  // A session takes a moment to be made: it should be there when the lease may be taken.
  parts_.leaser.granted({});
  const lease::Time give_up = lease::LeaseClock::now() + std::min(request.wait, kWaitMax);
  auto pause = kFirstPause;
  while (auto why = not_yet(request)) {
    if (lease::LeaseClock::now() >= give_up) return HandoverAnswer{false, *std::move(why)};
    if (stopping != nullptr && *stopping) return HandoverAnswer{false, "it is being stopped"};
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, kLongestPause);
  }
  if (request.kind == HandoverRequest::Kind::kProve) {
    for (const auto& [name, position] : request.positions) {
      if (const auto database = parts_.store.find(name)) TRY(database->log().sync());
    }
  }
  return HandoverAnswer{true};
}

HandoverAnswer Successor::granted(const GrantRequest& request) {
  const Epoch seen = parts_.leaser.state().epoch;
  if (seen != request.epoch) {
    return {false, fmt::format("it has seen epoch {}, not {}", seen.value(), request.epoch.value())};
  }
  parts_.taking_over(true);
  parts_.leaser.granted({request.key_index, request.record_index});
  const bool took = parts_.leaser.wait_for(
      [](const lease::LeaseState& state) { return state.is_primary; },
      std::min(request.wait, kWaitMax));
  parts_.taking_over(false);
  if (took) return {true};
  return {false, "it did not get the lease: " + parts_.leaser.state().reason};
}

void Successor::add_to(net::Router& router) {
  router.add_for_nodes(std::string(kHandoverPath), "POST", net::RunsOn::kPool,
                       [this](net::Request& request) {
    const auto body = read_body(request);
    if (!body) return net::error_response(body.error());
    const auto asked = decode_handover(*body);
    if (!asked) return net::error_response(asked.error());
    const auto answer = check(*asked, request.stopping);
    if (!answer) return net::error_response(answer.error());
    return net::json_response(200, encode(*answer));
  });
  router.add_for_nodes(std::string(kGrantedPath), "POST", net::RunsOn::kPool,
                       [this](net::Request& request) {
    const auto body = read_body(request);
    if (!body) return net::error_response(body.error());
    const auto asked = decode_grant(*body);
    if (!asked) return net::error_response(asked.error());
    return net::json_response(200, encode(granted(*asked)));
  });
}

}  // namespace skerry::cluster
