// What operands decide together: result dtype and the shape and strides of a pointwise result.
#include <entasis/core/operand.h>

#include <algorithm>
#include <optional>
#include <utility>

#include <entasis/core/error.h>

namespace entasis {
namespace {

// Whether a shape and strides describe a dense block without overlap, in any dimension order.
bool is_dense(const Dims& shape, const Dims& strides) {
  const int rank = shape.size();
  int64_t expected = 1;
  bool row_major = true;  // the common case, without the search below
  for (int i = rank - 1; i >= 0; --i) {
    row_major &= strides[i] == expected || shape[i] == 1;
    expected *= shape[i];
  }
  if (row_major && expected != 0) return true;

  expected = 1;
  uint32_t done = 0;
  for (int step = 0; step < rank; ++step) {
    int found = -1;
    for (int i = rank - 1; i >= 0; --i) {
      if (done >> i & 1) continue;
      if (shape[i] == 1 || strides[i] == expected) {
        found = i;
        break;
      }
    }
    if (found < 0) return false;
    done |= 1u << found;
    if (shape[found] != 1) expected *= shape[found];
  }
  return true;
}

}  // namespace

Dims dense_strides_like(const Dims& shape, const Dims& like) {
  int order[kMaxDims];
  const int rank = shape.size();
  for (int i = 0; i < rank; ++i) {
    int k = i;
    for (; k > 0 && like[order[k - 1]] < like[i]; --k) order[k] = order[k - 1];
    order[k] = i;
  }
  Dims strides = Dims::filled(rank, 1);
  int64_t stride = 1;
  for (int k = rank - 1; k >= 0; --k) {
    strides[order[k]] = stride;
    stride *= shape[order[k]] > 1 ? shape[order[k]] : 1;
  }
  return strides;
}

DType result_type(Inputs inputs) {
  // Two tensors of one dtype: the common case.
  if (inputs.size() == 2 && inputs[0].is_tensor() && inputs[1].is_tensor() &&
      inputs[0].dtype() == inputs[1].dtype()) {
    return inputs[0].dtype();
  }
  std::optional<DType> dimensioned, scalar, number;
  auto join = [](std::optional<DType>& group, DType dtype) {
    group = group ? promote_types(*group, dtype) : dtype;
  };
  for (const Operand& in : inputs) {
    if (!in.defined()) continue;
    if (in.is_number()) {
      join(number, in.dtype());
    } else {
      join(in.dim() > 0 ? dimensioned : scalar, in.dtype());
    }
  }
  std::optional<DType> result = dimensioned;
  for (std::optional<DType> weaker : {scalar, number}) {
    if (!weaker) continue;
    if (!result) {
      result = weaker;
    } else if (category_of(*weaker) > category_of(*result)) {
      result = promote_types(*result, *weaker);
    }
  }
  if (!result) throw Error("no operand to take a dtype from");
  return *result;
}

namespace {

// The stride of an input along dimension d of the shape that it broadcasts to; 0 where it repeats.
int64_t stride_along(const Operand& in, const Dims& shape, int d) {
  const int own = d - (shape.size() - in.dim());
  if (own < 0 || (in.shape()[own] == 1 && shape[d] != 1)) return 0;
  return in.strides()[own];
}

// Whether dimension a lies outside of b in memory (> 0) or inside (< 0), as the first input says
// that has a stride along both; sizes decide between equal strides.
int compare_dims(const Dims& shape, Inputs inputs, int a, int b) {
  for (const Operand& in : inputs) {
    if (!in.is_tensor()) continue;
    const int64_t along_a = stride_along(in, shape, a), along_b = stride_along(in, shape, b);
    if (along_a == 0 || along_b == 0) continue;
    if (along_a != along_b) return along_a > along_b ? 1 : -1;
    if (shape[a] > shape[b]) return 1;
  }
  return 0;
}

// Dense strides in the inputs' order of dimensions: PyTorch's rule, an insertion sort that starts
// from the row-major order and keeps it where no input speaks.
Dims ordered_strides(const Dims& shape, Inputs inputs) {
  const int rank = shape.size();
  int order[kMaxDims];  // innermost first
  for (int i = 0; i < rank; ++i) order[i] = rank - 1 - i;
  for (int i = 1; i < rank; ++i) {
    int moved = i;
    for (int k = i - 1; k >= 0; --k) {
      const int comparison = compare_dims(shape, inputs, order[k], order[moved]);
      if (comparison < 0) break;
      if (comparison == 0) continue;
      std::swap(order[k], order[moved]);
      moved = k;
    }
  }
  Dims strides = Dims::filled(rank, 1);
  int64_t stride = 1;
  for (int i = 0; i < rank; ++i) {
    strides[order[i]] = stride;
    stride *= std::max<int64_t>(shape[order[i]], 1);
  }
  return strides;
}

}  // namespace

Spec pointwise_spec(DType dtype, Inputs inputs) {
  Spec spec;
  spec.dtype = dtype;
  const Operand* first = nullptr;
  bool same = true;  // every tensor has the shape and strides of the first
  for (const Operand& in : inputs) {
    if (!in.is_tensor()) continue;
    if (first == nullptr) {
      first = &in;
      spec.shape = in.shape();
    } else if (!(in.shape() == first->shape())) {
      same = false;
      spec.shape = broadcast_shapes(spec.shape, in.shape());
    } else if (!(in.strides() == first->strides())) {
      same = false;
    }
  }
  if (first == nullptr) return spec;
  if (same && is_dense(spec.shape, first->strides())) {
    spec.strides = first->strides();
    return spec;
  }
  spec.strides = ordered_strides(spec.shape, inputs);
  return spec;
}

}  // namespace entasis
