// Dropout in one pass: words, mask and result of a tile are made while it is in L1. Bytes moved for
// f32: 4 read, 4 + 1 written an element.
#include <algorithm>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/kernels.h>
#include <entasis/kernels/cpu/internal/philox.h>
#include <entasis/kernels/cpu/internal/strided_walk.h>
#include <entasis/ops/dropout_internal.h>

namespace entasis::cpu {
namespace {

constexpr int64_t kTile = 1024;  // elements; a multiple of 4, so tiles begin at whole blocks
constexpr int64_t kGrain = 4 * kTile;

template <class T> using Compute = std::conditional_t<std::is_same_v<T, double>, double, float>;

// A dropped element is 0 even if it was infinite or NaN.
template <class T>
void scale_kept(const T* from, int64_t from_step, const bool* kept, int64_t kept_step,
                Compute<T> scale, T* to, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const auto scaled = convert<Compute<T>>(from[i * from_step]) * scale;
    to[i] = kept[i * kept_step] ? convert<T>(scaled) : T(0);
  }
}

template <class F> void dispatch_floating(DType dtype, F f) {
  switch (dtype) {
    case kF32: return f(TypeTag<float>{});
    case kF64: return f(TypeTag<double>{});
    case kF16: return f(TypeTag<Half>{});
    default: return f(TypeTag<BFloat16>{});
  }
}

}  // namespace

// Outputs are dense; the walk is in their memory order, which is the order of the words.
void native_dropout(CpuContext& context, const NativeDropout& op, Inputs in, Outputs out) {
  const uint32_t threshold = dropout_threshold(op.p);
  const StridedWalk<2> walk(WalkOrder::kMemory, in[0].shape(), {&out[0].strides(), &in[0].strides()});
  bool* mask = out[1].raw_as<bool>();
  dispatch_floating(out[0].dtype(), [&]<class T>(TypeTag<T>) {
    const T* from = in[0].data<T>();
    T* to = out[0].raw_as<T>();
    const auto scale = Compute<T>(dropout_scale(op.p));
    parallel_for(walk.numel(), kGrain, [&](int64_t begin, int64_t end) {
      uint32_t words[kTile];
      for (int64_t first = begin; first < end; first += kTile) {
        const int64_t count = std::min(kTile, end - first);
        philox_words(context.random(), first / 4, (count + 3) / 4, words);
        for (int64_t i = 0; i < count; ++i) mask[first + i] = (words[i] >> 8) >= threshold;
        walk.runs(first, first + count, [&](const auto& offsets, int64_t length) {
          scale_kept<T>(from + offsets[1], walk.step(1), mask + offsets[0], 1, scale, to + offsets[0],
                        length);
        });
      }
    });
  });
}

void dropout_backward(CpuContext&, const DropoutBackward& op, Inputs in, Outputs out) {
  const StridedWalk<3> walk(WalkOrder::kMemory, out[0].shape(),
                            {&out[0].strides(), &in[0].strides(), &in[1].strides()});
  const bool* mask = in[1].data<bool>();
  dispatch_floating(out[0].dtype(), [&]<class T>(TypeTag<T>) {
    const T* from = in[0].data<T>();
    T* to = out[0].raw_as<T>();
    const auto scale = Compute<T>(dropout_scale(op.p));
    parallel_for(walk.numel(), kGrain, [&](int64_t begin, int64_t end) {
      walk.runs(begin, end, [&](const auto& offsets, int64_t length) {
        scale_kept<T>(from + offsets[1], walk.step(1), mask + offsets[2], walk.step(2), scale,
                      to + offsets[0], length);
      });
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
