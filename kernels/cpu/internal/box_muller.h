// Normal numbers from random words, many at a time.
#pragma once

#include <cstdint>

namespace entasis::cpu {

// Numbers are made in whole groups: `words` and `to` have room for a multiple of this many.
inline constexpr int64_t kNormalGroup = 32;

// Writes mean + std * z for at least `count` standard normal z. Numbers 2k and 2k + 1 are the
// radius sqrt(-2 log u) times cosine and sine of 2 pi v, with u in (0, 1] and v in [0, 1): for
// float u and v are the 32 and the 24 high bits of words 2k and 2k + 1, for double the 53 high bits
// of words 4k, 4k + 1 and of 4k + 2, 4k + 3. z is within 3e-7 (float) or 6e-16 (double) of its
// exact value, relative to the radius.
void box_muller(const uint32_t* words, int64_t count, float mean, float std, float* to);
void box_muller(const uint32_t* words, int64_t count, double mean, double std, double* to);

}  // namespace entasis::cpu
