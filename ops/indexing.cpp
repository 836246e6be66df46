// Subscripts: the part that makes a view goes first, dimension by dimension; what index tensors
// name is then gathered in one op.
#include <entasis/ops/indexing.h>

#include <entasis/core/row.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/indexing_internal.h>
#include <entasis/ops/placed_internal.h>
#include <entasis/ops/shape.h>

namespace entasis {

void check_index_dtype(const Operand& index) {
  if (index.dtype() != kI64 && index.dtype() != kI32) {
    throw DtypeError(std::string("indices must be i64 or i32, they are ") + name_of(index.dtype()));
  }
}

namespace {

constexpr int kMaxIndices = kMaxDims;

// The index tensors that a node kept: inputs 1 and later.
SmallVector<Tensor, 2> saved_indices(const Saved& saved) {
  SmallVector<Tensor, 2> indices;
  for (int i = 1; i < saved.inputs(); ++i) indices.push_back(saved.in(i));
  return indices;
}
std::span<const Tensor> span_of(const SmallVector<Tensor, 2>& tensors) {
  return {tensors.data(), size_t(tensors.size())};
}
constexpr SaveMask kSavesIndices = ((SaveMask{1} << kMaxIndices) - 1) << 1;

SmallVector<Operand, 4> operands_of(const Tensor& first, std::span<const Tensor> rest) {
  SmallVector<Operand, 4> operands{first};
  for (const Tensor& t : rest) operands.push_back(t);
  return operands;
}

}  // namespace

template <>
struct Rule<IndexTensors> {
  static constexpr SaveMask saves[] = {kSavesIndices};
  static Spec infer(const IndexTensors& op, Inputs in) {
    const int dim = int(op.dim), count = int(in.size()) - 1;
    Dims shape;
    for (int i = 0; i < dim; ++i) shape.push_back(in[0].size(i));
    for (int64_t size : in[1].shape()) shape.push_back(size);
    for (int i = dim + count; i < in[0].dim(); ++i) shape.push_back(in[0].size(i));
    for (const Operand& index : in.subspan(1)) check_index_dtype(index);
    return Spec::dense(in[0].dtype(), shape);
  }
  static Grads vjp(const IndexTensors& op, const Saved& saved, Grads gy) {
    const SmallVector<Tensor, 2> indices = saved_indices(saved);
    return {index_backward(gy[0], span_of(indices), saved.shape(0), op.dim, op.skip, {})};
  }
};

template <>
struct Rule<IndexBackward> {
  static constexpr SaveMask saves[] = {kSavesIndices};
  static Spec infer(const IndexBackward& op, Inputs in) {
    return Spec::dense(in[0].dtype(), op.shape);
  }
  static Grads vjp(const IndexBackward& op, const Saved& saved, Grads gy) {
    const SmallVector<Tensor, 2> indices = saved_indices(saved);
    return {index_tensors(gy[0], span_of(indices), op.dim, op.skip, {})};
  }
};

template <>
struct Rule<Nonzero> {
  static constexpr OpFlags flags = kDataDependent | kSynchronizes;
  // The first phase counts the elements.
  static Spec infer(const Nonzero&, Inputs in, Counts counts) {
    return Spec::dense(kI64, {counts[0], in[0].dim()});
  }
};

Tensor index_tensors(const Tensor& input, std::span<const Tensor> indices, int64_t dim,
                     int64_t skip, Location at) {
  const SmallVector<Operand, 4> in = operands_of(input, indices);
  return apply_list(IndexTensors{dim, skip}, at, {in.data(), size_t(in.size())});
}

Tensor index_backward(const Tensor& gy, std::span<const Tensor> indices, const Dims& shape,
                      int64_t dim, int64_t skip, Location at) {
  const Tensor dense = contiguous(gy, at);
  const SmallVector<Operand, 4> in = operands_of(dense, indices);
  return apply_list(IndexBackward{shape, dim, skip}, at, {in.data(), size_t(in.size())});
}

Tensor nonzero(const Tensor& input, Location at) { return apply(Nonzero{}, at, input); }

namespace {

// A subscript under way: the view made so far, and the index tensors with the dimension of the view
// that each stands for.
struct Subscript {
  Tensor view;
  int dim = 0;  // the next dimension of the view
  SmallVector<Tensor, 2> indices;
  SmallVector<int, 2> places;
  bool changed = false;
};

// A 0-d tensor stands for the integer in it.
bool is_integer_tensor(const Index& index) {
  return index.kind == Index::Kind::kTensor && index.tensor.defined() && index.tensor.dim() == 0 &&
         is_integer(index.tensor.dtype());
}

// How many dimensions of the input an entry takes.
int consumed_by(const Index& index) {
  switch (index.kind) {
    case Index::Kind::kInteger:
    case Index::Kind::kSlice:
      return 1;
    case Index::Kind::kEllipsis:
    case Index::Kind::kNewAxis:
      return 0;
    case Index::Kind::kTensor:
      break;
  }
  if (!index.tensor.defined()) throw ValueError("an index is an undefined tensor");
  if (index.tensor.dtype() != kBool) return 1;
  if (index.tensor.dim() == 0) throw IndexError("a 0-d bool tensor is no index");
  return index.tensor.dim();
}

// The dimensions that the ellipsis stands for.
int count_free(const Tensor& input, std::span<const Index> indices) {
  int consumed = 0, ellipses = 0;
  for (const Index& index : indices) {
    consumed += consumed_by(index);
    ellipses += index.kind == Index::Kind::kEllipsis;
  }
  if (ellipses > 1)
    throw IndexError("a subscript may have one ellipsis, not " + std::to_string(ellipses));
  if (consumed > input.dim()) {
    throw IndexError(std::to_string(consumed) + " indices for shape " + to_string(input.shape()));
  }
  return input.dim() - consumed;
}

// A mask names the elements where it holds: one index tensor a dimension.
void add_mask(Subscript& s, const Tensor& mask, Location at) {
  for (int i = 0; i < mask.dim(); ++i) {
    if (mask.shape()[i] != s.view.shape()[s.dim + i]) {
      throw IndexError("a mask of shape " + to_string(mask.shape()) + " does not fit shape " +
                       to_string(s.view.shape()) + " at dimension " + std::to_string(s.dim + i));
    }
  }
  const Tensor positions = nonzero(mask, at);
  for (int i = 0; i < mask.dim(); ++i) {
    s.indices.push_back(select(positions, 1, i, at));
    s.places.push_back(s.dim++);
  }
}

void add_entry(Subscript& s, const Index& index, int free, Location at) {
  switch (index.kind) {
    case Index::Kind::kInteger:
      s.view = select(s.view, s.dim, index.integer, at);
      break;
    case Index::Kind::kSlice: {
      const Slice& slice = index.slice;
      s.view = entasis::slice(s.view, s.dim, slice.start.value_or(0),
                              slice.stop.value_or(INT64_MAX), slice.step, at);
      ++s.dim;
      break;
    }
    case Index::Kind::kNewAxis:
      s.view = unsqueeze(s.view, s.dim++, at);
      break;
    case Index::Kind::kEllipsis:
      s.dim += free;
      return;
    case Index::Kind::kTensor:
      if (is_integer_tensor(index)) {
        s.view = select(s.view, s.dim, index.tensor.item<int64_t>(at), at);
        break;
      }
      if (index.tensor.dtype() == kBool) {
        add_mask(s, index.tensor, at);
        return;
      }
      check_index_dtype(index.tensor);
      s.indices.push_back(index.tensor);
      s.places.push_back(s.dim++);
      return;
  }
  s.changed = true;
}

// Index tensors of one shape.
void broadcast_indices(SmallVector<Tensor, 2>& indices, Location at) {
  Dims shape = indices[0].shape();
  for (const Tensor& index : indices) shape = broadcast_shapes(shape, index.shape());
  for (Tensor& index : indices) {
    if (!(index.shape() == shape)) index = expand(index, shape, at);
  }
}

bool are_adjacent(const SmallVector<int, 2>& places) {
  return places[places.size() - 1] - places[0] == places.size() - 1;
}

// The view with the dimensions that index tensors stand for in front.
Tensor bring_to_front(const Subscript& s, Location at) {
  Dims order;
  uint32_t taken = 0;
  for (int place : s.places) {
    order.push_back(place);
    taken |= 1u << place;
  }
  for (int i = 0; i < s.view.dim(); ++i) {
    if (!(taken >> i & 1)) order.push_back(i);
  }
  return permute(s.view, order, at);
}

// The same elements as a view of their own.
Tensor whole(const Tensor& input, Location at) {
  Dims order;
  for (int i = 0; i < input.dim(); ++i) order.push_back(i);
  return permute(input, order, at);
}

}  // namespace

Tensor index(const Tensor& input, std::span<const Index> indices, Location at) {
  const Frame frame("index", at);
  return placed("index", at, [&] {
    const int free = count_free(input, indices);
    Subscript s;
    s.view = input;
    for (const Index& entry : indices) add_entry(s, entry, free, at);
    if (s.indices.empty()) return s.changed ? s.view : whole(input, at);
    broadcast_indices(s.indices, at);
    const bool adjacent = are_adjacent(s.places);
    return index_tensors(adjacent ? s.view : bring_to_front(s, at), span_of(s.indices),
                         adjacent ? s.places[0] : 0, kSkipNothing, at);
  });
}

namespace {
constinit const Row rows[] = {
    row<&nonzero>("nonzero", args("input"),
                  "The positions of the elements that are not zero, i64 of shape [count, rank], in "
                  "row-major order. Waits for the device, since the shape depends on values."),
};
constinit OpInfo* const ops[] = {&op_info<IndexTensors>, &op_info<IndexBackward>,
                                 &op_info<Nonzero>};
}  // namespace
extern const RowList rows_indexing;
constinit const RowList rows_indexing{rows, ops};

}  // namespace entasis
