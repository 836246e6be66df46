// cat: parts that lie like the result go in one launch, others each by a strided or tiled copy.
//
// A result of [outer, total, inner] in memory order is rows of total * inner words, of which each
// part owns a range of columns. join_rows: a block takes 1024 words of one part, a thread four, a
// block apart; a word is up to 16 bytes. The blocks of a part are found in a table of up to 64
// parts, which is passed by value. Bytes moved: n elements in and out. 256 threads a block.
#include <algorithm>

#include <entasis/backends/cuda/context.h>
#include <entasis/core/kernels.h>
#include <entasis/kernels/cuda/internal/copy_elements.h>
#include <entasis/kernels/cuda/internal/divide.h>
#include <entasis/kernels/cuda/internal/grid.h>
#include <entasis/kernels/cuda/internal/index_limit.h>
#include <entasis/kernels/cuda/internal/launch.h>
#include <entasis/kernels/cuda/internal/words.h>
#include <entasis/ops/join_internal.h>

namespace entasis::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWordsPerThread = 4;
constexpr int kMaxParts = 64;
constexpr uint32_t kBlockWords = kThreads * kWordsPerThread;

struct Part {
  const void* from = nullptr;
  Divider columns;         // of a row, in words
  uint32_t words = 0;      // in all
  uint32_t end_block = 0;  // the first block that is not this part's
  int64_t column = 0;      // where it begins in the result's rows
};
struct Parts {
  Part at[kMaxParts];
  int count = 0;
};

template <class Word>
__global__ void __launch_bounds__(kThreads)
    join_rows(Word* __restrict__ to, int64_t row_words, const __grid_constant__ Parts parts) {
  int low = 0, high = parts.count - 1;  // the first part that ends behind this block
  while (low < high) {
    const int middle = (low + high) / 2;
    if (parts.at[middle].end_block > blockIdx.x) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  const Part& part = parts.at[low];
  const uint32_t begin_block = low == 0 ? 0 : parts.at[low - 1].end_block;
  const uint32_t first = (blockIdx.x - begin_block) * kBlockWords + threadIdx.x;
  const Word* const from = static_cast<const Word*>(part.from);
  Word word[kWordsPerThread];
#pragma unroll
  for (int u = 0; u < kWordsPerThread; ++u) {
    const uint32_t i = first + u * kThreads;
    if (i < part.words) word[u] = from[i];
  }
#pragma unroll
  for (int u = 0; u < kWordsPerThread; ++u) {
    uint32_t column = first + u * kThreads;
    if (column >= part.words) return;
    const uint32_t row = part.columns.divide(column);
    to[row * row_words + part.column + column] = word[u];
  }
}

// Elements in front of and behind `dim` in the memory order of a dense tensor.
struct Split2 {
  int64_t outer = 1, inner = 1;
};
Split2 split_at(const Tensor& dense, int dim) {
  Split2 split;
  for (int d = 0; d < dense.dim(); ++d) {
    if (d == dim) continue;
    (dense.strides()[d] > dense.strides()[dim] ? split.outer : split.inner) *= dense.shape()[d];
  }
  return split;
}

bool lies_like(const Tensor& part, const Tensor& result) {
  const Dims dense = dense_strides_like(part.shape(), result.strides());
  for (int d = 0; d < part.dim(); ++d) {
    if (part.shape()[d] != 1 && part.strides()[d] != dense[d]) return false;
  }
  return true;
}

// The parts that go in one launch.
class Rows {
 public:
  Rows(const Tensor& to, int dim, cudaStream_t stream)
      : to_(to), stream_(stream), split_(split_at(to, dim)), size_(size_of(to.dtype())) {
    row_ = to.shape()[dim] * split_.inner;
    word_ = widest(reinterpret_cast<uintptr_t>(to.raw()) | uintptr_t(row_ * size_));
  }

  // `column` is where the part begins in a row. False if it is too large for a 32-bit number.
  bool add(const Tensor& part, int64_t column) {
    if (part.numel() > index_limit()) return false;
    if (parts_.count == kMaxParts) flush();
    Part& p = parts_.at[parts_.count++];
    p.from = part.raw();
    columns_[parts_.count - 1] = part.numel() / split_.outer;
    p.column = column;
    word_ = std::min(
        word_, widest(reinterpret_cast<uintptr_t>(p.from) |
                      uintptr_t(columns_[parts_.count - 1] * size_) | uintptr_t(column * size_)));
    return true;
  }

  void flush() {
    if (parts_.count == 0) return;
    const int64_t each = word_ / size_;
    uint32_t blocks = 0;
    for (int i = 0; i < parts_.count; ++i) {
      Part& p = parts_.at[i];
      p.words = uint32_t(columns_[i] / each * split_.outer);
      p.columns = Divider(uint32_t(columns_[i] / each));
      p.column /= each;
      blocks += (p.words + kBlockWords - 1) / kBlockWords;
      p.end_block = blocks;
    }
    dispatch_word(word_, [&](auto tag) {
      using Word = typename decltype(tag)::type;
      launch(&join_rows<Word>, dim3(blocks), dim3(kThreads), 0, stream_, to_.raw_as<Word>(),
             row_ / each, parts_);
    });
    parts_.count = 0;
  }

 private:
  // The widest word, in bytes, that divides what the bits say.
  static int widest(uintptr_t bits) {
    int word = 16;
    while (bits % uintptr_t(word) != 0) word /= 2;
    return word;
  }

  const Tensor& to_;
  cudaStream_t stream_;
  Split2 split_;
  int64_t size_, row_;
  int word_;
  Parts parts_;
  int64_t columns_[kMaxParts] = {};  // of each part, in elements
};

}  // namespace

void cat(CudaContext& context, const Cat& op, Inputs in, Outputs out) {
  const Tensor& to = out[0];
  if (to.numel() == 0) return;
  const int dim = wrap_dim(op.dim, to.dim());
  const int64_t inner = split_at(to, dim).inner;
  Rows rows(to, dim, context.stream());
  int64_t offset = 0;
  for (const Operand& operand : in) {
    if (operand.numel() == 0) continue;
    const Tensor& part = operand.tensor();
    // The byte of a bool becomes 0 or 1, as in every copy.
    if (part.dtype() == kBool || !lies_like(part, to) || !rows.add(part, offset * inner)) {
      copy_elements(part, alias(to, {part.shape(), to.strides(), offset * to.strides()[dim]}),
                    context.stream());
    }
    offset += part.shape()[dim];
  }
  rows.flush();
}

}  // namespace entasis::cuda

namespace entasis {

void register_cuda_join(Kernels& kernels) { kernels.add<&cuda::cat>(); }

}  // namespace entasis
