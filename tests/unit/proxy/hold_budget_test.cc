#include "proxy/relay/hold_budget.h"

#include <doctest/doctest.h>

namespace skerry::proxy {
namespace {

TEST_CASE("requests are held up to a number, and take their places back") {
  HoldBudget budget;
  for (size_t i = 0; i < kHeldRequestsMax; ++i) REQUIRE(budget.take(1));
  CHECK_FALSE(budget.take(1));
  CHECK_FALSE(budget.take(1));  // a refusal costs nothing
  budget.give_back(1);
  CHECK(budget.take(1));
  CHECK_FALSE(budget.take(1));
}

TEST_CASE("… and up to a number of bytes, over all of them") {
  HoldBudget budget;
  CHECK_FALSE(budget.take(kHeldBytesMax + 1));
  REQUIRE(budget.take(kHeldBytesMax - 10));
  CHECK_FALSE(budget.take(11));
  REQUIRE(budget.take(10));
  CHECK_FALSE(budget.take(1));
  budget.give_back(kHeldBytesMax - 10);
  CHECK(budget.take(kHeldBytesMax - 10));
}

}  // namespace
}  // namespace skerry::proxy
