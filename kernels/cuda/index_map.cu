// Reading and adding through index maps: a thread works out where each of its result's elements
// comes from, dimension by dimension. 256 threads a block; a thread reads four elements, a block
// apart. Bytes moved: the result once, what it names of the input once.
//
// Adding goes through the result too: a thread sums, in ascending order, what the map sends to its
// element, so nothing is added atomically.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <type_traits>

#include <entasis/backends/cuda/context.h>
#include <entasis/core/kernels.h>
#include <entasis/kernels/cuda/internal/convert.h>
#include <entasis/kernels/cuda/internal/grid.h>
#include <entasis/kernels/cuda/internal/launch.h>
#include <entasis/kernels/cuda/internal/walk.h>
#include <entasis/ops/index_map_internal.h>

namespace entasis::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kPerThread = 4;

// MappedDims for element numbers of type I; the result is dense, and its elements are numbered as
// they lie.
template <class I>
struct MapWalk {
  using Signed = std::make_signed_t<I>;
  int dims = 1;
  IndexMap map;
  DividerFor<I> size[kMaxDims];
  Signed length[kMaxDims];  // the same as numbers
  Signed other_size[kMaxDims];
  Signed before[kMaxDims];
  int64_t other_stride[kMaxDims];
  bool is_plain[kMaxDims];
  I n;

  MapWalk() = default;
  MapWalk(IndexMap map, const MappedDims& m, int64_t numel) : dims(m.dims), map(map), n(I(numel)) {
    for (int d = 0; d < dims; ++d) {
      size[d] = DividerFor<I>(I(m.size[d]));
      length[d] = Signed(m.size[d]);
      other_size[d] = Signed(m.other_size[d]);
      before[d] = Signed(m.before[d]);
      other_stride[d] = m.other_stride[d];
      is_plain[d] = m.is_plain[d];
    }
  }
};

template <class Word, class I>
__global__ void __launch_bounds__(kThreads)
    read_through(Word* to, const Word* from, Word value, const __grid_constant__ MapWalk<I> walk) {
  using Signed = std::make_signed_t<I>;
  const I first = I(blockIdx.x) * (kThreads * kPerThread) + threadIdx.x;
#pragma unroll
  for (int u = 0; u < kPerThread; ++u) {
    const I number = first + u * kThreads;
    if (number >= walk.n) return;
    I rest = number;
    int64_t offset = 0;
    bool is_empty = false;
#pragma unroll
    for (int d = 0; d < kMaxDims; ++d) {
      if (d == walk.dims) break;
      I along = rest;
      if (d + 1 < walk.dims) rest = walk.size[d].divide(along);
      const Signed source = walk.is_plain[d] ? Signed(along)
                                             : mapped_index(walk.map, Signed(along),
                                                            walk.other_size[d], walk.before[d]);
      is_empty |= source < 0;
      offset += int64_t(source) * walk.other_stride[d];
    }
    to[number] = is_empty ? value : from[offset];
  }
}

// What the map took from index `along` of dimension d.
template <class I>
__device__ __forceinline__ MappedFrom<std::make_signed_t<I>> sources_of(const MapWalk<I>& walk,
                                                                        int d, I along) {
  using Signed = std::make_signed_t<I>;
  if (walk.is_plain[d]) return {Signed(along), 1, 1};
  return mapped_from(walk.map, Signed(along), walk.length[d], walk.other_size[d], walk.before[d]);
}

// Mostly there is one term; its indices are worked out again rather than kept for all dimensions.
template <class M, class I>
__global__ void __launch_bounds__(kThreads)
    add_through(M* to, const M* from, const __grid_constant__ MapWalk<I> walk) {
  using Sum = Computed<M>;
  const I number = I(blockIdx.x) * kThreads + threadIdx.x;
  if (number >= walk.n) return;
  int64_t terms = 1;
  I rest = number;
#pragma unroll
  for (int d = 0; d < kMaxDims; ++d) {
    if (d == walk.dims) break;
    I along = rest;
    if (d + 1 < walk.dims) rest = walk.size[d].divide(along);
    terms *= sources_of(walk, d, along).count;
  }
  Sum sum = 0;
  for (int64_t term = 0; term < terms; ++term) {
    int64_t offset = 0, which = term;
    rest = number;
#pragma unroll
    for (int d = 0; d < kMaxDims; ++d) {
      if (d == walk.dims) break;
      I along = rest;
      if (d + 1 < walk.dims) rest = walk.size[d].divide(along);
      const auto sources = sources_of(walk, d, along);
      const int64_t k = sources.count == 1 ? 0 : which % sources.count;
      if (sources.count != 1) which /= sources.count;
      offset += int64_t(sources[static_cast<std::make_signed_t<I>>(k)]) * walk.other_stride[d];
    }
    sum += convert_to<Sum>(from[offset]);
  }
  to[number] = convert_to<M>(sum);
}

// Calls f(walk) with element numbers of a type that holds those of both tensors.
template <class F>
void with_walk(IndexMap map, const Dims& before, const Tensor& out, const Tensor& in, const F& f) {
  const MappedDims m(before, out, in);
  int64_t most = std::max(out.numel(), in.numel());
  for (int d = 0; d < m.dims; ++d) most = std::max(most, std::abs(m.before[d]));
  dispatch_index_type(most, [&](auto tag) {
    using I = typename decltype(tag)::type;
    f(MapWalk<I>(map, m, out.numel()));
  });
}

}  // namespace

void read_mapped(CudaContext& context, const ReadMapped& op, Inputs in, Outputs out) {
  const Tensor& to = out[0];
  if (to.numel() == 0) return;
  uint64_t bits = 0;
  dispatch_dtype(to.dtype(), [&]<class T>(TypeTag<T>) {
    const T value = op.value.to<T>();
    std::memcpy(&bits, &value, sizeof value);
  });
  with_walk(op.map, op.before, to, in[0].tensor(), [&]<class I>(const MapWalk<I>& walk) {
    dispatch_bits(to.dtype(), [&](auto tag) {
      using Word = typename decltype(tag)::type;
      launch(&read_through<Word, I>, blocks_for(to.numel(), kThreads * kPerThread), dim3(kThreads),
             0, context.stream(), to.raw_as<Word>(), in[0].data<Word>(), Word(bits), walk);
    });
  });
}

void add_mapped(CudaContext& context, const AddMapped& op, Inputs in, Outputs out) {
  const Tensor& to = out[0];
  if (to.numel() == 0) return;
  with_walk(op.map, op.before, to, in[0].tensor(), [&]<class I>(const MapWalk<I>& walk) {
    dispatch_floating_point(to.dtype(), [&](auto tag) {
      using M = typename decltype(tag)::type;
      launch(&add_through<M, I>, blocks_for(to.numel(), kThreads), dim3(kThreads), 0,
             context.stream(), to.raw_as<M>(), in[0].data<M>(), walk);
    });
  });
}

}  // namespace entasis::cuda

namespace entasis {

void register_cuda_index_map(Kernels& kernels) {
  kernels.add<&cuda::read_mapped>();
  kernels.add<&cuda::add_mapped>();
}

}  // namespace entasis
