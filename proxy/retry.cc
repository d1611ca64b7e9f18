#include "proxy/retry.h"

#include "proxy/limits.h"

namespace skerry::proxy {

AfterFailure after_failure(const Failure& failure) {
  if (failure.response_began) return AfterFailure::kAbort;
  if (failure.delivered == Delivered::kNo) {
    return failure.body_kept ? AfterFailure::kAgain : AfterFailure::kAnswerLater;
  }
  const bool may_repeat =
      failure.idempotent && failure.body_kept && failure.attempts < kAttemptsMax;
  return may_repeat ? AfterFailure::kAgain : AfterFailure::kAnswer;
}

}  // namespace skerry::proxy
