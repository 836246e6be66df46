// Checks of options that optimizers share.
#pragma once

#include <entasis/core/location.h>

namespace entasis::optim::internal {

// Throws ValueError unless value >= 0 (NaN is not).
void check_not_negative(const char* optimizer, const char* name, double value, Location at);

}  // namespace entasis::optim::internal
