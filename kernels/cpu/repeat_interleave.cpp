// Indices from repeats: counted first, then written in order.
#include <algorithm>

#include <entasis/core/kernels.h>
#include <entasis/ops/repeat_interleave_internal.h>

namespace entasis::cpu {

void count_repeats(CpuContext&, const RepeatIndices&, Inputs in, std::span<int64_t> counts) {
  const int64_t* repeats = in[0].data<int64_t>();
  int64_t total = 0;
  for (int64_t i = 0; i < in[0].numel(); ++i) {
    if (repeats[i] < 0) throw_negative_repeats();
    if (__builtin_add_overflow(total, repeats[i], &total)) {
      throw ShapeError("the repeats add up to more than 2^63");
    }
  }
  counts[0] = total;
}

void repeat_indices(CpuContext&, const RepeatIndices&, Inputs in, Outputs out) {
  const int64_t* repeats = in[0].data<int64_t>();
  int64_t* to = out[0].raw_as<int64_t>();
  for (int64_t i = 0; i < in[0].numel(); ++i) to = std::fill_n(to, repeats[i], i);
}

}  // namespace entasis::cpu

namespace entasis {
void register_cpu_repeat_interleave(Kernels& kernels) {
  kernels.add_two_phase<&cpu::repeat_indices, &cpu::count_repeats>();
}
}  // namespace entasis
