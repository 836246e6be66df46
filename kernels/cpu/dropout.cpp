// Dropout in one pass: words, mask and result of a tile are made while it is in L1. Bytes moved for
// f32: 4 read, 4 + 1 written an element.
#include <algorithm>
#include <bit>
#include <type_traits>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/kernels.h>
#include <entasis/kernels/cpu/internal/convert.h>
#include <entasis/kernels/cpu/internal/dispatch_floating.h>
#include <entasis/kernels/cpu/internal/philox.h>
#include <entasis/kernels/cpu/internal/strided_walk.h>
#include <entasis/ops/dropout_internal.h>

namespace entasis::cpu {
namespace {

constexpr int64_t kTile = 1024;  // elements; whole groups of words
constexpr int64_t kGrain = 4 * kTile;

template <class T>
using Compute = std::conditional_t<std::is_same_v<T, double>, double, float>;

// A dropped element is 0 even if it was infinite or NaN: the mask takes away its bits. Anything but
// dense elements of the compute type goes through a tile.
template <class T>
class Scaler {
 public:
  explicit Scaler(double p) : scale_(C(dropout_scale(p))) {}

  // At most kTile elements. `to` and `kept` are dense.
  void operator()(const T* from, int64_t from_step, const bool* kept, T* to, int64_t count) const {
    if constexpr (std::is_same_v<T, C>) {
      if (from_step == 1) return scale(from, kept, to, count);
    }
    C tile[kTile];
    load_(tile, 1, from, from_step, count);
    scale(tile, kept, tile, count);
    store_(to, 1, tile, 1, count);
  }

 private:
  using C = Compute<T>;
  void scale(const C* from, const bool* kept, C* to, int64_t count) const {
    using Bits = std::conditional_t<sizeof(C) == 8, uint64_t, uint32_t>;
    const uint8_t* kept_bytes = reinterpret_cast<const uint8_t*>(kept);
    for (int64_t i = 0; i < count; ++i) {
      const Bits mask = Bits(0) - Bits(kept_bytes[i]);
      to[i] = std::bit_cast<C>(std::bit_cast<Bits>(from[i] * scale_) & mask);
    }
  }

  C scale_;
  ConvertRun load_ = find_converter(dtype_of<C>, dtype_of<T>);
  ConvertRun store_ = find_converter(dtype_of<T>, dtype_of<C>);
};

}  // namespace

// Outputs are dense; the walk is in their memory order, which is the order of the words.
void native_dropout(CpuContext& context, const NativeDropout& op, Inputs in, Outputs out) {
  const uint32_t threshold = dropout_threshold(op.p);
  const StridedWalk<2> walk(WalkOrder::kMemory, in[0].shape(),
                            {&out[0].strides(), &in[0].strides()});
  bool* mask = out[1].raw_as<bool>();
  dispatch_floating(out[0].dtype(), [&]<class T>(TypeTag<T>) {
    const T* from = in[0].data<T>();
    T* to = out[0].raw_as<T>();
    const Scaler<T> scale(op.p);
    parallel_for(walk.numel(), kGrain, [&](int64_t begin, int64_t end) {
      uint32_t words[kTile];
      for (int64_t first = begin; first < end; first += kTile) {
        const int64_t count = std::min(kTile, end - first);
        philox_words(context.random(), first, count, words);
        for (int64_t i = 0; i < count; ++i) mask[first + i] = (words[i] >> 8) >= threshold;
        walk.runs(first, first + count, [&](const auto& offsets, int64_t length) {
          scale(from + offsets[1], walk.step(1), mask + offsets[0], to + offsets[0], length);
        });
      }
    });
  });
}

// The output is dense, too, and the mask nearly always lies like it; where it does not, it is read
// through a tile.
void dropout_backward(CpuContext&, const DropoutBackward& op, Inputs in, Outputs out) {
  const StridedWalk<3> walk(WalkOrder::kMemory, out[0].shape(),
                            {&out[0].strides(), &in[0].strides(), &in[1].strides()});
  const bool* mask = in[1].data<bool>();
  dispatch_floating(out[0].dtype(), [&]<class T>(TypeTag<T>) {
    const T* from = in[0].data<T>();
    T* to = out[0].raw_as<T>();
    const Scaler<T> scale(op.p);
    parallel_for(walk.numel(), kGrain, [&](int64_t begin, int64_t end) {
      bool tile[kTile];
      for (int64_t first = begin; first < end; first += kTile) {
        walk.runs(first, std::min(end, first + kTile), [&](const auto& offsets, int64_t length) {
          const bool* kept = mask + offsets[2];
          if (walk.step(2) != 1) {
            for (int64_t i = 0; i < length; ++i) tile[i] = kept[i * walk.step(2)];
            kept = tile;
          }
          scale(from + offsets[1], walk.step(1), kept, to + offsets[0], length);
        });
      }
    });
  });
}

}  // namespace entasis::cpu

namespace entasis {
void register_cpu_dropout(Kernels& kernels) {
  kernels.add<&cpu::native_dropout>();
  kernels.add<&cpu::dropout_backward>();
}
}  // namespace entasis
