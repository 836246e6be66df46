#include <cstring>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/kernels/cpu/internal/strided_copy.h>
#include <entasis/kernels/cpu/internal/strided_walk.h>

namespace entasis::cpu {
namespace {

constexpr int64_t kGrainBytes = 64 << 10;

template <class Word>
void copy_run(Word* to, int64_t to_step, const Word* from, int64_t from_step, int64_t count) {
  for (int64_t i = 0; i < count; ++i) to[i * to_step] = from[i * from_step];
}

// Walks in the order of `to`, so that writes are as sequential as they can be.
template <class Word>
void copy_words(void* to, const Dims& to_strides, const void* from, const Dims& from_strides,
                const Dims& shape) {
  const StridedWalk<2> walk(WalkOrder::kMemory, shape, {&to_strides, &from_strides});
  const int64_t to_step = walk.step(0), from_step = walk.step(1);
  const bool dense_runs = to_step == 1 && from_step == 1;
  parallel_for(walk.numel(), kGrainBytes / int64_t(sizeof(Word)), [&](int64_t begin, int64_t end) {
    walk.runs(begin, end, [&](const auto& offsets, int64_t count) {
      Word* target = static_cast<Word*>(to) + offsets[0];
      const Word* source = static_cast<const Word*>(from) + offsets[1];
      if (dense_runs) {
        std::memcpy(target, source, size_t(count) * sizeof(Word));
      } else {
        copy_run(target, to_step, source, from_step, count);
      }
    });
  });
}

}  // namespace

void copy_strided(void* to, const Dims& to_strides, const void* from, const Dims& from_strides,
                  const Dims& shape, int element_size) {
  switch (element_size) {
    case 1: return copy_words<uint8_t>(to, to_strides, from, from_strides, shape);
    case 2: return copy_words<uint16_t>(to, to_strides, from, from_strides, shape);
    case 4: return copy_words<uint32_t>(to, to_strides, from, from_strides, shape);
    default: return copy_words<uint64_t>(to, to_strides, from, from_strides, shape);
  }
}

void clear_dense(const Tensor& tensor) {
  char* data = static_cast<char*>(tensor.raw());
  parallel_for(tensor.numel() * size_of(tensor.dtype()), kGrainBytes,
               [data](int64_t begin, int64_t end) {
                 std::memset(data + begin, 0, size_t(end - begin));
               });
}

}  // namespace entasis::cpu
