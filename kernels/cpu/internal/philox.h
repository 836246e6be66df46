// Words of the counter-based generator, many at a time.
#pragma once

#include <cstdint>

#include <entasis/core/generator.h>

namespace entasis::cpu {

// philox_words writes whole groups of this many words, so its room must be a multiple of it.
inline constexpr int64_t kWordGroup = 64;

// Writes the words of a draw from its word `first`, a multiple of 4, on: at least `count`.
void philox_words(const RandomState& state, int64_t first, int64_t count, uint32_t* words);

}  // namespace entasis::cpu
