#include "checks.h"

#include <string>

#include <entasis/core/error.h>
#include <entasis/core/row.h>
#include <entasis/entasis.h>

using namespace entasis;

namespace {

// The toy's errors must be caught by their type across library borders.
bool throws_shape_error(const Row& row, const Tensor& input, const std::string& expected) {
  const Value arguments[] = {Value(input)};
  try {
    invoke(row, arguments);
  } catch (const ShapeError& error) {
    return std::string(error.what()).find(expected) != std::string::npos;
  } catch (...) {
    return false;
  }
  return false;
}

}  // namespace

const char* check_toy() {
  const Row* row = find_row("toy_scale");
  if (row == nullptr) return "toy_scale is not registered";
  const Value arguments[] = {Value(from_data({1, 2}, {2}))};
  if (std::get<Tensor>(invoke(*row, arguments)[0]).data<float>()[1] != 4) return "wrong value";
  if (!throws_shape_error(*row, zeros({1, 1, 1}),
                          "toy_scale: takes no 3-d input, it is [1, 1, 1]")) {
    return "the rule's ShapeError did not arrive";
  }
  if (!throws_shape_error(*row, zeros({1, 1}), "toy_scale: the kernel takes no 2-d input")) {
    return "the kernel's ShapeError did not arrive";
  }
  return nullptr;
}
