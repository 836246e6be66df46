// Checked mode: looks at every result of this thread for NaN and infinity.
#pragma once

#include <entasis/core/interceptor.h>

namespace entasis {

// While it lives, an op whose result contains NaN raises ValueError naming the op, its inputs'
// shapes, the module path and the caller's line; infinities too if asked. Reads every result once
// more and waits for the device: for finding a fault, not for training.
class ENTASIS_API CheckedMode {
 public:
  explicit CheckedMode(bool infinities = false);

 private:
  class Check final : public Interceptor {
   public:
    explicit Check(bool infinities) : Interceptor(Rank::kChecks), infinities_(infinities) {}
    void after(const OpCall& call, Outputs outputs) override;

   private:
    bool infinities_;
  };
  Check check_;
  InterceptorGuard guard_;
};

}  // namespace entasis
