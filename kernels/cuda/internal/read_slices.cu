// Copies slices that indices name.
//
// copy_slices: a thread moves four words, a block apart, a word being an element or up to 16 bytes
// of neighbours of a slice; a single one where the offsets take more than a division each. A single
// dense index tensor is read where it is needed; of several, or strided ones, the places are found
// beforehand (locate.cu). Bytes moved: the result once in and once out, and the indices. ceil(words
// / 1024) blocks of 256 threads, or ceil(words / 256).
#include <entasis/kernels/cuda/internal/grid.h>
#include <entasis/kernels/cuda/internal/index_slices.h>
#include <entasis/kernels/cuda/internal/launch.h>
#include <entasis/kernels/cuda/internal/words.h>

namespace entasis::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kMostWords = 4;  // of a thread

// The places, as locate() wrote them, in words; wrong ones are reported.
struct GivenPlaces {
  const uint64_t* places;
  __device__ __forceinline__ int64_t operator()(int64_t n, bool&) const {
    return static_cast<int64_t>(places[n]);
  }
  __device__ __forceinline__ void report(int64_t) const {}
};
// One dense index tensor. The factor is in words.
struct ReadPlaces {
  IndexedDim index;
  Negative negative;
  int64_t skip;
  IndexCheck check;
  __device__ __forceinline__ int64_t operator()(int64_t n, bool& found) const {
    const int64_t place = place_of(load_index(index, n), negative, index);
    found = place != skip;
    return place < 0 ? -1 : place * index.factor;
  }
  __device__ __forceinline__ void report(int64_t n) const {
    report_index(check, n, load_index(index, n), index.size, index.dim);
  }
};

// The outer dimensions, and those of a slice, where each are as one.
struct Flat {
  int64_t outer_stride, inner_stride;
  template <class I>
  __device__ __forceinline__ int64_t offset(I outer, I column) const {
    return int64_t(outer) * outer_stride + int64_t(column) * inner_stride;
  }
};
template <class I>
struct Nested {
  Walk<1, I> outer_walk, inner_walk;
  __device__ __forceinline__ int64_t offset(I outer, I column) const {
    return outer_walk.offset(outer) + inner_walk.offset(column);
  }
};

template <class I>
struct SliceSizes {
  DividerFor<I> inner;      // words of a slice
  DividerFor<I> positions;  // slices of an outer index
};

template <class Word, class I, class Offsets, class Places, int kWords>
__global__ void __launch_bounds__(kThreads)
    copy_slices(const Word* __restrict__ from, Word* __restrict__ to, const SliceSizes<I> sizes,
                const __grid_constant__ Offsets offsets, const Places places, I n) {
  const I first = I(blockIdx.x) * (kThreads * kWords) + threadIdx.x;
  Word word[kWords];
  int64_t wrong = -1;  // the first position with a wrong index; the lowest of all is some thread's
#pragma unroll
  for (int u = 0; u < kWords; ++u) {
    I column = first + u * kThreads;
    if (column >= n) break;
    I position = sizes.inner.divide(column);
    const I outer = sizes.positions.divide(position);
    bool found = true;
    const int64_t place = places(int64_t(position), found);
    word[u] = Word{};
    if (place < 0 && wrong < 0) wrong = int64_t(position);
    if (found && place >= 0) word[u] = from[place + offsets.offset(outer, column)];
  }
  if (wrong >= 0) places.report(wrong);
#pragma unroll
  for (int u = 0; u < kWords; ++u) {
    const I i = first + u * kThreads;
    if (i >= n) return;
    to[i] = word[u];
  }
}

// The widest word, in bytes, of which slices and their places consist.
int widest_word(const Space<1>& inner, const Dims& other_strides, int element, const void* from,
                const void* to) {
  int word = 16;
  for (; word > element; word /= 2) {
    const int64_t each = word / element;
    bool fits = inner.can_widen(each) && reinterpret_cast<uintptr_t>(from) % size_t(word) == 0 &&
                reinterpret_cast<uintptr_t>(to) % size_t(word) == 0;
    for (int64_t stride : other_strides) fits = fits && stride % each == 0;
    if (fits) break;
  }
  return word;
}

// Where nothing is read, wrong indices are still to be found.
bool reads_directly(Inputs indices, const Tensor& out) {
  return indices.size() == 1 && out.numel() > 0 &&
         (indices[0].is_number() || indices[0].tensor().is_contiguous());
}

}  // namespace

void read_slices(const CudaContext& context, const Tensor& input, Inputs indices, int dim,
                 Negative negative, int64_t skip, const Tensor& out) {
  const int rank = input.dim(), end = dim + int(indices.size());
  const int64_t positions = indices[0].numel();
  if (positions == 0) return;
  const IndexCheck check = context.index_check();
  const Dims sizes = part_of(input.shape(), dim, end);
  const Dims inner_strides = part_of(input.strides(), end, rank);
  Space<1> inner(WalkOrder::kRowMajor, part_of(input.shape(), end, rank), {&inner_strides});
  Dims strides = part_of(input.strides(), 0, end);
  for (int d = 0; d < end; ++d) {
    if (input.shape()[d] == 1) strides[d] = 0;  // may be odd, but is never gone along
  }
  const int element = size_of(input.dtype());
  const int word =
      out.numel() == 0 ? element : widest_word(inner, strides, element, input.raw(), out.raw());
  const int64_t each = word / element;
  inner.widen(each);
  for (int d = 0; d < end; ++d) strides[d] /= each;
  const Dims outer_strides = part_of(strides, 0, dim);
  const Space<1> outer(WalkOrder::kRowMajor, part_of(input.shape(), 0, dim), {&outer_strides});
  const Indices located(indices, dim, sizes, part_of(strides, dim, end), skip);

  const bool direct = reads_directly(indices, out);
  uint64_t* const places = context.scratch<uint64_t>();
  if (!direct) {
    locate<uint64_t>(indices, located, negative, kNowhere, places, nullptr, check,
                     context.stream());
  }
  if (out.numel() == 0) return;
  const int64_t words = out.numel() / each;
  const bool is_flat = inner.dims() == 1 && outer.dims() == 1;
  dispatch_word(word, [&](auto word_tag) {
    dispatch_index_type(words, [&](auto index_tag) {
      using Word = typename decltype(word_tag)::type;
      using I = typename decltype(index_tag)::type;
      const SliceSizes<I> slices{DividerFor<I>(I(inner.numel())), DividerFor<I>(I(positions))};
      auto run = [&](const auto& offsets, const auto& source, auto words_each) {
        constexpr int kWords = decltype(words_each)::value;
        using Offsets = std::remove_cvref_t<decltype(offsets)>;
        using Places = std::remove_cvref_t<decltype(source)>;
        launch(&copy_slices<Word, I, Offsets, Places, kWords>, blocks_for(words, kThreads * kWords),
               dim3(kThreads), 0, context.stream(), input.raw_as<const Word>(), out.raw_as<Word>(),
               slices, offsets, source, I(words));
      };
      auto run_with = [&](const auto& source) {
        if constexpr (sizeof(I) == 4) {
          if (is_flat) {
            return run(Flat{outer.stride(0, 0), inner.stride(0, 0)}, source,
                       std::integral_constant<int, kMostWords>());
          }
        }
        run(Nested<I>{outer.template walk<I>(), inner.template walk<I>()}, source,
            std::integral_constant<int, 1>());
      };
      if (direct) {
        run_with(ReadPlaces{located.at[0], negative, skip, check});
      } else {
        run_with(GivenPlaces{places});
      }
    });
  });
}

size_t read_slices_scratch(Inputs indices, const Tensor& out) {
  return reads_directly(indices, out) ? 0 : size_t(indices[0].numel()) * sizeof(uint64_t);
}

}  // namespace entasis::cuda
