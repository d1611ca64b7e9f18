#include "proxy/health.h"

#include <fmt/format.h>

namespace skerry::proxy {
namespace {

std::string_view role_of(const NodeState& state) {
  if (!state.ready) return "starting";
  if (state.is_primary) return state.handing_over ? "handing-over" : "primary";
  return "replica";
}

// Why not; empty if nothing is wrong.
std::string_view not_ready(const NodeState& state, const Freshness& freshness) {
  if (!state.ready) return "the databases are being opened";
  if (state.is_primary) return {};
  if (!freshness.lag) return "this replica was never in sync with a primary";
  if (!freshness.connected) return "this replica has no connection to a primary";
  return {};
}

std::string_view too_late(const NodeState& state, const Freshness& freshness, Ms max_lag) {
  if (const auto why = not_ready(state, freshness); !why.empty()) return why;
  if (state.is_primary || max_lag == Ms::zero() || *freshness.lag <= max_lag) return {};
  return "this replica is further behind than proxy.max-lag";
}

std::string_view complaint(HealthPath path, const NodeState& state, const Freshness& freshness,
                           Ms max_lag) {
  switch (path) {
    case HealthPath::kNone:
    case HealthPath::kLive:
      return {};
    case HealthPath::kReady:
      return not_ready(state, freshness);
    case HealthPath::kLitefs:
    case HealthPath::kLag:
      break;
  }
  return too_late(state, freshness, max_lag);
}

std::string lag_of(const NodeState& state, const Freshness& freshness) {
  if (state.is_primary) return "0";
  return freshness.lag ? fmt::format("{}", freshness.lag->count()) : "null";
}

}  // namespace

HealthPath health_path(std::string_view path) {
  if (path == "/litefs/health") return HealthPath::kLitefs;
  if (path == "/skerry/health/live") return HealthPath::kLive;
  if (path == "/skerry/health/ready") return HealthPath::kReady;
  if (path == "/skerry/health/lag") return HealthPath::kLag;
  return HealthPath::kNone;
}

Health health(HealthPath path, const NodeState& state, const Freshness& freshness, Ms max_lag) {
  const std::string_view why = complaint(path, state, freshness, max_lag);
  Health answer;
  answer.status = why.empty() ? 200 : 503;
  if (path == HealthPath::kLitefs) {
    answer.content_type = "text/plain; charset=utf-8";
    answer.body = why.empty() ? "OK\n" : fmt::format("{}\n", why);
    return answer;
  }
  answer.content_type = "application/json";
  answer.body = fmt::format(
      "{{\"ok\":{},\"role\":\"{}\",\"connected\":{},\"lag_ms\":{},\"reason\":\"{}\"}}\n",
      why.empty(), role_of(state), state.is_primary || freshness.connected,
      lag_of(state, freshness), why);
  return answer;
}

}  // namespace skerry::proxy
