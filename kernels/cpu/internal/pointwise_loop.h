// The loop around every pointwise formula. What a formula brings is a table entry: for each of the
// five C++ types that formulas are compiled for, a function over runs of adjacent elements. The
// loop brings the rest: strides and broadcasting, the other dtypes, mixed dtypes, threads.
//
// Method: a contiguous call of one dtype goes straight to the function. Otherwise the iteration
// space is cut into rows; where operands are of another dtype or not adjacent, they pass through
// tiles of 512 elements that stay in the L1 cache (converted on the way in and out). Every vector
// of elements is computed by the same code, tails too, so a value depends on neither its place nor
// the threads.
#pragma once

#include <cstdint>
#include <span>
#include <type_traits>

#include <entasis/core/kernels.h>
#include <entasis/core/op.h>
#include <entasis/ops/pointwise_internal.h>

namespace entasis::cpu {

// The types that formulas are compiled for (rule 11). f16 and bf16 are computed as f32; i8 and i16
// as i32; u16, u32 and u64 as i64; bool as u8.
enum class Lanes : uint8_t { kF32, kF64, kI32, kI64, kU8 };
inline constexpr int kLaneTypes = 5;
inline constexpr int kMaxPointwiseInputs = 4;

// Computes n elements. Operand k is `in[k][0]` for every element if bit k of `scalars` is set.
using PointwiseRun = void (*)(void* out, const void* const* in, uint32_t scalars, int64_t n);

struct PointwiseEntry {
  const char* name;  // of the op
  PointwiseTraits traits;
  int64_t grain;                 // elements that one thread computes at least
  PointwiseRun run[kLaneTypes];  // null where the op has no such type
};

// Registers a kernel for the op of each entry; the entries live as long as the program.
void add_pointwise(Kernels& kernels, std::span<const PointwiseEntry> entries);

// The entry of a pointwise op, for kernels that take its step themselves.
const PointwiseEntry& pointwise_entry(const char* op);

// What such a kernel does, for kernels that choose the entry themselves.
void run_pointwise(const PointwiseEntry& entry, Inputs in, const Tensor& out);

}  // namespace entasis::cpu
