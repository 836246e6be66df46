// Checks that a public function makes before it runs an op: their errors get the same form as those
// of a rule.
#pragma once

#include <entasis/core/error.h>

namespace entasis {

// Runs `body` as a part of the function `name`: an Error that leaves it names the function and the
// user's line.
template <class Body>
decltype(auto) placed(const char* name, Location at, Body&& body) {
  try {
    return body();
  } catch (Error& error) {
    place_in_frames(error, name, at);
    throw;
  }
}

}  // namespace entasis
