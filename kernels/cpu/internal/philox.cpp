#include <entasis/kernels/cpu/internal/philox.h>

namespace entasis::cpu {

void philox_words(const RandomState& state, int64_t first, int64_t blocks, uint32_t* words) {
  const uint64_t start = state.offset + uint64_t(first);
  for (int64_t b = 0; b < blocks; ++b) {
    for (uint32_t word : philox4x32(state.seed, start + uint64_t(b))) *words++ = word;
  }
}

}  // namespace entasis::cpu
