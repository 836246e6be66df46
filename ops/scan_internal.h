// Attributes of the scans: running sums, products, extrema along a dimension. Their kernels take
// row-major dense inputs and give such results.
#pragma once

#include <cstdint>
#include <optional>

#include <entasis/core/dtype.h>

namespace entasis {

struct AlongDim {
  int64_t dim;  // counts from the front
  bool operator==(const AlongDim&) const = default;
  void visit(auto& v) const { v("dim", dim); }
};

struct Cumsum {
  static constexpr const char* name = "cumsum";
  int64_t dim;  // counts from the front
  std::optional<DType> dtype = {};
  bool reverse = false;  // from the last element to the first
  bool operator==(const Cumsum&) const = default;
  void visit(auto& v) const {
    v("dim", dim);
    if (dtype) v("dtype", *dtype);
    if (reverse) v("reverse", reverse);
  }
};
struct Cumprod {
  static constexpr const char* name = "cumprod";
  int64_t dim;
  std::optional<DType> dtype = {};
  bool operator==(const Cumprod&) const = default;
  void visit(auto& v) const {
    v("dim", dim);
    if (dtype) v("dtype", *dtype);
  }
};
// Outputs: the extrema so far and their last places.
struct Cummax : AlongDim {
  static constexpr const char* name = "cummax";
};
struct Cummin : AlongDim {
  static constexpr const char* name = "cummin";
};
struct LogCumSumExp : AlongDim {
  static constexpr const char* name = "logcumsumexp";
};
// For each element the product of all others in its slice. Floating-point only; what the gradient
// of a product is made of.
struct ProductOfOthers : AlongDim {
  static constexpr const char* name = "product_of_others";
};
// Inputs a, b of one shape: h[i] = a[i] h[i - 1] + b[i], with h[-1] = 0; or from the other end with
// h[i + 1]. What gradients of products are made of.
struct LinearScan {
  static constexpr const char* name = "linear_scan";
  int64_t dim;
  bool reverse = false;
  bool operator==(const LinearScan&) const = default;
  void visit(auto& v) const {
    v("dim", dim);
    if (reverse) v("reverse", reverse);
  }
};

}  // namespace entasis
