// Subscripts: the part that makes a view goes first, dimension by dimension; what index tensors
// name is then read or written in one op.
#include <entasis/ops/indexing.h>

#include <entasis/core/row.h>
#include <entasis/ops/arithmetic.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/copy_internal.h>
#include <entasis/ops/factory.h>
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

// The index tensors that a node kept: inputs `first` and later.
SmallVector<Tensor, 2> saved_indices(const Saved& saved, int first = 1) {
  SmallVector<Tensor, 2> indices;
  for (int i = first; i < saved.inputs(); ++i) indices.push_back(saved.in(i));
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

// Returns target.
Tensor put(const IndexPut& op, Tensor target, const Tensor& values, std::span<const Tensor> indices,
           Location at);

// The shape that index tensors for the dimensions from `dim` on make of one.
Dims indexed_shape(const Dims& shape, int dim, const Dims& index, int indices) {
  Dims result;
  for (int i = 0; i < dim; ++i) result.push_back(shape[i]);
  for (int64_t size : index) result.push_back(size);
  for (int i = dim + indices; i < shape.size(); ++i) result.push_back(shape[i]);
  return result;
}

}  // namespace

template <>
struct Rule<IndexTensors> {
  static constexpr SaveMask saves[] = {kSavesIndices};
  static Spec infer(const IndexTensors& op, Inputs in) {
    for (const Operand& index : in.subspan(1)) check_index_dtype(index);
    return Spec::dense(in[0].dtype(), indexed_shape(in[0].shape(), int(op.dim), in[1].shape(),
                                                    int(in.size()) - 1));
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
struct Rule<IndexPut> {
  static constexpr SaveMask saves[] = {kSavesIndices << 1};
  static Spec infer(const IndexPut& op, Inputs in) {
    const Dims& shape = in[0].shape();
    for (const Operand& index : in.subspan(2)) check_index_dtype(index);
    if (in[1].dtype() != in[0].dtype()) {
      throw DtypeError(std::string("the values are ") + name_of(in[1].dtype()) +
                       ", the tensor they are put in is " + name_of(in[0].dtype()));
    }
    const Dims named = indexed_shape(shape, int(op.dim), in[2].shape(), int(in.size()) - 2);
    if (!(in[1].shape() == named)) {
      throw ShapeError("the values have shape " + to_string(in[1].shape()) + ", not " +
                       to_string(named));
    }
    return {in[0].dtype(), shape, in[0].strides()};
  }
  static Grads vjp(const IndexPut& op, const Saved& saved, Grads gy) {
    const SmallVector<Tensor, 2> indices = saved_indices(saved, 2);
    const Tensor read = saved.if_needed(
        1, [&] { return index_tensors(gy[0], span_of(indices), op.dim, kSkipNothing, {}); });
    if (op.repeated == Repeated::kAdds) return {gy[0], read};
    // Nothing is left of what was overwritten.
    const Tensor kept = saved.if_needed(0, [&] {
      const Tensor zero = full({}, 0, {gy[0].dtype(), gy[0].device()});
      return put(op, clone(gy[0]), expand(zero, saved.shape(1)), span_of(indices), {});
    });
    return {kept, read};
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

Tensor put(const IndexPut& op, Tensor target, const Tensor& values, std::span<const Tensor> indices,
           Location at) {
  SmallVector<Operand, 4> in{target, values};
  for (const Tensor& index : indices) in.push_back(index);
  apply_in_place_raw(op_info<IndexPut>, &op, {in.data(), size_t(in.size())}, at);
  return target;
}

// A subscript under way: the view made so far, and the index tensors with the dimension of the view
// that each stands for.
struct Subscript {
  Tensor view;
  int dim = 0;  // the next dimension of the view
  SmallVector<Tensor, 2> indices;
  SmallVector<int, 2> places;
  int masks = 0, index_tensors = 0;  // among the entries
  bool keeps_mask = false;           // the only mask is to be kept instead of made into indices
  Tensor mask;
  int after_mask = 0;  // the dimension of the view behind those of the kept mask
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
  return index.tensor.dtype() == kBool ? index.tensor.dim() : 1;
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

void check_mask(const Tensor& mask, const Subscript& s) {
  for (int i = 0; i < mask.dim(); ++i) {
    if (mask.shape()[i] != s.view.shape()[s.dim + i]) {
      throw IndexError("a mask of shape " + to_string(mask.shape()) + " does not fit shape " +
                       to_string(s.view.shape()) + " at dimension " + std::to_string(s.dim + i));
    }
  }
}

// A 0-d mask chooses along a new axis.
Tensor with_axis(Subscript& s, const Tensor& mask, Location at) {
  if (mask.dim() > 0) return mask;
  s.view = unsqueeze(s.view, s.dim, at);
  return unsqueeze(mask, 0, at);
}

// A mask names the elements where it holds: one index tensor a dimension.
void add_mask(Subscript& s, const Tensor& given, Location at) {
  const Tensor mask = with_axis(s, given, at);
  check_mask(mask, s);
  if (s.keeps_mask) {
    s.mask = mask;
    s.after_mask = s.dim += mask.dim();
    return;
  }
  const Tensor positions = nonzero(mask, at);
  for (int i = 0; i < mask.dim(); ++i) {
    s.indices.push_back(select(positions, 1, i, at));
    s.places.push_back(s.dim++);
  }
  ++s.masks;
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
      ++s.index_tensors;
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

Subscript follow(const Tensor& input, std::span<const Index> indices, bool keeps_mask,
                 Location at) {
  const int free = count_free(input, indices);
  Subscript s;
  s.view = input;
  s.keeps_mask = keeps_mask;
  for (const Index& entry : indices) add_entry(s, entry, free, at);
  return s;
}

// What is read or written in one op: in the view, `indices` stand for the dimensions from `dim` on.
struct Indexed {
  Tensor view;
  SmallVector<Tensor, 2> indices;
  int64_t dim;
};
Indexed gather(Subscript s, Location at) {
  broadcast_indices(s.indices, at);
  if (are_adjacent(s.places)) return {s.view, s.indices, s.places[0]};
  return {bring_to_front(s, at), s.indices, 0};
}

// Values without the leading dimensions of size 1 that are too many, broadcast.
Tensor fit_values(const Tensor& values, const Dims& shape, Location at) {
  Tensor fitting = values;
  while (fitting.dim() > shape.size() && fitting.shape()[0] == 1) {
    fitting = select(fitting, 0, 0, at);
  }
  if (!broadcasts_to(fitting.shape(), shape)) {
    throw ShapeError("values of shape " + to_string(values.shape()) +
                     " do not broadcast to what the subscript names, of shape " + to_string(shape));
  }
  return expand(fitting, shape, at);
}

// Whether one entry is a mask and no other an index tensor.
bool has_only_a_mask(std::span<const Index> indices) {
  int masks = 0, tensors = 0;
  for (const Index& index : indices) {
    if (index.kind != Index::Kind::kTensor || is_integer_tensor(index)) continue;
    ++(index.tensor.defined() && index.tensor.dtype() == kBool ? masks : tensors);
  }
  return masks == 1 && tensors == 0;
}

// One number where a mask holds: chosen element by element, so that nothing waits for the device.
void fill_masked(const Subscript& s, const Tensor& value, Location at) {
  Tensor mask = s.mask;
  for (int i = s.after_mask; i < s.view.dim(); ++i) mask = unsqueeze(mask, -1, at);
  copy_(s.view, where(mask, to(value, s.view.dtype(), at), s.view, at), false, at);
}

void put_values(const Subscript& s, const Tensor& values, bool accumulate, Location at) {
  const Indexed to = gather(s, at);
  const Dims named =
      indexed_shape(to.view.shape(), int(to.dim), to.indices[0].shape(), to.indices.size());
  Tensor fitting = fit_values(values, named, at);
  if (values.dim() == 0) fitting = to_device(fitting, to.view.device(), false, at);
  if (!accumulate) {
    const bool once = s.masks == 1 && s.index_tensors == 0;
    put({to.dim, once ? Repeated::kNone : Repeated::kTakesLast}, to.view, fitting,
        span_of(to.indices), at);
    return;
  }
  const Tensor target = contiguous(to.view, at);
  put({to.dim, Repeated::kAdds}, target, contiguous(fitting, at), span_of(to.indices), at);
  if (!to.view.is_contiguous()) copy_(to.view, target, false, at);
}

SmallVector<Index, 4> entries_of(const Tensors& indices) {
  SmallVector<Index, 4> entries;
  for (const Tensor& index : indices) entries.push_back(index);
  return entries;
}

}  // namespace

Tensor index(const Tensor& input, std::span<const Index> indices, Location at) {
  const Frame frame("index", at);
  return placed("index", at, [&] {
    const Subscript s = follow(input, indices, false, at);
    if (s.indices.empty()) return s.changed ? s.view : whole(input, at);
    const Indexed from = gather(s, at);
    return index_tensors(from.view, span_of(from.indices), from.dim, kSkipNothing, at);
  });
}

Tensor index_put_(Tensor input, std::span<const Index> indices, const Tensor& values,
                  bool accumulate, Location at) {
  const Frame frame("index_put_", at);
  return placed("index_put_", at, [&] {
    if (!input.defined()) throw ValueError("the tensor is undefined");
    if (!values.defined()) throw ValueError("the values are an undefined tensor");
    const bool fills = !accumulate && values.dim() == 0 && has_only_a_mask(indices);
    const Subscript s = follow(input, indices, fills, at);
    if (fills) {
      fill_masked(s, values, at);
    } else if (!s.indices.empty()) {
      put_values(s, values, accumulate, at);
    } else if (accumulate) {
      add_(s.view, fit_values(values, s.view.shape(), at), at);
    } else {
      copy_(s.view, fit_values(values, s.view.shape(), at), false, at);
    }
    return input;
  });
}

Tensor index_put_(Tensor input, const Tensors& indices, const Tensor& values, bool accumulate,
                  Location at) {
  const SmallVector<Index, 4> entries = entries_of(indices);
  return index_put_(input, {entries.data(), size_t(entries.size())}, values, accumulate, at);
}

Tensor index_put(const Tensor& input, const Tensors& indices, const Tensor& values, bool accumulate,
                 Location at) {
  const Frame frame("index_put", at);
  return index_put_(clone(input, at), indices, values, accumulate, at);
}

namespace {
constinit const Row rows[] = {
    row<&nonzero>("nonzero", args("input"),
                  "The positions of the elements that are not zero, i64 of shape [count, rank], in "
                  "row-major order. Waits for the device, since the shape depends on values."),
    row<static_cast<Tensor (*)(Tensor, const Tensors&, const Tensor&, bool, Location)>(
        &index_put_)>(
        "index_put_", args("input", "indices", "values", "accumulate"_a = false),
        "Writes values, broadcast, where index tensors or masks for the first dimensions of input "
        "point, and returns input. A place that is named several times takes the last value; with "
        "accumulate all are added to what is there."),
    row<&index_put>("index_put", args("input", "indices", "values", "accumulate"_a = false),
                    "A copy of input with values, broadcast, where index tensors or masks for the "
                    "first dimensions point. A place that is named several times takes the last "
                    "value; with accumulate all are added to what is there."),
};
constinit OpInfo* const ops[] = {&op_info<IndexTensors>, &op_info<IndexBackward>,
                                 &op_info<IndexPut>, &op_info<Nonzero>};
}  // namespace
extern const RowList rows_indexing;
constinit const RowList rows_indexing{rows, ops};

}  // namespace entasis
