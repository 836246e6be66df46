// Philox4x32-10 (Salmon et al., SC 2011) on vectors. A 64-bit lane holds one of a block's four
// words in its lower half; the upper half may hold anything, since the widening multiplication does
// not read it. Ten rounds of two multiplications a block, nothing read from memory.
#include <entasis/kernels/cpu/internal/simd_targets.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE <entasis/kernels/cpu/internal/philox.cpp>
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

#include <entasis/kernels/cpu/internal/philox.h>

HWY_BEFORE_NAMESPACE();
namespace entasis::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D64 = hn::ScalableTag<uint64_t>;
using V64 = hn::Vec<D64>;

struct Block {
  V64 c0, c1, c2, c3;
};

// The product of the lower halves.
HWY_INLINE V64 multiply(V64 a, V64 b) {
  const hn::Repartition<uint32_t, D64> d32;
  return hn::MulEven(hn::BitCast(d32, a), hn::BitCast(d32, b));
}

HWY_INLINE Block philox(Block b, uint64_t seed) {
  const D64 d;
  uint32_t k0 = uint32_t(seed), k1 = uint32_t(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const V64 p0 = multiply(b.c0, hn::Set(d, 0xD2511F53u));
    const V64 p1 = multiply(b.c2, hn::Set(d, 0xCD9E8D57u));
    b.c0 = hn::Xor(hn::Xor(hn::ShiftRight<32>(p1), b.c1), hn::Set(d, k0));
    b.c2 = hn::Xor(hn::Xor(hn::ShiftRight<32>(p0), b.c3), hn::Set(d, k1));
    b.c1 = p1;
    b.c3 = p0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return b;
}

// The words low, high in the two halves of each lane.
HWY_INLINE V64 pair(V64 low, V64 high) {
  const D64 d;
  return hn::Or(hn::And(low, hn::Set(d, 0xffffffffu)), hn::ShiftLeft<32>(high));
}

void write_words(uint64_t seed, uint64_t first_block, int64_t groups, uint32_t* words) {
  const D64 d;
  const int64_t lanes = int64_t(hn::Lanes(d));
  static_assert(kWordGroup % (4 * HWY_MAX_BYTES / 8) == 0);
  const V64 step = hn::Set(d, uint64_t(lanes)), zero = hn::Zero(d);
  V64 counter = hn::Add(hn::Set(d, first_block), hn::Iota(d, 0));
  for (uint32_t* const end = words + groups * kWordGroup; words < end; words += 4 * lanes) {
    const Block b = philox({counter, hn::ShiftRight<32>(counter), zero, zero}, seed);
    hn::StoreInterleaved2(pair(b.c0, b.c1), pair(b.c2, b.c3), d,
                          reinterpret_cast<uint64_t*>(words));
    counter = hn::Add(counter, step);
  }
}

}  // namespace entasis::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace entasis::cpu {

HWY_EXPORT(write_words);

void philox_words(const RandomState& state, int64_t first, int64_t count, uint32_t* words) {
  HWY_DYNAMIC_DISPATCH(write_words)
  (state.seed, state.offset + uint64_t(first) / 4, (count + kWordGroup - 1) / kWordGroup, words);
}

}  // namespace entasis::cpu
#endif
