// Strided copies and fills.
//
// move_strided: a thread moves four words, a block apart, so that neighbours write neighbours. A
// word is an element, or up to 16 bytes of neighbours where runs and addresses of both sides allow
// that. Bytes moved: each element once in and once out. ceil(words / 1024) blocks of 256 threads.
//
// move_tiles: where the source's neighbours are not the target's, a tile of 32 x 32 elements (of up
// to two bytes 64 x 64) is read along the source's rows, turned in shared memory and written along
// the target's rows. A row of the tile is padded by 4 bytes or an element, so that its columns lie
// in different banks. The grid iterates the other dimensions. A block of 32 x 8 threads a tile, 4
// to 9 KB of shared memory.
#include <entasis/kernels/cuda/internal/copy_elements.h>

#include <cstring>

#include <entasis/kernels/cuda/internal/grid.h>
#include <entasis/kernels/cuda/internal/launch.h>
#include <entasis/kernels/cuda/internal/strided.h>
#include <entasis/kernels/cuda/internal/words.h>

namespace entasis::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWordsPerThread = 4;
constexpr int kTileRows = 8;  // threads of a block along y

// ---- What is done to a word. Offsets are in words.

template <class Word>
struct MoveBits {
  using Value = Word;
  Word* to;
  const Word* from;
  __device__ __forceinline__ Word load(int32_t at) const { return from[at]; }
  __device__ __forceinline__ void store(int32_t at, Word value) const { to[at] = value; }
  void advance(int64_t to_words, int64_t from_words) {
    to += to_words;
    from += from_words;
  }
};

// T holds every value of the source's dtype.
template <class T>
struct ConvertElements {
  using Value = T;
  char* to;
  const char* from;
  DType to_dtype, from_dtype;
  __device__ __forceinline__ T load(int32_t at) const { return load_as<T>(from, at, from_dtype); }
  __device__ __forceinline__ void store(int32_t at, T value) const {
    store_as<T>(to, at, to_dtype, value);
  }
  void advance(int64_t to_elements, int64_t from_elements) {
    to += to_elements * size_of(to_dtype);
    from += from_elements * size_of(from_dtype);
  }
};

template <class Word>
struct FillBits {
  using Value = Word;
  Word* to;
  Word value;
  __device__ __forceinline__ Word load(int32_t) const { return value; }
  __device__ __forceinline__ void store(int32_t at, Word word) const { to[at] = word; }
  void advance(int64_t to_words, int64_t) { to += to_words; }
};

// ---- Kernels

template <class Move>
__global__ void __launch_bounds__(kThreads)
    move_strided(const Move move, const __grid_constant__ Strides<2> strides, uint32_t n) {
  const uint32_t first = blockIdx.x * (kThreads * kWordsPerThread) + threadIdx.x;
  typename Move::Value value[kWordsPerThread];
  int32_t to[kWordsPerThread];
#pragma unroll
  for (int u = 0; u < kWordsPerThread; ++u) {
    const uint32_t i = first + u * kThreads;
    if (i >= n) break;
    int32_t offset[2];
    strides.offsets(i, offset);
    to[u] = offset[0];
    value[u] = move.load(offset[1]);
  }
#pragma unroll
  for (int u = 0; u < kWordsPerThread; ++u) {
    if (first + u * kThreads >= n) return;
    move.store(to[u], value[u]);
  }
}

// The plane of a tile: x along the target's neighbours, y along the source's.
struct TilePlane {
  uint32_t size_x, size_y;
  int32_t to_x, to_y, from_x, from_y;  // strides
  Divider tiles_x, tiles_y;
};

template <class Value>
inline constexpr int kTile = sizeof(Value) <= 2 ? 64 : 32;
template <class Value>
inline constexpr int kTilePad = sizeof(Value) < 4 ? 4 / int(sizeof(Value)) : 1;

template <class Move>
__global__ void __launch_bounds__(kWarpSize* kTileRows)
    move_tiles(const Move move, const TilePlane plane, const __grid_constant__ Strides<2> rest) {
  using Value = typename Move::Value;
  constexpr int kSide = kTile<Value>;
  __shared__ Value tile[kSide][kSide + kTilePad<Value>];
  uint32_t tile_x = blockIdx.x;
  uint32_t tile_y = plane.tiles_x.divide(tile_x);
  const uint32_t slice = plane.tiles_y.divide(tile_y);
  int32_t base[2];
  rest.offsets(slice, base);
  const uint32_t x0 = tile_x * kSide, y0 = tile_y * kSide;
#pragma unroll
  for (int r = 0; r < kSide; r += kTileRows) {
#pragma unroll
    for (int c = 0; c < kSide; c += int(kWarpSize)) {
      const uint32_t x = x0 + r + threadIdx.y, y = y0 + c + threadIdx.x;
      if (x < plane.size_x && y < plane.size_y) {
        tile[r + threadIdx.y][c + threadIdx.x] =
            move.load(base[1] + int32_t(x) * plane.from_x + int32_t(y) * plane.from_y);
      }
    }
  }
  __syncthreads();
#pragma unroll
  for (int r = 0; r < kSide; r += kTileRows) {
#pragma unroll
    for (int c = 0; c < kSide; c += int(kWarpSize)) {
      const uint32_t x = x0 + c + threadIdx.x, y = y0 + r + threadIdx.y;
      if (x < plane.size_x && y < plane.size_y) {
        move.store(base[0] + int32_t(x) * plane.to_x + int32_t(y) * plane.to_y,
                   tile[c + threadIdx.x][r + threadIdx.y]);
      }
    }
  }
}

// ---- Launches

template <class Move>
void launch_strided(const Move& move, const LoopNest& nest, cudaStream_t stream) {
  launch(&move_strided<Move>, blocks_for(nest.numel, kThreads * kWordsPerThread), dim3(kThreads), 0,
         stream, move, strides_of<2>(nest), uint32_t(nest.numel));
}

template <class Move>
void launch_tiles(const Move& move, const LoopNest& nest, int across, cudaStream_t stream) {
  constexpr int64_t kSide = kTile<typename Move::Value>;
  TilePlane plane;
  plane.size_x = uint32_t(nest.size[0]);
  plane.size_y = uint32_t(nest.size[across]);
  plane.to_x = int32_t(nest.stride[0][0]);
  plane.to_y = int32_t(nest.stride[across][0]);
  plane.from_x = int32_t(nest.stride[0][1]);
  plane.from_y = int32_t(nest.stride[across][1]);
  const int64_t tiles_x = (nest.size[0] + kSide - 1) / kSide;
  const int64_t tiles_y = (nest.size[across] + kSide - 1) / kSide;
  plane.tiles_x = Divider(uint32_t(tiles_x));
  plane.tiles_y = Divider(uint32_t(tiles_y));
  LoopNest rest = nest;
  rest.numel = nest.numel / (nest.size[0] * nest.size[across]);
  rest.dims = 0;
  for (int d = 1; d < nest.dims; ++d) {
    if (d == across) continue;
    rest.size[rest.dims] = nest.size[d];
    rest.stride[rest.dims][0] = nest.stride[d][0];
    rest.stride[rest.dims][1] = nest.stride[d][1];
    ++rest.dims;
  }
  launch(&move_tiles<Move>, dim3(unsigned(tiles_x * tiles_y * rest.numel)),
         dim3(kWarpSize, kTileRows), 0, stream, move, plane, strides_of<2>(rest));
}

// The dimension in which the source is adjacent, if that is not the innermost of the target; else
// 0.
int transposed_dim(const LoopNest& nest) {
  constexpr int64_t kLeast = 8;  // of a tile's side, or most of its threads would idle
  const int64_t step = nest.stride[0][1];
  if (step == 1 || step == 0 || nest.size[0] < kLeast) return 0;
  for (int d = 1; d < nest.dims; ++d) {
    if (nest.stride[d][1] == 1 && nest.size[d] >= kLeast) return d;
  }
  return 0;
}

template <class Move>
void move_all(const Move& move, const LoopNest& nest, cudaStream_t stream) {
  constexpr int64_t kStart[kMaxLoopOperands] = {};
  for_each_piece(nest, kStart, [&](const LoopNest& piece, const int64_t* offsets) {
    Move moved = move;
    moved.advance(offsets[0], offsets[1]);
    if constexpr (sizeof(typename Move::Value) <= 8) {
      if (const int across = transposed_dim(piece)) {
        return launch_tiles(moved, piece, across, stream);
      }
    }
    launch_strided(moved, piece, stream);
  });
}

// ---- Words

// The widest word, in bytes, of which both sides consist; a source of null has no say.
int widest_word(const LoopNest& nest, int element, const void* to, const void* from) {
  const int operands = from ? 2 : 1;
  auto fits = [&](int word) {
    const int64_t each = word / element;
    if (nest.size[0] % each != 0 || reinterpret_cast<uintptr_t>(to) % size_t(word) != 0 ||
        (from && reinterpret_cast<uintptr_t>(from) % size_t(word) != 0)) {
      return false;
    }
    for (int k = 0; k < operands; ++k) {
      if (each > 1 && nest.stride[0][k] != 1) return false;
      for (int d = 1; d < nest.dims; ++d) {
        if (nest.stride[d][k] % each != 0) return false;
      }
    }
    return true;
  };
  int word = 16;
  while (word > element && !fits(word)) word /= 2;
  return word;
}

void widen(LoopNest& nest, int64_t each) {
  nest.numel /= each;
  nest.size[0] /= each;
  for (int d = 1; d < nest.dims; ++d) {
    nest.stride[d][0] /= each;
    nest.stride[d][1] /= each;
  }
}

bool is_run(const LoopNest& nest, int operand) {
  return nest.dims == 1 && (nest.size[0] == 1 || nest.stride[0][operand] == 1);
}

void copy_bits(LoopNest nest, int element, void* to, const void* from, cudaStream_t stream) {
  int word = element;
  if (transposed_dim(nest) == 0) {
    word = widest_word(nest, element, to, from);
    widen(nest, word / element);
  }
  dispatch_word(word, [&](auto tag) {
    using Word = typename decltype(tag)::type;
    move_all(MoveBits<Word>{static_cast<Word*>(to), static_cast<const Word*>(from)}, nest, stream);
  });
}

void copy_converted(const LoopNest& nest, const Tensor& to, const Tensor& from,
                    cudaStream_t stream) {
  auto run = [&](auto tag) {
    using T = typename decltype(tag)::type;
    move_all(
        ConvertElements<T>{to.raw_as<char>(), from.raw_as<const char>(), to.dtype(), from.dtype()},
        nest, stream);
  };
  switch (from.dtype()) {
    case kF32:
    case kF16:
    case kBF16:
      return run(Tag<float>());
    case kF64:
      return run(Tag<double>());
    case kU64:
      return run(Tag<uint64_t>());
    default:
      return run(Tag<int64_t>());
  }
}

}  // namespace

void copy_elements(const Tensor& from, const Tensor& to, cudaStream_t stream) {
  if (to.numel() == 0) return;
  const Operand source(from);
  const LoopNest nest(to, {&source, 1});
  const bool adjacent = is_run(nest, 0) && is_run(nest, 1);
  // The byte of a bool becomes 0 or 1.
  if (to.dtype() != from.dtype() || to.dtype() == kBool) {
    if (adjacent && is_vec_aligned(to.raw()) && is_vec_aligned(from.raw())) {
      convert_adjacent(to.raw(), to.dtype(), from.raw(), from.dtype(), nest.numel, stream);
    } else {
      copy_converted(nest, to, from, stream);
    }
    return;
  }
  const int element = size_of(to.dtype());
  if (!adjacent) return copy_bits(nest, element, to.raw(), from.raw(), stream);
  if (to.raw() == from.raw()) return;
  check(cudaMemcpyAsync(to.raw(), from.raw(), size_t(nest.numel) * size_t(element),
                        cudaMemcpyDeviceToDevice, stream),
        "cudaMemcpyAsync");
}

void fill_elements(const Tensor& to, const Number& value, cudaStream_t stream) {
  if (to.numel() == 0) return;
  LoopNest nest(to, {});
  nest.operands = 2;
  for (int d = 0; d < nest.dims; ++d) nest.stride[d][1] = 0;
  const int element = size_of(to.dtype());
  alignas(16) unsigned char pattern[16];
  dispatch_dtype(to.dtype(), [&]<class T>(TypeTag<T>) {
    const T one = value.to<T>();
    for (size_t i = 0; i < sizeof pattern; i += sizeof one)
      std::memcpy(pattern + i, &one, sizeof one);
  });
  bool one_byte = true;
  for (const unsigned char byte : pattern) one_byte &= byte == pattern[0];
  if (one_byte && is_run(nest, 0)) {
    return check(
        cudaMemsetAsync(to.raw(), pattern[0], size_t(nest.numel) * size_t(element), stream),
        "cudaMemsetAsync");
  }
  auto fill = [&](const LoopNest& part, void* begin, int word) {
    dispatch_word(word, [&](auto tag) {
      using Word = typename decltype(tag)::type;
      FillBits<Word> bits{static_cast<Word*>(begin), {}};
      std::memcpy(&bits.value, pattern, sizeof(Word));
      move_all(bits, part, stream);
    });
  };
  // A long run whose length is no multiple of a vector ends in a second launch.
  const int64_t each = 16 / element, tail = nest.numel % each;
  if (is_run(nest, 0) && is_vec_aligned(to.raw()) && tail != 0 && nest.numel >= 4096) {
    LoopNest end = nest;
    end.numel = end.size[0] = tail;
    fill(end, to.raw_as<char>() + (nest.numel - tail) * element, element);
    nest.numel = nest.size[0] = nest.numel - tail;
  }
  const int word = widest_word(nest, element, to.raw(), nullptr);
  widen(nest, word / element);
  fill(nest, to.raw(), word);
}

}  // namespace entasis::cuda
