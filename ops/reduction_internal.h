// Attributes of the reductions, and the one place that says which dimensions they reduce.
#pragma once

#include <cstdint>
#include <optional>

#include <entasis/core/dims.h>
#include <entasis/core/dtype.h>
#include <entasis/core/export.h>

namespace entasis {

// What a reduction says: the dimensions as the caller gave them (none: all).
struct OverDims {
  Dims dim;
  bool keepdim = false;
  bool operator==(const OverDims&) const = default;
  void visit(auto& v) const {
    v("dim", dim);
    v("keepdim", keepdim);
  }
};
// One that adds up, perhaps in another dtype.
struct OverDimsAs {
  Dims dim;
  bool keepdim = false;
  std::optional<DType> dtype;
  bool operator==(const OverDimsAs&) const = default;
  void visit(auto& v) const {
    v("dim", dim);
    v("keepdim", keepdim);
    if (dtype) v("dtype", *dtype);
  }
};
// One that finds a place.
struct OverDim {
  std::optional<int64_t> dim;  // none: all, and the index is that into the flattened tensor
  bool keepdim = false;
  Dims dims() const { return dim ? Dims{*dim} : Dims(); }
  bool operator==(const OverDim&) const = default;
  void visit(auto& v) const {
    if (dim) v("dim", *dim);
    v("keepdim", keepdim);
  }
};

struct Sum : OverDimsAs {
  static constexpr const char* name = "sum";
};
struct Mean : OverDimsAs {
  static constexpr const char* name = "mean";
};
struct NanSum : OverDimsAs {
  static constexpr const char* name = "nansum";
};
struct Prod : OverDimsAs {
  static constexpr const char* name = "prod";
};

// The dtype of a sum: integers and bool add up in i64.
inline DType sum_dtype(std::optional<DType> wanted, DType input) {
  return wanted.value_or(is_floating_point(input) ? input : kI64);
}

struct SumTo {
  static constexpr const char* name = "sum_to";
  Dims shape;
  bool operator==(const SumTo&) const = default;
  void visit(auto& v) const { v("shape", shape); }
};

struct Amax : OverDims {
  static constexpr const char* name = "amax";
};
struct Amin : OverDims {
  static constexpr const char* name = "amin";
};
struct Argmax : OverDim {
  static constexpr const char* name = "argmax";
};
struct Argmin : OverDim {
  static constexpr const char* name = "argmin";
};
// Outputs: the extrema and their first places.
struct MaxDim : OverDim {
  static constexpr const char* name = "max_dim";
};
struct MinDim : OverDim {
  static constexpr const char* name = "min_dim";
};
struct Any : OverDims {
  static constexpr const char* name = "any";
};
struct All : OverDims {
  static constexpr const char* name = "all";
};
struct CountNonzero : OverDims {
  static constexpr const char* name = "count_nonzero";
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
// How many elements of `shape` make one of the result.
int64_t elements_each(const Dims& dim, const Dims& shape);

// ---- For the rules
class Tensor;
// `t`, a result of the reduction of a tensor of shape `input` or its gradient, viewed so that it
// broadcasts against that tensor.
Tensor with_kept_dims(const Tensor& t, const Dims& dim, bool keepdim, const Dims& input);
// reduced_dims() of a reduction that needs something to choose from. Throws IndexError.
DimMask nonempty_dims(const char* what, const Dims& dim, const Dims& shape);
// The gradient of elements chosen along a dimension: that of the result, at the places that
// `index` tells, in a tensor of shape `input`.
Tensor at_chosen_places(const Tensor& gy, const Tensor& index, int64_t dim, bool keepdim,
                        const Dims& input);
// gy shared evenly by the elements of x that equal the result y.
Tensor shared_by_equals(const Tensor& gy, const Tensor& x, const Tensor& y, const Dims& dim,
                        bool keepdim);
// Whether a sum of `input` in `wanted` reads elements as if they had been cast before: halves widen
// to f32 exactly, integers wrap.
bool sums_without_cast(DType input, DType wanted);

}  // namespace entasis
