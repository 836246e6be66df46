// Expectations on errors: their type, their whole message, the line they name.
#pragma once

#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include <entasis/core/error.h>

namespace entasis {

// The message of the E that `f` throws. Call it in a statement of its own where the message names a
// line: compilers differ in the line they give to a call inside a macro's argument.
template <class E = Error, class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string("another type of error: ") + error.what();
  }
  return "no error";
}

// Expects that `f` throws E with just this message, place included.
template <class E = Error, class F>
void expect_message(F&& f, const std::string& message, Location here = {}) {
  const std::string actual = message_of<E>(f);
  if (actual != message) {
    ADD_FAILURE_AT(here.file, here.line) << "  actual: " << actual << "\nexpected: " << message;
  }
}

// Expects that `f` throws E with `message` and the place " — file:line" behind it, the line being
// that of the call inside of `f`: this one or one of the next few.
template <class E = Error, class F>
void expect_error(F&& f, const std::string& message, Location here = {}) {
  const std::string actual = message_of<E>(f);
  const std::string place = to_string(here);
  const std::string start = message + " — " + place.substr(0, place.rfind(':') + 1);
  const int line = actual.starts_with(start) ? std::atoi(actual.c_str() + start.size()) : 0;
  if (line < here.line || line > here.line + 6) {
    ADD_FAILURE_AT(here.file, here.line)
        << "  actual: " << actual << "\nexpected: " << start << here.line;
  }
}

}  // namespace entasis
