#include <entasis/optim/internal/check.h>

#include <string>

#include <entasis/core/error.h>
#include <entasis/core/number.h>

namespace entasis::optim::internal {

void check_not_negative(const char* optimizer, const char* name, double value, Location at) {
  if (value >= 0) return;
  throw ValueError(std::string(optimizer) + ": " + name + " is " + to_string(Number(value)) +
                       "; it may not be negative",
                   at);
}

}  // namespace entasis::optim::internal
