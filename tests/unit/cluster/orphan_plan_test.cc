#include "daemon/cluster/orphan_plan.h"

#include <doctest/doctest.h>

#include <vector>

namespace skerry::cluster {
namespace {

Position at(uint64_t txid, uint64_t checksum) {
  return {Txid(txid), Checksum(checksum)};
}
constexpr Writer kOld{NodeId(1), Epoch(7)};
constexpr Writer kNew{NodeId(2), Epoch(9)};
using Positions = std::vector<Position>;

OrphanPlan lost_after(Position fork) {
  return {true, true, fork};
}
constexpr OrphanPlan kNothing{};
constexpr OrphanPlan kEverything{true, true, std::nullopt};
constexpr OrphanPlan kInDoubt{true, false, std::nullopt};

TEST_CASE("the newest common position is where histories part") {
  const Positions local{at(5, 50), at(4, 40), at(3, 3), at(2, 2)};
  CHECK(plan_orphan(local, Positions{at(5, 5), at(4, 4), at(3, 3)}, true, kOld, kNew) ==
        lost_after(at(3, 3)));
  // Merged on either side: the nearest end below.
  CHECK(plan_orphan(local, Positions{at(5, 5), at(2, 2)}, true, kOld, kNew) ==
        lost_after(at(2, 2)));
  CHECK(plan_orphan(Positions{at(5, 50), at(1, 1)}, Positions{at(4, 4), at(2, 2), at(1, 1)}, false,
                    kOld, kNew) == lost_after(at(1, 1)));
  // From the same empty beginning.
  CHECK(plan_orphan(Positions{at(1, 10), at(0, 0)}, Positions{at(1, 1), at(0, 0)}, true, kOld,
                    kNew) == lost_after(at(0, 0)));
}

TEST_CASE("a replica that is merely behind loses nothing") {
  const Positions local{at(3, 3), at(2, 2)};
  CHECK(plan_orphan(local, Positions{at(3, 3), at(2, 2)}, false, kOld, kNew) == kNothing);
  CHECK(plan_orphan(Positions{}, Positions{at(1, 1)}, false, kOld, kNew) == kNothing);
  CHECK(plan_orphan(Positions{at(0, 0)}, Positions{}, true, kOld, kNew) == kNothing);
}

TEST_CASE("what the primary cannot tell is kept, unless the present writer wrote it") {
  const Positions local{at(3, 3), at(2, 2)};
  CHECK(plan_orphan(local, {}, false, kOld, kNew) == kInDoubt);
  CHECK(plan_orphan(local, {}, false, {NodeId(5), Epoch(9)}, kNew) == kNothing);
  CHECK(plan_orphan(local, {}, false, {NodeId(2), Epoch(7)}, kNew) == kNothing);
  // A fixed primary has no epoch: another process of it is another writer.
  CHECK(plan_orphan(local, {}, false, {NodeId(1), Epoch(0)}, {NodeId(2), Epoch(0)}) == kInDoubt);
  CHECK(plan_orphan(local, {}, false, {NodeId(0), Epoch(0)}, {NodeId(0), Epoch(0)}) == kInDoubt);
}

TEST_CASE("proof of another history counts for more than who wrote last") {
  CHECK(plan_orphan(Positions{at(3, 30), at(2, 20)}, Positions{at(3, 3), at(2, 2)}, false, kNew,
                    kNew) == kEverything);
  CHECK(plan_orphan(Positions{at(3, 30)}, {}, true, kNew, kNew) == kEverything);
}

}  // namespace
}  // namespace skerry::cluster
