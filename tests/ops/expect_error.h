// An error with its whole message and the line of the call.
#pragma once

#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include <entasis/core/error.h>

namespace entasis {

// Expects that `f` throws E with `message` and the place " — file:line" behind it, the line being
// that of the call inside of `f`, which stands within a few lines of this one.
template <class E, class F>
void expect_error(F f, const std::string& message, Location here = {}) {
  std::string text;
  try {
    f();
    ADD_FAILURE_AT(here.file, here.line) << "no error; expected: " << message;
    return;
  } catch (const E& error) {
    text = error.what();
  } catch (const std::exception& error) {
    ADD_FAILURE_AT(here.file, here.line) << "another type of error: " << error.what();
    return;
  }
  const std::string place = to_string(here);
  const std::string prefix = message + " — " + place.substr(0, place.rfind(':') + 1);
  const int line = text.rfind(prefix, 0) == 0 ? std::atoi(text.c_str() + prefix.size()) : 0;
  if (std::abs(line - here.line) > 6) {
    ADD_FAILURE_AT(here.file, here.line)
        << "  actual: " << text << "\nexpected: " << prefix << here.line;
  }
}

}  // namespace entasis
