// Random numbers by counter: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as
// 1, 2, 3", SC 2011). A generator is a seed and an offset; element i of a draw is word i % 4 of the
// block offset + i / 4 (64-bit types take two words), i being its position in the output's memory
// order. So every device gives the same integers and uniforms, whatever its threads do.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include <entasis/core/device.h>
#include <entasis/core/export.h>

namespace entasis {

// Four 32-bit words of block `counter` of stream `subsequence` under key `seed`.
constexpr std::array<uint32_t, 4> philox4x32(uint64_t seed, uint64_t counter,
                                             uint64_t subsequence = 0) {
  uint32_t c0 = uint32_t(counter), c1 = uint32_t(counter >> 32);
  uint32_t c2 = uint32_t(subsequence), c3 = uint32_t(subsequence >> 32);
  uint32_t k0 = uint32_t(seed), k1 = uint32_t(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t(c0) * 0xD2511F53u, p1 = uint64_t(c2) * 0xCD9E8D57u;
    const uint32_t n0 = uint32_t(p1 >> 32) ^ c1 ^ k0, n2 = uint32_t(p0 >> 32) ^ c3 ^ k1;
    c1 = uint32_t(p1);
    c3 = uint32_t(p0);
    c0 = n0;
    c2 = n2;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return {c0, c1, c2, c3};
}

// 24 high bits as a float in [0, 1), and 53 bits of two words as a double in [0, 1).
constexpr float uniform_float(uint32_t word) { return float(word >> 8) * 0x1p-24f; }
constexpr double uniform_double(uint32_t low, uint32_t high) {
  return double((uint64_t(high) << 32 | low) >> 11) * 0x1p-53;
}

// What a kernel draws from: by value, or on a device that replays captured work, by pointer.
struct RandomState {
  uint64_t seed = 0;
  uint64_t offset = 0;  // in blocks of four words
  // When set, {seed, offset} in device memory: its seed counts, its offset is added to this one.
  const uint64_t* device_state = nullptr;
};

class ENTASIS_API Generator {
 public:
  struct State {
    uint64_t seed;
    uint64_t offset;
    bool operator==(const State&) const = default;
  };

  explicit Generator(uint64_t seed) : seed_(seed) {}
  Generator(const Generator& other) : Generator(other.seed_) { offset_ = other.offset_.load(); }
  Generator& operator=(const Generator&) = delete;

  // Takes `blocks` blocks for one draw; safe from several threads (each gets its own blocks).
  RandomState reserve(uint64_t blocks) {
    return {seed_, offset_.fetch_add(blocks, std::memory_order_relaxed)};
  }
  uint64_t seed() const { return seed_; }
  void manual_seed(uint64_t seed);  // also sets the offset to 0
  State state() const { return {seed_, offset_.load(std::memory_order_relaxed)}; }
  void set_state(State state);
  // An independent generator: its seed is a Philox word pair of this seed and `stream`, so the same
  // (seed, stream) gives the same numbers wherever it is split off.
  Generator split(uint64_t stream) const;

 private:
  uint64_t seed_;
  std::atomic<uint64_t> offset_{0};
};

// The generator that draws on `device` use in this thread: the innermost GeneratorGuard's, or the
// device's default one (seed 0 at start: runs repeat unless a seed is asked for).
ENTASIS_API Generator& current_generator(Device device = {});
ENTASIS_API Generator& default_generator(Device device = {});
// Seeds the default generators of all devices.
ENTASIS_API void manual_seed(uint64_t seed);

// Makes draws of this thread come from `generator` while it lives.
class ENTASIS_API GeneratorGuard {
 public:
  explicit GeneratorGuard(Generator& generator);
  ~GeneratorGuard();
  GeneratorGuard(const GeneratorGuard&) = delete;
  GeneratorGuard& operator=(const GeneratorGuard&) = delete;

 private:
  Generator* previous_;
};

}  // namespace entasis
