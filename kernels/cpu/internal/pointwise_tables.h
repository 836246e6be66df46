// The tables of pointwise kernels, one a file, each of the SIMD target that Highway chooses at the
// call.
#pragma once

#include <span>

#include <entasis/kernels/cpu/internal/pointwise_loop.h>

namespace entasis::cpu {

std::span<const PointwiseEntry> activation_entries();
std::span<const PointwiseEntry> arithmetic_entries();
std::span<const PointwiseEntry> binary_entries();
std::span<const PointwiseEntry> compare_entries();
std::span<const PointwiseEntry> division_entries();
std::span<const PointwiseEntry> exponential_entries();
std::span<const PointwiseEntry> logic_entries();
std::span<const PointwiseEntry> pow_entries();
std::span<const PointwiseEntry> predicate_entries();
std::span<const PointwiseEntry> rectifier_entries();
std::span<const PointwiseEntry> rounding_entries();
std::span<const PointwiseEntry> selection_entries();
std::span<const PointwiseEntry> special_entries();
std::span<const PointwiseEntry> trigonometric_entries();

}  // namespace entasis::cpu
