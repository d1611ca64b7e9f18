// One fixed primary, by configuration. There is nobody to ask and nothing to lose.
#pragma once

#include "lease/leaser.h"

namespace skerry::lease {

class StaticLeaser final : public Leaser {
 public:
  StaticLeaser(bool is_primary, PrimaryInfo primary);
  void start(Observer observer) override;
  void stop() override {}

 private:
  const LeaseState state_;
};

}  // namespace skerry::lease
