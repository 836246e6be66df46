// f16 and bf16 to f32 and back for adjacent elements, by vectors. The bits are those of core/half.h
// on every SIMD target, NaN included, on which the hardware's own conversions would not agree.
#pragma once

#include <cstdint>

#include <entasis/core/half.h>

namespace entasis::cpu {

void convert_adjacent(float* to, const Half* from, int64_t n);
void convert_adjacent(float* to, const BFloat16* from, int64_t n);
void convert_adjacent(Half* to, const float* from, int64_t n);
void convert_adjacent(BFloat16* to, const float* from, int64_t n);

}  // namespace entasis::cpu
