#include <entasis/kernels/cpu/internal/index_slices.h>

#include <algorithm>
#include <cstring>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/kernels/cpu/internal/index_places.h>
#include <entasis/kernels/cpu/internal/strided_walk.h>
#include <entasis/kernels/cpu/internal/words.h>

namespace entasis::cpu {

namespace {

constexpr int64_t kGrain = 16 << 10;   // elements
constexpr int64_t kSerial = 64 << 10;  // that one thread copies as fast

// Copies slices whose elements have the size of Word.
template <class Word>
void copy_slices(const Tensor& input, const StridedWalk<1>& outer, const StridedWalk<1>& inner,
                 const int64_t* locations, int64_t count, const Tensor& out) {
  const Word* from = input.raw_as<const Word>();
  Word* to = out.raw_as<Word>();
  const int64_t length = inner.numel(), step = inner.step(0);
  const bool dense = inner.is_contiguous(0);
  const int64_t slices = outer.numel() * count, elements = std::max<int64_t>(1, length);
  const int64_t grain = grain_beyond(kSerial / elements, slices, kGrain / elements);
  if (length == 1 && outer.numel() == 1) {  // single elements
    from += outer.at(0)[0];
    return parallel_for(count, kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n) {
        to[n] = locations[n] == kSkipped ? Word(0) : from[locations[n]];
      }
    });
  }
  parallel_for(slices, grain, [&](int64_t begin, int64_t end) {
    int64_t o = begin / count, n = begin % count;
    const Word* base = from + outer.at(o)[0];
    for (int64_t slice = begin; slice < end; ++slice, ++n) {
      if (n == count) {
        n = 0;
        base = from + outer.at(++o)[0];
      }
      const int64_t location = locations[n];
      Word* target = to + slice * length;
      if (location == kSkipped) {
        std::memset(target, 0, size_t(length) * sizeof(Word));
        continue;
      }
      const Word* source = base + location;
      if (length == 1) {
        *target = *source;
      } else if (dense) {
        std::memcpy(target, source, size_t(length) * sizeof(Word));
      } else {
        inner.runs(0, length, [&](const auto& offsets, int64_t run) {
          for (int64_t i = 0; i < run; ++i) *target++ = source[offsets[0] + i * step];
        });
      }
    }
  });
}

}  // namespace

void read_slices(const Tensor& input, Inputs indices, int dim, Negative negative, int64_t skip,
                 int64_t* locations, const Tensor& out) {
  const int rank = input.dim(), end = dim + int(indices.size());
  locate(indices, dim, part(input.shape(), dim, end), part(input.strides(), dim, end), negative,
         skip, locations);
  if (out.numel() == 0) return;
  const Dims outer_strides = part(input.strides(), 0, dim);
  const Dims inner_strides = part(input.strides(), end, rank);
  const StridedWalk<1> outer(WalkOrder::kRowMajor, part(input.shape(), 0, dim), {&outer_strides});
  const StridedWalk<1> inner(WalkOrder::kRowMajor, part(input.shape(), end, rank),
                             {&inner_strides});
  const int64_t count = indices[0].numel();
  dispatch_word(input.dtype(), [&]<class Word>(TypeTag<Word>) {
    copy_slices<Word>(input, outer, inner, locations, count, out);
  });
}

size_t read_slices_scratch(Inputs indices) { return size_t(indices[0].numel()) * sizeof(int64_t); }

}  // namespace entasis::cpu
