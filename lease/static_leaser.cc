#include "lease/static_leaser.h"

namespace skerry::lease {

// The only epoch there is: the configuration's.
static constexpr Epoch kStaticEpoch{1};

StaticLeaser::StaticLeaser(bool is_primary, PrimaryInfo primary)
    : state_{.is_primary = is_primary,
             .epoch = kStaticEpoch,
             .primary = std::move(primary),
             .right_until = kNever,
             .phase = is_primary ? Phase::kPrimary : Phase::kFollowing,
             .reason = "by configuration (lease.type: static)"} {}

void StaticLeaser::start(Observer observer) {
  observer(state_);
}

}  // namespace skerry::lease
