#include "lease/static_leaser.h"

namespace skerry::lease {

// The only epoch there is: the configuration's.
static constexpr Epoch kStaticEpoch{1};

StaticLeaser::StaticLeaser(bool is_primary, PrimaryInfo primary)
    : state_{is_primary, kStaticEpoch, std::move(primary)} {}

void StaticLeaser::start(Observer observer) {
  observer(state_);
}

}  // namespace skerry::lease
