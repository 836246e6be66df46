// Switches of the environment: ENTASIS_SYNC, ENTASIS_POISON, ENTASIS_TUNE. A variable that is not
// set, empty or 0 is off, anything else is on.
#pragma once

#include <cstdlib>
#include <string_view>

namespace entasis::cuda {

inline bool switched_on(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0' && std::string_view(value) != "0";
}

}  // namespace entasis::cuda
