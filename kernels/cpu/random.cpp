// Random draws. The words of a draw are made a tile at a time, straight from their counters, and
// turned into numbers while the tile is in L1; so a number depends on its position in the output's
// memory order alone, and not on threads or tiles.
#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/kernels.h>
#include <entasis/kernels/cpu/internal/box_muller.h>
#include <entasis/kernels/cpu/internal/convert.h>
#include <entasis/kernels/cpu/internal/dispatch_floating.h>
#include <entasis/kernels/cpu/internal/philox.h>
#include <entasis/kernels/cpu/internal/strided_walk.h>
#include <entasis/ops/random_internal.h>

namespace entasis::cpu {
namespace {

constexpr int64_t kTile = 1024;  // elements; whole groups of words and of normals
constexpr int64_t kGrain = 4 * kTile;
static_assert(kTile % kWordGroup == 0 && kTile % kNormalGroup == 0);

template <class T>
constexpr int kWords = sizeof(T) == 8 ? 2 : 1;

template <class T>
using Compute = DrawnAs<T>;

// Calls make(first, count, words, to) for each tile: `words` are those of the elements from `first`
// on, in the output's memory order, and `to` takes `count` numbers.
template <class T, class Make>
void draw(const RandomState& state, const Tensor& out, Make make) {
  const StridedWalk<1> walk(WalkOrder::kMemory, out.shape(), {&out.strides()});
  const bool dense = walk.is_contiguous(0);
  const int64_t step = walk.step(0);
  T* data = out.raw_as<T>();
  parallel_for(walk.numel(), kGrain, [&](int64_t begin, int64_t end) {
    uint32_t words[kTile * kWords<T>];
    T numbers[kTile];
    for (int64_t first = begin; first < end; first += kTile) {
      const int64_t count = std::min(kTile, end - first);
      philox_words(state, first * kWords<T>, count * kWords<T>, words);
      make(first, count, words, dense ? data + first : numbers);
      if (dense) continue;
      const T* from = numbers;
      walk.runs(first, first + count, [&](const auto& offsets, int64_t length) {
        for (int64_t i = 0; i < length; ++i) data[offsets[0] + i * step] = *from++;
      });
    }
  });
}

// ---- Uniform

template <class T>
void draw_uniform(const RandomState& state, const Uniform& op, const Tensor& out) {
  using C = Compute<T>;
  const C low = C(op.low), width = C(op.high - op.low), limit = last_below<T>(op.low, op.high);
  const ConvertRun round_numbers = find_converter(dtype_of<T>, dtype_of<C>);
  draw<T>(state, out, [=](int64_t, int64_t count, const uint32_t* words, T* to) {
    auto fill = [=](C* numbers) {
      for (int64_t i = 0; i < count; ++i) {
        const C number = low + unit_uniform<T>(words + i * kWords<T>) * width;
        numbers[i] = number < limit ? number : limit;
      }
    };
    if constexpr (std::is_same_v<T, C>) {
      fill(to);
    } else {
      C numbers[kTile];
      fill(numbers);
      round_numbers(to, 1, numbers, 1, count);
    }
  });
}

// ---- Normal

template <class T>
void draw_normal(const RandomState& state, const Normal& op, const Tensor& out) {
  using C = Compute<T>;
  const C mean = C(op.mean), std = C(op.std);
  const ConvertRun round_numbers = find_converter(dtype_of<T>, dtype_of<C>);
  draw<T>(state, out, [=](int64_t, int64_t count, const uint32_t* words, T* to) {
    if constexpr (std::is_same_v<T, C>) {
      if (count == kTile) return box_muller(words, count, mean, std, to);
    }
    C numbers[kTile];
    box_muller(words, count, mean, std, numbers);
    round_numbers(to, 1, numbers, 1, count);
  });
}

// ---- Integers

// Words for another try: retry r of the element whose first word is word w of a block has this
// block of subsequence 1 + 4 r + w to itself.
std::array<uint32_t, 4> retry_words(const RandomState& state, int64_t word, uint64_t retry) {
  return philox4x32(state.seed, state.offset + uint64_t(word) / 4,
                    1 + 4 * retry + uint64_t(word) % 4);
}

// Uniform in [0, range) without bias (Lemire, "Fast random integer generation in an interval",
// 2019): the high half of bits * range; the few low halves that would make some results likelier
// are drawn again.
template <class Bits, class Wide, class Retry>
uint64_t bounded(Bits bits, Wide range, Retry retry_bits) {
  constexpr int width = int(sizeof(Bits)) * 8;
  Wide product = Wide(bits) * range;
  if (Wide(Bits(product)) < range) {
    const Wide reject = ((Wide(1) << width) - range) % range;
    for (uint64_t retry = 0; Wide(Bits(product)) < reject; ++retry) {
      product = Wide(retry_bits(retry)) * range;
    }
  }
  return uint64_t(product >> width);
}

uint64_t join(uint32_t low, uint32_t high) { return uint64_t(high) << 32 | low; }

template <class T>
void draw_integers(const RandomState& state, const RandInt& op, const Tensor& out) {
  draw<T>(state, out, [&](int64_t first, int64_t count, const uint32_t* words, T* to) {
    for (int64_t i = 0; i < count; ++i) {
      const int64_t word = (first + i) * kWords<T>;
      uint64_t drawn;
      if constexpr (kWords<T> == 2) {
        drawn = bounded<uint64_t, unsigned __int128>(
            join(words[2 * i], words[2 * i + 1]), op.range, [&](uint64_t retry) {
              const auto w = retry_words(state, word, retry);
              return join(w[0], w[1]);
            });
      } else {
        drawn = bounded<uint32_t, uint64_t>(
            words[i], op.range, [&](uint64_t retry) { return retry_words(state, word, retry)[0]; });
      }
      to[i] = convert<T>(int64_t(uint64_t(op.low) + drawn));
    }
  });
}

// ---- Permutations

struct Keyed {
  uint64_t key;
  int64_t position;
  bool operator<(const Keyed& other) const {
    return key != other.key ? key < other.key : position < other.position;
  }
};

std::vector<Keyed> draw_keys(const RandomState& state, int64_t n) {
  std::vector<Keyed> keys(static_cast<size_t>(n));
  parallel_for(n, kGrain, [&](int64_t begin, int64_t end) {
    uint32_t words[2 * kTile];
    for (int64_t first = begin; first < end; first += kTile) {
      const int64_t count = std::min(kTile, end - first);
      philox_words(state, 2 * first, 2 * count, words);
      for (int64_t i = 0; i < count; ++i) {
        keys[size_t(first + i)] = {join(words[2 * i], words[2 * i + 1]), first + i};
      }
    }
  });
  return keys;
}

// Keys are uniform, so their high bits deal them into buckets of about eight each; sorting each
// bucket then sorts all, in time that grows with n alone.
std::vector<Keyed> sort_keys(const std::vector<Keyed>& keys) {
  const size_t buckets = std::bit_ceil(keys.size() / 8 + 2);
  const int shift = 64 - std::countr_zero(buckets);
  std::vector<int64_t> ends(buckets + 1);  // then the end of the bucket before
  for (const Keyed& k : keys) ++ends[(k.key >> shift) + 1];
  for (size_t b = 0; b < buckets; ++b) ends[b + 1] += ends[b];
  std::vector<Keyed> sorted(keys.size());
  for (const Keyed& k : keys) sorted[size_t(ends[k.key >> shift]++)] = k;
  parallel_for(int64_t(buckets), 1024, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      std::sort(sorted.begin() + (b > 0 ? ends[size_t(b - 1)] : 0),
                sorted.begin() + ends[size_t(b)]);
    }
  });
  return sorted;
}

}  // namespace

void uniform(CpuContext& context, const Uniform& op, Inputs, Outputs out) {
  dispatch_floating(out[0].dtype(),
                    [&]<class T>(TypeTag<T>) { draw_uniform<T>(context.random(), op, out[0]); });
}

void normal(CpuContext& context, const Normal& op, Inputs, Outputs out) {
  dispatch_floating(out[0].dtype(),
                    [&]<class T>(TypeTag<T>) { draw_normal<T>(context.random(), op, out[0]); });
}

void randint(CpuContext& context, const RandInt& op, Inputs, Outputs out) {
  dispatch_dtype(out[0].dtype(),
                 [&]<class T>(TypeTag<T>) { draw_integers<T>(context.random(), op, out[0]); });
}

// Sorting by random keys gives every order the same chance (but for equal keys, of which there is
// one in 2^64 pairs; their order is that of their positions) and is the same on every device.
void randperm(CpuContext& context, const RandPerm&, Inputs, Outputs out) {
  const std::vector<Keyed> sorted = sort_keys(draw_keys(context.random(), out[0].numel()));
  dispatch_dtype(out[0].dtype(), [&]<class T>(TypeTag<T>) {
    T* data = out[0].raw_as<T>();
    const int64_t stride = out[0].strides()[0];
    for (size_t i = 0; i < sorted.size(); ++i) {
      data[int64_t(i) * stride] = convert<T>(sorted[i].position);
    }
  });
}

}  // namespace entasis::cpu

namespace entasis {
void register_cpu_random(Kernels& kernels) {
  kernels.add<&cpu::uniform>();
  kernels.add<&cpu::normal>();
  kernels.add<&cpu::randint>();
  kernels.add<&cpu::randperm>();
}
}  // namespace entasis
