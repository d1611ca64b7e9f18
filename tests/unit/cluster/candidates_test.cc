#include "daemon/cluster/candidates.h"

#include <doctest/doctest.h>

namespace skerry::cluster {
namespace {

Candidate node(const std::string& name, const std::string& region, uint64_t id) {
  return {{name, "http://" + name}, region, NodeId(id), false, true, true, 0};
}

std::vector<Candidate> cluster() {
  std::vector<Candidate> all{node("a", "ams", 0xa), node("b", "fra", 0xb), node("c", "fra", 0xc),
                             node("d", "gru", 0xd), node("e", "hkg", 0xe)};
  all[0].is_self = true;
  all[1].behind = 7;
  all[2].behind = 2;
  all[3].candidate = false;
  all[4].connected = false;
  return all;
}

TEST_CASE("who is meant, and who of those can") {
  struct Row {
    const char* to;
    const char* chosen;  // or a part of the error
    std::optional<Errc> error;
  };
  const Row rows[] = {
      {"b", "b", {}},
      {"fra", "c", {}},  // the one that is less behind
      {"000000000000000B", "b", {}},
      {"000000000000000c", "c", {}},
      {"", "c", {}},
      {"a", "a: it is the primary already", Errc::kUnavailable},
      {"ams", "it is the primary already", Errc::kUnavailable},
      {"gru", "d: it is not a candidate", Errc::kUnavailable},
      {"e", "e: it does not follow", Errc::kBusy},
      {"mars", "a in ams, b in fra", Errc::kNotFound},
  };
  for (const Row& row : rows) {
    CAPTURE(row.to);
    const auto chosen = choose(cluster(), row.to);
    REQUIRE(chosen.has_value() == !row.error);
    if (chosen) {
      CHECK(chosen->peer.name == row.chosen);
    } else {
      CHECK(chosen.error().code() == *row.error);
      CHECK(chosen.error().message().find(row.chosen) != std::string::npos);
    }
  }
  CHECK_FALSE(choose({}, ""));
  std::vector<Candidate> named = cluster();
  named[4].region = "b";  // a node's name comes before a region's
  CHECK(choose(named, "b")->peer.name == "b");
}

}  // namespace
}  // namespace skerry::cluster
