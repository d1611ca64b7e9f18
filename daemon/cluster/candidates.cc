#include "daemon/cluster/candidates.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace skerry::cluster {

std::optional<std::string> why_not(const Candidate& candidate) {
  if (candidate.is_self) return "it is the primary already";
  if (!candidate.candidate) return "it is not a candidate (lease.candidate)";
  if (!candidate.connected) return "it does not follow the primary's stream: see its log";
  return std::nullopt;
}

static bool is_id(const Candidate& candidate, const std::string& to) {
  std::string lower(to);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return candidate.node != NodeId(0) && hex16(candidate.node.value()) == lower;
}

static std::vector<Candidate> meant(const std::vector<Candidate>& candidates,
                                    const std::string& to) {
  std::vector<Candidate> found;
  const auto take = [&](const auto& fits) {
    if (found.empty()) std::ranges::copy_if(candidates, std::back_inserter(found), fits);
  };
  if (to.empty()) return candidates;
  take([&](const Candidate& candidate) { return candidate.peer.name == to; });
  take([&](const Candidate& candidate) { return is_id(candidate, to); });
  take([&](const Candidate& candidate) { return candidate.region == to; });
  return found;
}

static std::string known(const std::vector<Candidate>& candidates) {
  std::string text;
  for (const Candidate& candidate : candidates) {
    text += text.empty() ? "" : ", ";
    text += candidate.peer.name;
    if (!candidate.region.empty()) text += fmt::format(" in {}", candidate.region);
  }
  return text.empty() ? "none" : text;
}

Result<Candidate> choose(const std::vector<Candidate>& candidates, const std::string& to) {
  std::vector<Candidate> able = meant(candidates, to);
  if (able.empty() && !to.empty()) {
    return fail(Errc::kNotFound, fmt::format("there is no node, and no region, {}; the nodes are: {}",
                                             to, known(candidates)));
  }
  std::string reasons;
  for (const Candidate& candidate : able) {
    if (const auto why = why_not(candidate)) {
      reasons += fmt::format("; {}: {}", candidate.peer.name, *why);
    }
  }
  const bool may_come = std::ranges::any_of(able, [](const Candidate& candidate) {
    return candidate.candidate && !candidate.is_self && !candidate.connected;
  });
  std::erase_if(able, [](const Candidate& candidate) { return why_not(candidate).has_value(); });
  if (able.empty()) {
    return fail(may_come ? Errc::kBusy : Errc::kUnavailable,
                "no other node can take over" + reasons);
  }
  return *std::ranges::min_element(able, {}, [](const Candidate& candidate) {
    return std::pair(candidate.behind, candidate.peer.name);
  });
}

}  // namespace skerry::cluster
