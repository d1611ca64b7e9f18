#include "proxy/retry.h"

#include <doctest/doctest.h>

#include "proxy/limits.h"

namespace skerry::proxy {
namespace {

TEST_CASE("nothing is executed twice that could have been executed once") {
  for (const Delivered delivered : {Delivered::kNo, Delivered::kPerhaps})
    for (unsigned bits = 0; bits < 8; ++bits)
      for (unsigned attempts = 1; attempts <= kAttemptsMax + 1; ++attempts) {
        const Failure failure{delivered, (bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0,
                              attempts};
        const AfterFailure next = after_failure(failure);
        const bool safe = delivered == Delivered::kNo || failure.idempotent;
        if (failure.response_began) CHECK(next == AfterFailure::kAbort);
        if (!safe) CHECK(next != AfterFailure::kAgain);
        if (!failure.body_kept) CHECK(next != AfterFailure::kAgain);
        if (delivered == Delivered::kPerhaps) CHECK(next != AfterFailure::kAnswerLater);
        if (next == AfterFailure::kAgain && delivered == Delivered::kPerhaps) {
          CHECK(attempts < kAttemptsMax);
        }
      }
}

TEST_CASE("what can be repeated is") {
  CHECK(after_failure({Delivered::kNo, false, false, true, 50}) == AfterFailure::kAgain);
  CHECK(after_failure({Delivered::kNo, false, false, false, 1}) == AfterFailure::kAnswerLater);
  CHECK(after_failure({Delivered::kPerhaps, false, true, true, 1}) == AfterFailure::kAgain);
  CHECK(after_failure({Delivered::kPerhaps, false, true, true, kAttemptsMax}) ==
        AfterFailure::kAnswer);
}

}  // namespace
}  // namespace skerry::proxy
