// The host's part of pointwise kernels: which one runs, and with what.
#include <entasis/kernels/cuda/internal/pointwise.h>

#include <entasis/core/half.h>
#include <entasis/core/row.h>

namespace entasis::cuda {
namespace {

constexpr Lanes lanes_of(DType dtype) {
  switch (dtype) {
    case kF64:
      return Lanes::kF64;
    case kI8:
    case kI16:
    case kI32:
      return Lanes::kI32;
    case kI64:
    case kU16:
    case kU32:
    case kU64:
      return Lanes::kI64;
    case kU8:
    case kBool:
      return Lanes::kU8;
    default:
      return Lanes::kF32;
  }
}

// The direct type of a dtype, or -1. (A bool byte must stay 0 or 1.)
constexpr int direct_type(DType dtype) {
  switch (dtype) {
    case kF32:
      return int(DirectType::kF32);
    case kF64:
      return int(DirectType::kF64);
    case kF16:
      return int(DirectType::kF16);
    case kBF16:
      return int(DirectType::kBF16);
    case kI32:
      return int(DirectType::kI32);
    case kI64:
      return int(DirectType::kI64);
    case kU8:
      return int(DirectType::kU8);
    default:
      return -1;
  }
}

template <class T>
uint64_t bits_of(T value) {
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  return bits;
}

uint64_t value_bits(const Number& number, Lanes lanes) {
  switch (lanes) {
    case Lanes::kF64:
      return bits_of(number.to<double>());
    case Lanes::kI32:
      return bits_of(number.to<int32_t>());
    case Lanes::kI64:
      return bits_of(number.to<int64_t>());
    case Lanes::kU8:
      return bits_of(number.to<uint8_t>());
    default:
      return bits_of(number.to<float>());
  }
}

// Half types are computed as floats, but two that are equal as halves are to compare equal.
uint64_t rounded_bits(const Number& number, DType dtype) {
  const float value = number.to<float>();
  return bits_of(dtype == kF16 ? float(Half(value)) : float(BFloat16(value)));
}

void pointwise(CudaContext& context, Inputs in, Outputs out) {
  run_pointwise(context, context.data<PointwiseEntry>(), in, out[0]);
}

}  // namespace

void run_pointwise(CudaContext& context, const PointwiseEntry& entry, Inputs in,
                   const Tensor& out) {
  if (out.numel() == 0) return;
  const DType promoted = compute_dtype(entry.traits, in);
  const Lanes lanes = lanes_of(promoted);
  const bool as_bytes = out.dtype() == kBool && promoted == kBool && entry.traits.reads_truth;
  const int direct = as_bytes ? int(DirectType::kU8) : direct_type(out.dtype());
  const LoopNest nest(out, in);

  PointwiseOperands operands;
  operands.out = out.raw();
  operands.out_dtype = out.dtype();
  if (entry.demand != nullptr) {
    operands.check = context.index_check();
    operands.demand = entry.demand;
  }
  bool same_type = direct >= 0 && promoted == out.dtype();
  bool adjacent = nest.dims == 1 && nest.stride[0][0] == 1 && is_vec_aligned(operands.out);
  for (size_t k = 0; k < in.size(); ++k) {
    if (in[k].is_number()) {
      operands.is_value |= 1u << k;
      operands.value[k] = entry.traits.gives_bool && is_half(promoted)
                              ? rounded_bits(in[k].number(), promoted)
                              : value_bits(in[k].number(), lanes);
      continue;
    }
    const Tensor& t = in[k].tensor();
    operands.in[k] = t.raw();
    operands.in_dtype[k] = t.dtype();
    same_type &= t.dtype() == out.dtype();
    adjacent &= nest.stride[0][k + 1] == 1 && is_vec_aligned(operands.in[k]);
  }
  if (same_type && adjacent) return entry.vector[direct](operands, nest.numel, context.stream());

  const PointwiseStrided run = same_type ? entry.strided[direct] : entry.mixed[int(lanes)];
  const int64_t start[kMaxLoopOperands] = {};
  for_each_piece(nest, start, [&](const LoopNest& piece, const int64_t* offsets) {
    PointwiseOperands moved = operands;
    moved.out = static_cast<char*>(operands.out) + offsets[0] * size_of(operands.out_dtype);
    for (size_t k = 0; k < in.size(); ++k) {
      if (operands.is_value >> k & 1) continue;
      moved.in[k] =
          static_cast<const char*>(operands.in[k]) + offsets[k + 1] * size_of(operands.in_dtype[k]);
    }
    run(moved, piece, context.stream());
  });
}

const PointwiseEntry& pointwise_entry(const char* op) {
  return *static_cast<const PointwiseEntry*>(find_op(op)->kernels[int(DeviceType::kCUDA)].data);
}

void add_pointwise(Kernels& kernels, std::span<const PointwiseEntry> entries) {
  for (const PointwiseEntry& entry : entries) {
    kernels.add_from_table<&pointwise>(entry.name, &entry);
  }
}

}  // namespace entasis::cuda
