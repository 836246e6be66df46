// A stable sort of (key, place) pairs, least significant digit first, 8 or 11 bits at a time: O(n),
// in three or four passes for 32-bit keys, less those in which all keys agree. Short slices are
// sorted by comparing.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

namespace entasis::cpu {

template <class Key>
struct Ranked {
  Key key;
  Key place;  // Key can number the elements
};

// Unsigned numbers in the order of their values: floats by their bits, zeros of both signs alike,
// all NaN alike and last.
template <std::floating_point C>
auto order_key(C x) {
  using Key = std::conditional_t<sizeof(C) == 4, uint32_t, uint64_t>;
  using Signed = std::make_signed_t<Key>;
  constexpr int kSignBit = 8 * sizeof(C) - 1;
  constexpr Key kSign = Key{1} << kSignBit;
  constexpr auto kInfinity = std::bit_cast<Signed>(std::numeric_limits<C>::infinity());
  // Of integers, so that loops become vectors. -0 + 0 is 0.
  const Key bits = std::bit_cast<Key>(x + C(0));
  const Key key = bits ^ (Key(Signed(bits) >> kSignBit) | kSign);
  return Signed(bits & ~kSign) > kInfinity ? ~Key{0} : key;
}
inline uint64_t order_key(int64_t x) { return uint64_t(x) ^ (uint64_t{1} << 63); }
inline uint64_t order_key(uint64_t x) { return x; }

template <int kBits, class Key>
void sort_by_digits(std::vector<Ranked<Key>>& items, std::vector<Ranked<Key>>& other) {
  constexpr int kPasses = (int(8 * sizeof(Key)) + kBits - 1) / kBits;
  constexpr Key kMask = (Key{1} << kBits) - 1;
  std::vector<std::array<Key, size_t(kMask) + 1>> counts(kPasses);  // zeros
  for (const Ranked<Key>& item : items) {
    for (int pass = 0; pass < kPasses; ++pass) {
      ++counts[size_t(pass)][item.key >> (pass * kBits) & kMask];
    }
  }
  other.resize(items.size());
  for (int pass = 0; pass < kPasses; ++pass) {
    auto& starts = counts[size_t(pass)];
    const int shift = pass * kBits;
    if (starts[items[0].key >> shift & kMask] == items.size()) continue;
    Key total = 0;
    for (Key& start : starts) total += std::exchange(start, total);
    for (const Ranked<Key>& item : items) other[starts[item.key >> shift & kMask]++] = item;
    items.swap(other);
  }
}

// Sorts `items`, using `other` for as many.
template <class Key>
void radix_sort(std::vector<Ranked<Key>>& items, std::vector<Ranked<Key>>& other) {
  if (items.size() < 128) {
    std::sort(items.begin(), items.end(), [](const Ranked<Key>& a, const Ranked<Key>& b) {
      return a.key != b.key ? a.key < b.key : a.place < b.place;
    });
  } else if (items.size() < 2048) {  // where the counts of long digits would outweigh them
    sort_by_digits<8>(items, other);
  } else {
    sort_by_digits<11>(items, other);
  }
}

}  // namespace entasis::cpu
