// Words of the counter-based generator, many at a time.
#pragma once

#include <cstdint>

#include <entasis/core/generator.h>

namespace entasis::cpu {

// Writes the words of `blocks` blocks of a draw, from its block `first` on: 4 * blocks words.
void philox_words(const RandomState& state, int64_t first, int64_t blocks, uint32_t* words);

}  // namespace entasis::cpu
