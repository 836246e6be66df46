// A thread finds one place: reads k indices and writes a number. ceil(n / 256) blocks of 256
// threads.
#include <entasis/kernels/cuda/internal/locate.h>

#include <entasis/kernels/cuda/internal/grid.h>
#include <entasis/kernels/cuda/internal/launch.h>

namespace entasis::cuda {
namespace {

constexpr int kThreads = 256;

struct IndexWalks {
  Walk<1, uint64_t> at[kMaxDims];
};

template <class I>
struct LocateArgs {
  Indices indices;
  Negative negative;
  I nowhere;
  IndexCheck check;
};

// With kDense every index tensor is one run of neighbours, and `walks` is not looked at.
template <class I, bool kDense, class Walks>
__global__ void __launch_bounds__(kThreads)
    find_places(const __grid_constant__ LocateArgs<I> args, const __grid_constant__ Walks walks,
                int64_t n, I* __restrict__ places, I* __restrict__ numbers) {
  const int64_t position = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (position >= n) return;
  if (numbers != nullptr) numbers[position] = static_cast<I>(position);
  int64_t place = 0;
  for (int k = 0; k < args.indices.count; ++k) {
    const IndexedDim& d = args.indices.at[k];
    int64_t at = position;
    if constexpr (!kDense) at = walks.at[k].offset(uint64_t(position));
    const int64_t index = load_index(d, at);
    const int64_t found = check_place(args.check, position, index, args.negative, d);
    if (found < 0 || found == args.indices.skip) {
      places[position] = args.nowhere;
      return;
    }
    place += found * d.factor;
  }
  places[position] = static_cast<I>(place);
}

struct NoWalks {};

}  // namespace

Indices::Indices(Inputs tensors, int dim, const Dims& sizes, const Dims& factors, int64_t skip)
    : count(int(tensors.size())), skip(skip) {
  for (int k = 0; k < count; ++k) {
    const Operand& index = tensors[size_t(k)];
    IndexedDim& d = at[k];
    d.dim = dim + k;
    d.size = sizes[k];
    d.factor = factors[k];
    if (index.is_number()) {
      d.number = index.number().to_int();
      continue;
    }
    d.data = index.tensor().raw();
    d.wide = index.dtype() == kI64;
    dense = dense && index.tensor().is_contiguous();
  }
}

template <class I>
void locate(Inputs tensors, const Indices& indices, Negative negative, I nowhere, I* places,
            I* numbers, const IndexCheck& check, cudaStream_t stream) {
  const int64_t n = tensors[0].numel();
  if (n == 0) return;
  const LocateArgs<I> args{indices, negative, nowhere, check};
  if (indices.dense) {
    launch(&find_places<I, true, NoWalks>, blocks_for(n, kThreads), dim3(kThreads), 0, stream, args,
           NoWalks{}, n, places, numbers);
    return;
  }
  IndexWalks walks;
  for (int k = 0; k < indices.count; ++k) {
    const Operand& index = tensors[size_t(k)];
    walks.at[k] =
        Space<1>(WalkOrder::kRowMajor, index.shape(), {&index.strides()}).walk<uint64_t>();
  }
  launch(&find_places<I, false, IndexWalks>, blocks_for(n, kThreads), dim3(kThreads), 0, stream,
         args, walks, n, places, numbers);
}

template void locate<uint32_t>(Inputs, const Indices&, Negative, uint32_t, uint32_t*, uint32_t*,
                               const IndexCheck&, cudaStream_t);
template void locate<uint64_t>(Inputs, const Indices&, Negative, uint64_t, uint64_t*, uint64_t*,
                               const IndexCheck&, cudaStream_t);

Dims part_of(const Dims& dims, int begin, int end) {
  Dims part;
  for (int i = begin; i < end; ++i) part.push_back(dims[i]);
  return part;
}

}  // namespace entasis::cuda
