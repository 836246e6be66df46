// Barriers, shuffles, votes and reductions of device code. Each takes its place in the source as a
// hidden last argument, for the messages.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "core.h"

namespace entasis::emulation {

// What nvcc makes of a shuffled value: its overloads begin at int.
template <class T>
using Shuffled = std::conditional_t<(std::is_integral_v<T> && sizeof(T) < 4), int, T>;

// `source` may be any lane; those outside of the mask give garbage.
template <class T>
T shuffle(unsigned mask, T value, int source, Location at) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8 && sizeof(T) != 1);
  uint64_t bits = 0;
  std::memcpy(static_cast<void*>(&bits), &value, sizeof value);
  bits = warp_collective(WarpOp::kShuffle, mask, bits, source, at);
  std::memcpy(static_cast<void*>(&value), &bits, sizeof value);
  return value;
}

// The first lane of the calling lane's segment; segments of `width` lanes, a power of two, are as
// warps of their own.
inline int segment_begin(int width) { return static_cast<int>(running->lane) & ~(width - 1); }

inline unsigned vote(WarpOp op, unsigned mask, uint64_t value, Location at) {
  return static_cast<unsigned>(warp_collective(op, mask, value, 0, at));
}

}  // namespace entasis::emulation

#define ENTASIS_EMULATION_AT \
  ::entasis::emulation::Location at = ::entasis::emulation::Location::current()

// ---- Barriers.
inline void __syncthreads(ENTASIS_EMULATION_AT) { ::entasis::emulation::block_barrier(false, at); }
inline int __syncthreads_count(int predicate, ENTASIS_EMULATION_AT) {
  return static_cast<int>(::entasis::emulation::block_barrier(predicate != 0, at));
}
inline int __syncthreads_or(int predicate, ENTASIS_EMULATION_AT) {
  return ::entasis::emulation::block_barrier(predicate != 0, at) != 0;
}
inline int __syncthreads_and(int predicate, ENTASIS_EMULATION_AT) {
  return ::entasis::emulation::block_barrier(predicate == 0, at) == 0;
}
inline void __syncwarp(unsigned mask = 0xffffffffu, ENTASIS_EMULATION_AT) {
  ::entasis::emulation::vote(::entasis::emulation::WarpOp::kSync, mask, 0, at);
}
[[noreturn]] inline void __trap(ENTASIS_EMULATION_AT) {
  ::entasis::emulation::fail("__trap()", at);
}

// ---- Shuffles.
template <class T>
::entasis::emulation::Shuffled<T> __shfl_sync(unsigned mask, T value, int source, int width = 32,
                                              ENTASIS_EMULATION_AT) {
  using namespace ::entasis::emulation;
  const int from = segment_begin(width) + (source & (width - 1));
  return shuffle<Shuffled<T>>(mask, value, from, at);
}
template <class T>
::entasis::emulation::Shuffled<T> __shfl_xor_sync(unsigned mask, T value, int lane_mask,
                                                  int width = 32, ENTASIS_EMULATION_AT) {
  using namespace ::entasis::emulation;
  const int lane = static_cast<int>(running->lane), from = lane ^ lane_mask;
  return shuffle<Shuffled<T>>(mask, value, from < segment_begin(width) + width ? from : lane, at);
}
template <class T>
::entasis::emulation::Shuffled<T> __shfl_down_sync(unsigned mask, T value, unsigned delta,
                                                   int width = 32, ENTASIS_EMULATION_AT) {
  using namespace ::entasis::emulation;
  const int lane = static_cast<int>(running->lane), from = lane + static_cast<int>(delta);
  return shuffle<Shuffled<T>>(mask, value, from < segment_begin(width) + width ? from : lane, at);
}
template <class T>
::entasis::emulation::Shuffled<T> __shfl_up_sync(unsigned mask, T value, unsigned delta,
                                                 int width = 32, ENTASIS_EMULATION_AT) {
  using namespace ::entasis::emulation;
  const int lane = static_cast<int>(running->lane), from = lane - static_cast<int>(delta);
  return shuffle<Shuffled<T>>(mask, value, from >= segment_begin(width) ? from : lane, at);
}

// ---- Votes, matches and reductions.
inline unsigned __ballot_sync(unsigned mask, int predicate, ENTASIS_EMULATION_AT) {
  return ::entasis::emulation::vote(::entasis::emulation::WarpOp::kBallot, mask, predicate != 0,
                                    at);
}
inline int __any_sync(unsigned mask, int predicate, ENTASIS_EMULATION_AT) {
  return __ballot_sync(mask, predicate, at) != 0;
}
inline int __all_sync(unsigned mask, int predicate, ENTASIS_EMULATION_AT) {
  return __ballot_sync(mask, predicate, at) == mask;
}
template <class T>
unsigned __match_any_sync(unsigned mask, T value, ENTASIS_EMULATION_AT) {
  static_assert(std::is_arithmetic_v<T> && (sizeof(T) == 4 || sizeof(T) == 8));
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  return ::entasis::emulation::vote(::entasis::emulation::WarpOp::kMatchAny, mask, bits, at);
}
template <class T>
unsigned __match_all_sync(unsigned mask, T value, int* same, ENTASIS_EMULATION_AT) {
  static_assert(std::is_arithmetic_v<T> && (sizeof(T) == 4 || sizeof(T) == 8));
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  const unsigned found =
      ::entasis::emulation::vote(::entasis::emulation::WarpOp::kMatchAll, mask, bits, at);
  *same = found != 0;
  return found;
}

inline unsigned __reduce_add_sync(unsigned mask, unsigned value, ENTASIS_EMULATION_AT) {
  return ::entasis::emulation::vote(::entasis::emulation::WarpOp::kAdd, mask, value, at);
}
inline int __reduce_add_sync(unsigned mask, int value, ENTASIS_EMULATION_AT) {
  return static_cast<int>(__reduce_add_sync(mask, static_cast<unsigned>(value), at));
}
inline unsigned __reduce_min_sync(unsigned mask, unsigned value, ENTASIS_EMULATION_AT) {
  return ::entasis::emulation::vote(::entasis::emulation::WarpOp::kMin, mask, value, at);
}
inline int __reduce_min_sync(unsigned mask, int value, ENTASIS_EMULATION_AT) {
  return static_cast<int>(::entasis::emulation::vote(::entasis::emulation::WarpOp::kMinSigned, mask,
                                                     static_cast<unsigned>(value), at));
}
inline unsigned __reduce_max_sync(unsigned mask, unsigned value, ENTASIS_EMULATION_AT) {
  return ::entasis::emulation::vote(::entasis::emulation::WarpOp::kMax, mask, value, at);
}
inline int __reduce_max_sync(unsigned mask, int value, ENTASIS_EMULATION_AT) {
  return static_cast<int>(::entasis::emulation::vote(::entasis::emulation::WarpOp::kMaxSigned, mask,
                                                     static_cast<unsigned>(value), at));
}
inline unsigned __reduce_and_sync(unsigned mask, unsigned value, ENTASIS_EMULATION_AT) {
  return ::entasis::emulation::vote(::entasis::emulation::WarpOp::kAnd, mask, value, at);
}
inline unsigned __reduce_or_sync(unsigned mask, unsigned value, ENTASIS_EMULATION_AT) {
  return ::entasis::emulation::vote(::entasis::emulation::WarpOp::kOr, mask, value, at);
}
inline unsigned __reduce_xor_sync(unsigned mask, unsigned value, ENTASIS_EMULATION_AT) {
  return ::entasis::emulation::vote(::entasis::emulation::WarpOp::kXor, mask, value, at);
}

#undef ENTASIS_EMULATION_AT
