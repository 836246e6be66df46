// Lookups: rules for reading by an index tensor along one dimension.
#include <entasis/ops/lookup.h>

#include <entasis/core/row.h>
#include <entasis/ops/indexing_internal.h>
#include <entasis/ops/lookup_internal.h>
#include <entasis/ops/placed_internal.h>

namespace entasis {
namespace {

int wrap_lookup_dim(int64_t dim, const Operand& in) {
  if (in.dim() == 0) throw IndexError("a 0-d tensor has no dimension " + std::to_string(dim));
  return wrap_dim(dim, in.dim());
}

}  // namespace

Tensor gather_backward(const Tensor& gy, const Tensor& index, const Dims& shape, int64_t dim) {
  return apply(GatherBackward{shape, dim}, {}, gy, index);
}

template <>
struct Rule<Embedding> {
  static constexpr SaveMask saves[] = {saves_nothing, saves_in(0)};
  static Spec infer(const Embedding&, Inputs in) {
    check_index_dtype(in[0]);
    if (in[1].dim() != 2) {
      throw ShapeError("weight must have 2 dimensions, its shape is " + to_string(in[1].shape()));
    }
    Dims shape = in[0].shape();
    shape.push_back(in[1].size(1));
    return Spec::dense(in[1].dtype(), shape);
  }
  static Grads vjp(const Embedding& op, const Saved& saved, Grads gy) {
    const Tensor index = saved.in(0);
    return {Tensor(), index_backward(gy[0], {&index, 1}, saved.shape(1), 0, op.padding_idx, {})};
  }
};

template <>
struct Rule<IndexSelect> {
  static constexpr SaveMask saves[] = {saves_in(1)};
  static Spec infer(const IndexSelect& op, Inputs in) {
    check_index_dtype(in[1]);
    if (in[1].dim() != 1) {
      throw ShapeError("index must have 1 dimension, its shape is " + to_string(in[1].shape()));
    }
    Dims shape = in[0].shape();
    shape[wrap_lookup_dim(op.dim, in[0])] = in[1].size(0);
    return Spec::dense(in[0].dtype(), shape);
  }
  static Grads vjp(const IndexSelect& op, const Saved& saved, Grads gy) {
    const Tensor index = saved.in(1);
    const int dim = wrap_dim(op.dim, saved.shape(0).size());
    return {index_backward(gy[0], {&index, 1}, saved.shape(0), dim, kSkipNothing, {})};
  }
};

template <>
struct Rule<Gather> {
  static constexpr SaveMask saves[] = {saves_in(1)};
  static Spec infer(const Gather& op, Inputs in) {
    check_index_dtype(in[1]);
    const int dim = wrap_lookup_dim(op.dim, in[0]);
    bool fits = in[0].dim() == in[1].dim();
    for (int i = 0; fits && i < in[0].dim(); ++i) fits = i == dim || in[1].size(i) <= in[0].size(i);
    if (!fits) {
      throw ShapeError("index of shape " + to_string(in[1].shape()) + " does not fit input " +
                       to_string(in[0].shape()) +
                       "; it needs the same rank and may be larger in dimension " +
                       std::to_string(dim) + " only");
    }
    return Spec::dense(in[0].dtype(), in[1].shape());
  }
  static Grads vjp(const Gather& op, const Saved& saved, Grads gy) {
    const int dim = wrap_dim(op.dim, saved.shape(0).size());
    return {gather_backward(gy[0], saved.in(1), saved.shape(0), dim)};
  }
};

template <>
struct Rule<GatherBackward> {
  static constexpr SaveMask saves[] = {saves_in(1)};
  static Spec infer(const GatherBackward& op, Inputs in) {
    return Spec::dense(in[0].dtype(), op.shape);
  }
  static Grads vjp(const GatherBackward& op, const Saved& saved, Grads gy) {
    return {gather(gy[0], op.dim, saved.in(1))};
  }
};

Tensor embedding(const Tensor& input, const Tensor& weight, std::optional<int64_t> padding_idx,
                 Location at) {
  Embedding op{kSkipNothing};
  if (padding_idx && weight.defined() && weight.dim() == 2) {
    op.padding_idx = placed("embedding", at, [&] {
      const int64_t rows = weight.shape()[0];
      if (*padding_idx < -rows || *padding_idx >= rows) {
        throw ValueError("padding_idx " + std::to_string(*padding_idx) + " is out of range for " +
                         std::to_string(rows) + " rows");
      }
      return *padding_idx < 0 ? *padding_idx + rows : *padding_idx;
    });
  }
  return apply(op, at, input, weight);
}
Tensor gather(const Tensor& input, int64_t dim, const Tensor& index, Location at) {
  return apply(Gather{dim}, at, input, index);
}
Tensor index_select(const Tensor& input, int64_t dim, const Tensor& index, Location at) {
  return apply(IndexSelect{dim}, at, input, index);
}

namespace {
constinit const Row rows[] = {
    row<&embedding>("embedding", args("input", "weight", "padding_idx"_a = std::nullopt),
                    "The rows of weight [V, D] that input names: [.., D]. The row padding_idx gets "
                    "no gradient.",
                    {.torch = "nn.functional.embedding", .method = false}),
    row<&gather>("gather", args("input", "dim", "index"),
                 "Elements along dim by index: out[i][j] = input[index[i][j]][j] for dim 0. index "
                 "has input's rank and is nowhere larger except along dim."),
    row<&index_select>("index_select", args("input", "dim", "index"),
                       "The slices of input along dim that the 1-d index names."),
};
constinit OpInfo* const ops[] = {&op_info<Embedding>, &op_info<IndexSelect>, &op_info<Gather>,
                                 &op_info<GatherBackward>};
}  // namespace
extern const RowList rows_lookup;
constinit const RowList rows_lookup{rows, ops};

}  // namespace entasis
