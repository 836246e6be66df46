// Checks that a public function makes before it runs an op: their errors get the same form as those
// of a rule.
#pragma once

#include <string>

#include <entasis/core/error.h>
#include <entasis/core/tensor.h>

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

// Runs `body`, which calls public functions, as the public function `name`: their errors name it,
// and so does a trace.
template <class Body>
decltype(auto) composite(const char* name, Location at, Body&& body) {
  const Frame frame(name, at);
  return placed(name, at, body);
}

// For functions that look at a tensor before an op does. Throws ValueError.
inline void check_defined(const Tensor& tensor) {
  if (!tensor.defined()) throw ValueError("the input is an undefined tensor");
}
inline void check_defined(const Tensors& tensors) {
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (!tensors[i].defined()) {
      throw ValueError("input " + std::to_string(i) + " is an undefined tensor");
    }
  }
}
// The same for a list that has to have a member.
inline void check_not_empty(const Tensors& tensors) {
  if (tensors.empty()) throw ValueError("needs at least one tensor");
  check_defined(tensors);
}

}  // namespace entasis
