// Attributes of the reductions, and the one place that says which dimensions they reduce.
#pragma once

#include <cstdint>
#include <optional>

#include <entasis/core/dims.h>
#include <entasis/core/dtype.h>
#include <entasis/core/export.h>

namespace entasis {

struct Sum {
  static constexpr const char* name = "sum";
  Dims dim;  // as the caller gave it; empty: all
  bool keepdim = false;
  std::optional<DType> dtype;
  bool operator==(const Sum&) const = default;
  void visit(auto& v) const {
    v("dim", dim);
    v("keepdim", keepdim);
    if (dtype) v("dtype", *dtype);
  }
};

struct Mean {
  static constexpr const char* name = "mean";
  Dims dim;
  bool keepdim = false;
  std::optional<DType> dtype;
  bool operator==(const Mean&) const = default;
  void visit(auto& v) const {
    v("dim", dim);
    v("keepdim", keepdim);
    if (dtype) v("dtype", *dtype);
  }
};

struct SumTo {
  static constexpr const char* name = "sum_to";
  Dims shape;
  bool operator==(const SumTo&) const = default;
  void visit(auto& v) const { v("shape", shape); }
};

struct Amax {
  static constexpr const char* name = "amax";
  Dims dim;
  bool keepdim = false;
  bool operator==(const Amax&) const = default;
  void visit(auto& v) const {
    v("dim", dim);
    v("keepdim", keepdim);
  }
};

struct Argmax {
  static constexpr const char* name = "argmax";
  std::optional<int64_t> dim;  // none: all, and the index is that into the flattened tensor
  bool keepdim = false;
  Dims dims() const { return dim ? Dims{*dim} : Dims(); }
  bool operator==(const Argmax&) const = default;
  void visit(auto& v) const {
    if (dim) v("dim", *dim);
    v("keepdim", keepdim);
  }
};

struct Var {
  static constexpr const char* name = "var";
  Dims dim;
  double correction = 1;
  bool keepdim = false;
  bool operator==(const Var&) const = default;
  void visit(auto& v) const {
    v("dim", dim);
    v("correction", correction);
    v("keepdim", keepdim);
  }
};

// A set of dimensions: bit i stands for dimension i.
using DimMask = uint32_t;

// The dimensions that `dim` names; all of them if it is empty. Throws IndexError for one out of
// range, ValueError for one named twice.
ENTASIS_API DimMask reduced_dims(const Dims& dim, int rank);
// The dimensions that are summed to get from `input` to `shape`. Throws ShapeError unless `shape`
// broadcasts to `input`.
ENTASIS_API DimMask summed_dims(const Dims& input, const Dims& shape);
// What is left of `shape`, with sizes of 1 in place of the reduced dimensions if `keepdim`.
Dims reduced_shape(const Dims& shape, DimMask reduced, bool keepdim);

}  // namespace entasis
