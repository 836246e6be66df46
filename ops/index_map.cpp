// Index maps: one op reads through a map. Where the map is one to one its gradient is a map again;
// else it is a second op, which adds, and whose gradient reads.
#include <entasis/ops/index_map.h>

#include <algorithm>

#include <entasis/core/row.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/index_map_internal.h>
#include <entasis/ops/placed_internal.h>
#include <entasis/ops/shape.h>
#include <entasis/ops/shape_internal.h>

namespace entasis {

template <>
struct EnumNames<PadMode> {
  static constexpr const char* names[] = {"constant", "reflect", "replicate", "circular"};
};

namespace {

Dims negated(Dims dims) {
  for (int64_t& d : dims) d = -d;
  return dims;
}

}  // namespace

template <>
struct Rule<ReadMapped> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static Spec infer(const ReadMapped& op, Inputs in) {
    Spec spec = Spec::dense(in[0].dtype(), op.shape);
    if (op.order == MappedOrder::kLikeInput) {
      spec.strides = dense_strides_like(op.shape, pointwise_spec(in[0].dtype(), in).strides);
    } else if (op.order == MappedOrder::kImage && suggests_channels_last(in[0].tensor())) {
      spec.strides = channels_last_strides(op.shape);
    }
    return spec;
  }
  static Grads vjp(const ReadMapped& op, const Saved& saved, Grads gy) {
    const Dims& shape = saved.shape(0);
    ReadMapped back{op.map, MappedOrder::kLikeInput, shape, op.before};
    switch (op.map) {
      case IndexMap::kConstant:
        back.before = negated(op.before);
        return {apply(back, {}, gy[0])};
      case IndexMap::kCircular:
        if (!(op.shape == shape)) break;
        back.before = negated(op.before);
        return {apply(back, {}, gy[0])};
      case IndexMap::kFlip:
        return {apply(back, {}, gy[0])};
      default:
        break;
    }
    return {apply(AddMapped{op.map, shape, op.before}, {}, gy[0])};
  }
};

template <>
struct Rule<AddMapped> {
  static constexpr SaveMask saves[] = {saves_nothing};
  static Spec infer(const AddMapped& op, Inputs in) {
    const DType dtype = in[0].dtype();
    return {dtype, op.shape, dense_strides_like(op.shape, pointwise_spec(dtype, in).strides)};
  }
  static Grads vjp(const AddMapped& op, const Saved& saved, Grads gy) {
    return {
        apply(ReadMapped{op.map, MappedOrder::kLikeInput, saved.shape(0), op.before}, {}, gy[0])};
  }
};

MappedDims::MappedDims(const Dims& map_before, const Tensor& walked, const Tensor& other) {
  int order[kMaxDims];
  int count = 0;
  for (int i = walked.dim() - 1; i >= 0; --i) {
    if (walked.shape()[i] == 1 && other.shape()[i] == 1 && map_before[i] == 0) continue;
    int k = count++;
    for (; k > 0 && walked.strides()[order[k - 1]] > walked.strides()[i]; --k) {
      order[k] = order[k - 1];
    }
    order[k] = i;
  }
  for (int k = 0; k < count; ++k) {
    const int i = order[k];
    const int64_t n = walked.shape()[i], m = other.shape()[i];
    const bool plain = n == m && map_before[i] == 0;
    const int last = dims - 1;
    if (plain && last >= 0 && is_plain[last] && walked.strides()[i] == stride[last] * size[last] &&
        other.strides()[i] == other_stride[last] * size[last]) {
      size[last] *= n;
      other_size[last] *= n;
      continue;
    }
    size[dims] = n;
    stride[dims] = walked.strides()[i];
    other_size[dims] = m;
    other_stride[dims] = other.strides()[i];
    before[dims] = map_before[i];
    is_plain[dims++] = plain;
  }
  if (dims == 0) {
    size[0] = other_size[0] = stride[0] = other_stride[0] = 1;
    before[0] = 0;
    is_plain[0] = true;
    dims = 1;
  }
}

namespace {

// ---- flip, roll, rot90

Tensor flipped(const Tensor& input, const Dims& dims, Location at) {
  Dims is_flipped = Dims::filled(input.dim(), 0);
  uint32_t seen = 0;
  for (const int64_t dim : dims) {
    const int d = wrap_dim(dim, input.dim());
    if (seen >> d & 1) {
      throw ValueError("dims " + to_string(dims) + " name dimension " + std::to_string(d) +
                       " twice");
    }
    seen |= 1u << d;
    if (input.dim() > 0) is_flipped[d] = 1;
  }
  return apply(ReadMapped{IndexMap::kFlip, MappedOrder::kLikeInput, input.shape(), is_flipped}, at,
               input);
}

Tensor rolled(const Tensor& input, const Dims& shifts, const Dims& dims, Location at) {
  if (shifts.empty()) throw ValueError("shifts must not be empty");
  if (dims.empty() && shifts.size() == 1) {
    return reshape(rolled(reshape(input, {-1}, at), shifts, {0}, at), input.shape(), at);
  }
  if (shifts.size() != dims.size()) {
    throw ValueError("shifts " + to_string(shifts) + " and dims " + to_string(dims) +
                     " differ in length");
  }
  Dims before = Dims::filled(input.dim(), 0);
  for (int i = 0; i < shifts.size(); ++i) {
    const int d = wrap_existing_dim(dims[i], input);
    const int64_t size = input.shape()[d];
    if (size > 0) before[d] = (before[d] + shifts[i] % size) % size;
  }
  return apply(ReadMapped{IndexMap::kCircular, MappedOrder::kImage, input.shape(), before}, at,
               input);
}

Tensor turned(const Tensor& input, int64_t k, const Dims& dims, Location at) {
  if (dims.size() != 2) {
    throw ValueError("dims must name two dimensions, they are " + to_string(dims));
  }
  if (input.dim() < 2) {
    throw ShapeError("needs at least 2 dimensions, the shape is " + to_string(input.shape()));
  }
  const int a = wrap_dim(dims[0], input.dim()), b = wrap_dim(dims[1], input.dim());
  if (a == b) throw ValueError("dims " + to_string(dims) + " name the same dimension");
  switch (((k % 4) + 4) % 4) {
    case 1:
      return transpose(flipped(input, {b}, at), a, b, at);
    case 2:
      return flipped(input, {a, b}, at);
    case 3:
      return transpose(flipped(input, {a}, at), a, b, at);
    default:
      return input.is_contiguous() ? clone(input, at) : contiguous(input, at);
  }
}

// ---- repeat

Tensor repeated(const Tensor& input, const Dims& repeats, Location at) {
  const int lead = repeats.size() - input.dim();
  if (lead < 0) {
    throw ShapeError("repeats " + to_string(repeats) + " has fewer entries than the input's " +
                     to_string(input.shape()) + " has dimensions");
  }
  Dims lifted = Dims::filled(lead, 1), shape;
  for (const int64_t size : input.shape()) lifted.push_back(size);
  for (int i = 0; i < repeats.size(); ++i) {
    int64_t size;
    if (repeats[i] < 0) {
      throw ValueError("repeats must not be negative, they are " + to_string(repeats));
    }
    if (__builtin_mul_overflow(lifted[i], repeats[i], &size)) {
      throw ShapeError(to_string(input.shape()) + " repeated " + to_string(repeats) +
                       " times exceeds 2^63 elements");
    }
    shape.push_back(size);
  }
  const Tensor x = lead == 0 ? input : reshape(input, lifted, at);
  return apply(
      ReadMapped{IndexMap::kCircular, MappedOrder::kRowMajor, shape, Dims::filled(shape.size(), 0)},
      at, x);
}

// ---- pad

[[noreturn]] void throw_bad_pad(const Ints& pad, int d, int64_t size, const std::string& why) {
  throw ValueError("pad " + to_string(pad.list()) + " of dimension " + std::to_string(d) +
                   " of size " + std::to_string(size) + ": " + why);
}

// Where elements are taken away before the others go round.
Tensor cropped(const Tensor& input, const Ints& pad, Location at) {
  Tensor x = input;
  for (int64_t k = 0; 2 * k < pad.size(); ++k) {
    const int d = input.dim() - 1 - int(k);
    const int64_t before = std::min<int64_t>(pad[size_t(2 * k)], 0);
    const int64_t after = std::min<int64_t>(pad[size_t(2 * k + 1)], 0);
    if (before == 0 && after == 0) continue;
    const int64_t size = input.shape()[d];
    if (before < -size || after < -size - before) {
      throw_bad_pad(pad, d, size, "takes more away than there is");
    }
    x = narrow(x, d, -before, size + before + after, at);
  }
  return x;
}

void check_pad(const Ints& pad, PadMode mode, const std::optional<Number>& value, int rank) {
  if (pad.size() % 2 != 0) {
    throw ValueError("pad must have an even number of entries, it is " + to_string(pad.list()));
  }
  if (pad.size() > 2 * rank) {
    throw ValueError("pad " + to_string(pad.list()) + " has more than two entries for each of " +
                     std::to_string(rank) + " dimensions");
  }
  if (mode != PadMode::kConstant && value && value->to_double() != 0) {
    throw ValueError(std::string("mode '") + EnumNames<PadMode>::names[int(mode)] +
                     "' takes no value, it is " + to_string(*value));
  }
}

// The size that dimension d gets. Throws where the mode cannot fill it.
int64_t padded_size(const Ints& pad, PadMode mode, int d, int64_t size, int64_t before,
                    int64_t after) {
  int64_t length;
  if (__builtin_add_overflow(size, before, &length) ||
      __builtin_add_overflow(length, after, &length)) {
    throw_bad_pad(pad, d, size, "exceeds 2^63");
  }
  const bool is_constant = mode == PadMode::kConstant;
  const int64_t kept = size + std::min<int64_t>(before, 0) + std::min<int64_t>(after, 0);
  if (length < 0 || (is_constant && kept < 0)) {
    throw_bad_pad(pad, d, size, "takes more away than there is");
  }
  const int64_t most = std::max(before, after);
  if (mode == PadMode::kReflect && most >= size) {
    throw_bad_pad(pad, d, size, "reflects more than there is");
  }
  if (mode == PadMode::kCircular && most > size) {
    throw_bad_pad(pad, d, size, "goes round more than once");
  }
  const bool needs_elements = mode == PadMode::kReflect || mode == PadMode::kReplicate;
  if (needs_elements && (length == 0 || size == 0)) {
    throw_bad_pad(pad, d, size, "leaves or finds no elements");
  }
  return length;
}

Tensor padded(const Tensor& input, const Ints& pad, PadMode mode,
              const std::optional<Number>& value, Location at) {
  check_pad(pad, mode, value, input.dim());
  const bool is_circular = mode == PadMode::kCircular;
  const Tensor x = is_circular ? cropped(input, pad, at) : input;
  Dims before = Dims::filled(x.dim(), 0), shape = x.shape();
  bool grows = false;
  for (int64_t k = 0; 2 * k < pad.size(); ++k) {
    const int d = x.dim() - 1 - int(k);
    int64_t after = pad[size_t(2 * k + 1)];
    before[d] = pad[size_t(2 * k)];
    if (is_circular) {
      before[d] = std::max<int64_t>(before[d], 0);
      after = std::max<int64_t>(after, 0);
    }
    shape[d] = padded_size(pad, mode, d, x.shape()[d], before[d], after);
    grows |= before[d] > 0 || after > 0;
  }
  // What only takes away keeps the order of dimensions, as PyTorch's does.
  const MappedOrder order = is_circular                            ? MappedOrder::kRowMajor
                            : !grows && mode == PadMode::kConstant ? MappedOrder::kLikeInput
                                                                   : MappedOrder::kImage;
  return apply(ReadMapped{IndexMap(mode), order, shape, before, value.value_or(Number(0))}, at, x);
}
static_assert(int(IndexMap::kCircular) == int(PadMode::kCircular) &&
              int(IndexMap::kReflect) == int(PadMode::kReflect) &&
              int(IndexMap::kReplicate) == int(PadMode::kReplicate));

}  // namespace

Tensor flip(const Tensor& input, const Dims& dims, Location at) {
  return composite("flip", at, [&] {
    check_defined(input);
    return flipped(input, dims, at);
  });
}
Tensor fliplr(const Tensor& input, Location at) {
  return composite("fliplr", at, [&] {
    check_defined(input);
    if (input.dim() < 2) {
      throw ShapeError("needs at least 2 dimensions, the shape is " + to_string(input.shape()));
    }
    return flipped(input, {1}, at);
  });
}
Tensor flipud(const Tensor& input, Location at) {
  return composite("flipud", at, [&] {
    check_defined(input);
    if (input.dim() < 1) throw ShapeError("needs at least 1 dimension, the tensor is 0-d");
    return flipped(input, {0}, at);
  });
}

Tensor roll(const Tensor& input, const Dims& shifts, const Dims& dims, Location at) {
  return composite("roll", at, [&] {
    check_defined(input);
    return rolled(input, shifts, dims, at);
  });
}

Tensor rot90(const Tensor& input, int64_t k, const Dims& dims, Location at) {
  return composite("rot90", at, [&] {
    check_defined(input);
    return turned(input, k, dims, at);
  });
}

Tensor repeat(const Tensor& input, const Dims& repeats, Location at) {
  return composite("repeat", at, [&] {
    check_defined(input);
    return repeated(input, repeats, at);
  });
}

Tensor tile(const Tensor& input, const Dims& dims, Location at) {
  return composite("tile", at, [&] {
    check_defined(input);
    Dims repeats = dims;
    while (repeats.size() < input.dim()) repeats.insert(0, 1);
    return repeated(input, repeats, at);
  });
}

Tensor pad(const Tensor& input, const Ints& pad, PadMode mode, std::optional<Number> value,
           Location at) {
  return composite("pad", at, [&] {
    check_defined(input);
    return padded(input, pad, mode, value, at);
  });
}

namespace {
constinit const Row rows[] = {
    row<&flip>("flip", args("input", "dims"),
               "A copy with the order of the elements reversed along dims."),
    row<&fliplr>("fliplr", args("input"), "A copy reversed along the second dimension."),
    row<&flipud>("flipud", args("input"), "A copy reversed along the first dimension."),
    row<&roll>("roll", args("input", "shifts", "dims"_a = Dims()),
               "A copy with the elements moved by shifts[i] along dims[i], those beyond the end "
               "coming in at the start; without dims along all elements in row-major order."),
    row<&rot90>("rot90", args("input", "k"_a = 1, "dims"_a = Dims{0, 1}),
                "Turned by 90 degrees k times in the plane of two dimensions, from the first "
                "towards the second."),
    row<&repeat>("repeat", args("input", "repeats"),
                 "A copy with the input repeats[i] times along dimension i; dimensions that it "
                 "lacks come first."),
    row<&tile>("tile", args("input", "dims"),
               "The same as repeat; entries may be left out, those of the first dimensions: they "
               "are 1."),
    row<&pad>("pad", args("input", "pad", "mode"_a = PadMode::kConstant, "value"_a = std::nullopt),
              "Elements beyond the ends: pad holds (before, after) for the last dimension, then "
              "for the one before it, and so on; negative numbers take elements away. The new ones "
              "are value (0 if left out), or by mode the others mirrored, the outermost, or those "
              "of the other end.",
              {.torch = "nn.functional.pad", .method = false}),
};
constinit OpInfo* const ops[] = {&op_info<ReadMapped>, &op_info<AddMapped>};
}  // namespace
extern const RowList rows_index_map;
constinit const RowList rows_index_map{rows, ops};

}  // namespace entasis
