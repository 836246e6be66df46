#include <entasis/kernels/cpu/internal/pointwise_loop.h>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/row.h>
#include <entasis/kernels/cpu/internal/convert.h>
#include <entasis/kernels/cpu/internal/loop_nest.h>
#include <entasis/kernels/cpu/internal/transpose.h>

namespace entasis::cpu {
namespace {

constexpr int kMaxInputs = kMaxPointwiseInputs;
static_assert(kMaxInputs == kMaxLoopOperands - 1);
constexpr int64_t kTile = 512;     // elements: five tiles of 8 bytes each fit half of a 48 KiB L1
constexpr int64_t kShortRow = 64;  // shorter rows go through tiles that hold several

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
constexpr DType dtype_of_lanes(Lanes lanes) {
  constexpr DType dtypes[] = {kF32, kF64, kI32, kI64, kU8};
  return dtypes[int(lanes)];
}
// Whether any formula may read and write memory of this dtype itself. (A bool byte must stay 0 or
// 1.)
constexpr bool is_direct(DType dtype) {
  return dtype != kBool && dtype_of_lanes(lanes_of(dtype)) == dtype;
}

// One value of any of the five types.
union Scalar {
  float f32;
  double f64;
  int32_t i32;
  int64_t i64;
  uint8_t u8;
};

Scalar scalar_of(const Number& number, Lanes lanes) {
  Scalar s{};
  switch (lanes) {
    case Lanes::kF32:
      s.f32 = number.to<float>();
      break;
    case Lanes::kF64:
      s.f64 = number.to<double>();
      break;
    case Lanes::kI32:
      s.i32 = number.to<int32_t>();
      break;
    case Lanes::kI64:
      s.i64 = number.to<int64_t>();
      break;
    case Lanes::kU8:
      s.u8 = number.to<uint8_t>();
      break;
  }
  return s;
}

bool is_row_major(const Tensor& t) {
  int64_t expected = 1;
  for (int i = t.dim() - 1; i >= 0; --i) {
    if (t.shape()[i] == 1) continue;
    if (t.strides()[i] != expected) return false;
    expected *= t.shape()[i];
  }
  return true;
}

// Runs `f(begin, end)` over [0, n), on several threads if there is enough for them.
template <class F>
void for_range(int64_t n, int64_t grain, const F& f) {
  if (n < 2 * grain) {
    f(int64_t{0}, n);
  } else {
    parallel_for(n, grain, f);
  }
}

// The quick way: everything of one dtype and adjacent. False if it is not so.
bool run_adjacent(const PointwiseEntry& entry, Inputs in, const Tensor& out) {
  const DType dtype = out.dtype();
  if (in.size() > kMaxInputs) return false;
  if (dtype == kBool) {
    if (!entry.traits.reads_truth || compute_dtype(entry.traits, in) != kBool) return false;
  } else if (!is_direct(dtype)) {
    return false;
  } else if (entry.traits.gives_bool && compute_dtype(entry.traits, in) != dtype) {
    return false;  // in place, of an integer and a floating-point number
  }
  const Lanes lanes = lanes_of(dtype);
  const PointwiseRun run = entry.run[int(lanes)];
  const int64_t n = out.numel();
  const char* pointers[kMaxInputs];
  Scalar scalars[kMaxInputs];
  uint32_t is_scalar = 0;
  for (size_t k = 0; k < in.size(); ++k) {
    const Operand& operand = in[k];
    if (operand.is_number()) {
      // In place, a number may ask for another dtype than the target's: (i32 + 0.5) was refused.
      scalars[k] = scalar_of(operand.number(), lanes);
      pointers[k] = reinterpret_cast<const char*>(&scalars[k]);
      is_scalar |= 1u << k;
      continue;
    }
    const Tensor& t = operand.tensor();
    if (t.dtype() != dtype) return false;
    pointers[k] = static_cast<const char*>(t.raw());
    if (t.numel() == 1) {
      is_scalar |= 1u << k;
    } else if (!(t.strides() == out.strides() && t.shape() == out.shape())) {
      return false;
    }
  }
  if (n != 1 && !is_row_major(out)) return false;
  char* to = static_cast<char*>(out.raw());
  const int bytes = size_of(dtype);
  for_range(n, entry.grain, [&](int64_t begin, int64_t end) {
    const void* from[kMaxInputs];
    for (size_t k = 0; k < in.size(); ++k) {
      from[k] = is_scalar >> k & 1 ? pointers[k] : pointers[k] + begin * bytes;
    }
    run(to + begin * bytes, from, is_scalar, end - begin);
  });
  return true;
}

// ---- The general way

// One operand of the loop, the result or an input.
struct LoopOperand {
  char* data = nullptr;
  int bytes = 0;                 // of an element in memory
  ConvertRun convert = nullptr;  // to (inputs) or from (the result) the type of computation
  bool direct = false;           // of that type already
  bool scalar = false;           // one value for all elements, at `data`, converted
  bool linear = false;           // direct, and element i of the loop lies at data[i]
  bool periodic = false;         // every row is the same
  Scalar value;
};

using Tile = char[kTile * 8];

class GeneralLoop {
 public:
  GeneralLoop(const PointwiseEntry& entry, Inputs in, const Tensor& out)
      : nest_(out, in), inputs_(int(in.size())) {
    const DType promoted = compute_dtype(entry.traits, in);
    const Lanes lanes = lanes_of(promoted);
    computed_ = dtype_of_lanes(lanes);
    bytes_ = size_of(computed_);
    run_ = entry.run[int(lanes)];
    transpose_ = find_transpose(bytes_);
    LoopOperand& result = operands_[0];
    result.data = static_cast<char*>(out.raw());
    result.bytes = size_of(out.dtype());
    result.direct = is_direct(out.dtype()) && out.dtype() == computed_;
    result.convert = find_converter(out.dtype(), computed_);
    for (int k = 0; k < inputs_; ++k) {
      set_input(k, in[size_t(k)], lanes);
      // Half types are computed as floats, but two that are equal as halves are to compare equal.
      if (entry.traits.gives_bool && is_half(promoted)) round_value(operands_[k + 1], promoted);
    }
    for (int k = 0; k <= inputs_; ++k) {
      LoopOperand& operand = operands_[k];
      operand.linear = operand.direct && is_linear(k);
      operand.periodic = k > 0 && !operand.scalar && is_periodic(k);
      any_periodic_ |= operand.periodic;
      walks_ |= !operand.linear && !operand.scalar && !operand.periodic;
    }
  }

  void run(int64_t grain) const {
    if (can_go_by_rows()) {
      for_range(nest_.numel, grain, [this](int64_t begin, int64_t end) { run_rows(begin, end); });
    } else if (const int across = transposed_dim()) {
      const LoopNest blocks = nest_.blocked(across, kBlockRows, kBlockColumns);
      for_range(blocks.numel, grain / kTile,
                [&](int64_t begin, int64_t end) { run_blocks(blocks, across, begin, end); });
    } else {
      for_range(nest_.numel, grain, [this](int64_t begin, int64_t end) { run_tiles(begin, end); });
    }
  }

 private:
  void set_input(int k, const Operand& in, Lanes lanes) {
    LoopOperand& operand = operands_[k + 1];
    if (in.is_number()) {
      operand.value = scalar_of(in.number(), lanes);
      operand.scalar = true;
    } else {
      const Tensor& t = in.tensor();
      operand.data = static_cast<char*>(t.raw());
      operand.bytes = size_of(t.dtype());
      operand.direct = is_direct(t.dtype()) && t.dtype() == computed_;
      operand.convert = find_converter(computed_, t.dtype());
      if (t.numel() == 1) {
        operand.convert(&operand.value, 1, t.raw(), 1, 1);
        operand.scalar = true;
      }
    }
    if (operand.scalar) {
      operand.data = reinterpret_cast<char*>(&operand.value);
      is_scalar_ |= 1u << k;
    }
  }

  static void round_value(LoopOperand& operand, DType dtype) {
    if (!operand.scalar) return;
    operand.value.f32 = dtype == kF16 ? convert<float>(convert<Half>(operand.value.f32))
                                      : convert<float>(convert<BFloat16>(operand.value.f32));
  }

  bool is_linear(int k) const {
    int64_t expected = 1;
    for (int d = 0; d < nest_.dims; ++d) {
      if (nest_.stride[d][k] != expected) return false;
      expected *= nest_.size[d];
    }
    return true;
  }

  bool is_periodic(int k) const {
    for (int d = 1; d < nest_.dims; ++d) {
      if (nest_.stride[d][k] != 0) return false;
    }
    return nest_.dims > 1 && nest_.size[0] <= kTile;
  }

  // ---- By rows: every row of every operand is read and written where it lies.
  bool can_go_by_rows() const {
    if (nest_.size[0] < kShortRow || !operands_[0].direct || nest_.stride[0][0] != 1) return false;
    if (!walks_ && 2 * nest_.size[0] <= kTile) return false;  // a tile holds rows at no cost
    for (int k = 1; k <= inputs_; ++k) {
      const LoopOperand& operand = operands_[k];
      const int64_t stride = nest_.stride[0][k];
      if (!operand.scalar && !(operand.direct && (stride == 0 || stride == 1))) return false;
    }
    return true;
  }

  void run_rows(int64_t begin, int64_t end) const {
    uint32_t is_scalar = is_scalar_;
    for (int k = 0; k < inputs_; ++k) is_scalar |= uint32_t(nest_.stride[0][k + 1] == 0) << k;
    const int64_t row = nest_.size[0];
    int64_t step[kMaxLoopOperands] = {};  // in bytes, from row to row
    for (int k = 0; k <= inputs_ && nest_.dims > 1; ++k) {
      step[k] = operands_[k].scalar ? 0 : nest_.stride[1][k] * operands_[k].bytes;
    }
    LoopCursor cursor(nest_, begin);
    while (begin < end) {
      char* to = at(cursor, 0);
      const void* from[kMaxInputs];
      for (int k = 0; k < inputs_; ++k) from[k] = at(cursor, k + 1);
      if (const int64_t rows = cursor.whole_rows(end - begin)) {
        for (int64_t i = 0; i < rows; ++i) {
          run_(to, from, is_scalar, row);
          to += step[0];
          for (int k = 0; k < inputs_; ++k) {
            from[k] = static_cast<const char*>(from[k]) + step[k + 1];
          }
        }
        cursor.advance_rows(rows);
        begin += rows * row;
        continue;
      }
      const int64_t n = std::min(cursor.row_rest(), end - begin);
      run_(to, from, is_scalar, n);
      cursor.advance(n);
      begin += n;
    }
  }

  char* at(const LoopCursor& cursor, int k) const {
    const LoopOperand& operand = operands_[k];
    return operand.scalar ? operand.data : operand.data + cursor.offset(k) * operand.bytes;
  }

  // ---- By tiles: what is not linear is gathered into one, or scattered from one. What repeats
  // with every row is gathered once, since a tile then holds whole periods.
  void run_tiles(int64_t begin, int64_t end) const {
    alignas(64) Tile tiles[kMaxLoopOperands];
    const int64_t length = any_periodic_ ? kTile - kTile % nest_.size[0] : kTile;
    LoopCursor cursor(nest_, begin);
    for (bool first = true; begin < end; first = false) {
      const int64_t n = std::min(length, end - begin);
      const void* from[kMaxInputs];
      for (int k = 0; k < inputs_; ++k) {
        const LoopOperand& operand = operands_[k + 1];
        from[k] = operand.scalar   ? operand.data
                  : operand.linear ? operand.data + begin * bytes_
                                   : tiles[k + 1];
      }
      const LoopCursor start = cursor;
      if (first || walks_) gather(cursor, n, tiles, first);
      const LoopOperand& result = operands_[0];
      run_(result.linear ? result.data + begin * bytes_ : tiles[0], from, is_scalar_, n);
      if (!result.linear) scatter(start, n, tiles[0]);
      begin += n;
    }
  }

  void gather(LoopCursor& cursor, int64_t n, Tile* tiles, bool first) const {
    for (int64_t done = 0; done < n;) {
      const int64_t piece = std::min(cursor.row_rest(), n - done);
      for (int k = 1; k <= inputs_; ++k) {
        const LoopOperand& operand = operands_[k];
        if (operand.scalar || operand.linear || (operand.periodic && !first)) continue;
        operand.convert(tiles[k] + done * bytes_, 1, at(cursor, k), nest_.stride[0][k], piece);
      }
      cursor.advance(piece);
      done += piece;
    }
  }

  void scatter(LoopCursor cursor, int64_t n, const char* tile) const {
    for (int64_t done = 0; done < n;) {
      const int64_t piece = std::min(cursor.row_rest(), n - done);
      operands_[0].convert(at(cursor, 0), nest_.stride[0][0], tile + done * bytes_, 1, piece);
      cursor.advance(piece);
      done += piece;
    }
  }

  // ---- By blocks: where an operand is adjacent along another dimension than the result, blocks of
  // both dimensions use up the cache lines they touch on either side.
  static constexpr int64_t kBlockRows = 16;
  static constexpr int64_t kBlockColumns = kTile / kBlockRows;

  // That dimension, if rows are so long that tiles would thrash the L1 cache; else 0.
  int transposed_dim() const {
    if (nest_.size[0] < 128) return 0;
    for (int k = 1; k <= inputs_; ++k) {
      if (operands_[k].scalar || nest_.stride[0][k] <= 1) continue;
      for (int d = 1; d < nest_.dims; ++d) {
        if (nest_.stride[d][k] == 1 && nest_.size[d] >= kBlockRows / 2) return d;
      }
    }
    return 0;
  }

  void run_blocks(const LoopNest& blocks, int across, int64_t begin, int64_t end) const {
    alignas(64) Tile tiles[kMaxLoopOperands];
    const void* from[kMaxInputs];
    for (int k = 0; k < inputs_; ++k) {
      from[k] = operands_[k + 1].scalar ? operands_[k + 1].data : tiles[k + 1];
    }
    LoopCursor cursor(blocks, begin);
    for (; begin < end; ++begin) {
      const int64_t columns =
          std::min(kBlockColumns, nest_.size[0] - cursor.index(0) * kBlockColumns);
      const int64_t rows =
          std::min(kBlockRows, nest_.size[across] - cursor.index(across) * kBlockRows);
      for (int k = 1; k <= inputs_; ++k) {
        if (!operands_[k].scalar) gather_block(k, across, at(cursor, k), tiles[k], rows, columns);
      }
      run_(tiles[0], from, is_scalar_, rows * columns);
      for (int64_t i = 0; i < rows; ++i) {
        operands_[0].convert(at(cursor, 0) + i * nest_.stride[across][0] * operands_[0].bytes,
                             nest_.stride[0][0], tiles[0] + i * columns * bytes_, 1, columns);
      }
      cursor.advance(1);
    }
  }

  void gather_block(int k, int across, const char* from, char* tile, int64_t rows,
                    int64_t columns) const {
    const LoopOperand& operand = operands_[k];
    const int64_t along = nest_.stride[0][k], down = nest_.stride[across][k];
    if (down == 1 && operand.direct && transpose_ != nullptr) {
      transpose_(rows, columns, from, along, tile, columns);
    } else if (down == 1) {
      for (int64_t j = 0; j < columns; ++j) {
        operand.convert(tile + j * bytes_, columns, from + j * along * operand.bytes, 1, rows);
      }
    } else {
      for (int64_t i = 0; i < rows; ++i) {
        operand.convert(tile + i * columns * bytes_, 1, from + i * down * operand.bytes, along,
                        columns);
      }
    }
  }

  LoopNest nest_;
  int inputs_;
  DType computed_;
  int bytes_;  // of an element of that type
  PointwiseRun run_;
  TransposeRun transpose_ = nullptr;  // of elements of that type
  LoopOperand operands_[kMaxLoopOperands];
  uint32_t is_scalar_ = 0;  // a bit for each input
  bool any_periodic_ = false;
  bool walks_ = false;  // some operand has to be gathered tile by tile
};

}  // namespace

void run_pointwise(const PointwiseEntry& entry, Inputs in, const Tensor& out) {
  if (out.numel() == 0 || run_adjacent(entry, in, out)) return;
  GeneralLoop(entry, in, out).run(entry.grain);
}

namespace {

void pointwise(CpuContext& context, Inputs in, Outputs out) {
  run_pointwise(context.data<PointwiseEntry>(), in, out[0]);
}

}  // namespace

void add_pointwise(Kernels& kernels, std::span<const PointwiseEntry> entries) {
  for (const PointwiseEntry& entry : entries) {
    kernels.add_from_table<&pointwise>(entry.name, &entry);
  }
}

const PointwiseEntry& pointwise_entry(const char* op) {
  return *static_cast<const PointwiseEntry*>(find_op(op)->kernels[int(DeviceType::kCPU)].data);
}

}  // namespace entasis::cpu
