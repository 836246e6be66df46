// The median of a slice by a radix selection: a count of the leading digits of all keys tells which
// of them the element of the wanted rank has; those keys are gathered and the next digit decides
// among them, until a few are left. O(n), the elements are read twice or three times. Counts and
// the keys that are gathered do not depend on the order of threads' work, so long slices are shared
// by threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <type_traits>
#include <vector>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/kernels/cpu/internal/convert.h>
#include <entasis/kernels/cpu/internal/radix_sort.h>

namespace entasis::cpu {

// Works on one slice after the other. C keeps the order of their dtype.
template <class C>
class MedianFinder {
 public:
  explicit MedianFinder(DType dtype)
      : size_(size_of(dtype)),
        convert_(dtype == dtype_of<C> ? nullptr : find_converter(dtype_of<C>, dtype)) {}

  // The first place of the median of n elements, the lower one of two. If there is a NaN, its first
  // place; with `ignores_nan` only if there is nothing else.
  int64_t place(const char* data, int64_t n, bool ignores_nan) {
    data_ = data;
    n_ = n;
    if (n <= kTile) make_keys(first_keys_, 0, n);
    const int64_t nans = count_nan();
    if (nans == n || (nans > 0 && !ignores_nan)) return first_with(kNan);
    return first_with(key_of_rank((n - nans - 1) / 2));
  }

 private:
  using Key = decltype(order_key(C()));
  static constexpr int kKeyBits = int(8 * sizeof(Key));
  static constexpr Key kNan = ~Key{0};  // the largest key
  static constexpr int64_t kTile = 1024;
  static constexpr int64_t kGrain = 1 << 18;
  static constexpr int kDigitBits = 11, kShortDigitBits = 8;
  static constexpr int64_t kShort = 4096;  // keys that a short digit is enough for
  static constexpr size_t kFew = 64;       // keys that are left to comparisons

  void make_keys(Key* keys, int64_t at, int64_t n) const {
    alignas(64) C tile[kTile];
    const C* x = tile;
    if (convert_ == nullptr) {
      x = reinterpret_cast<const C*>(data_) + at;
    } else {
      convert_(tile, 1, data_ + at * size_, 1, n);
    }
    for (int64_t j = 0; j < n; ++j) keys[j] = order_key(x[j]);
  }
  // Calls f(keys, how many, the number of the first) for at most kTile elements at a time, until it
  // returns false.
  template <class F>
  void each_tile(int64_t begin, int64_t end, const F& f) const {
    if (n_ <= kTile) {
      f(first_keys_, n_, 0);
      return;
    }
    alignas(64) Key keys[kTile];
    for (int64_t i = begin; i < end; i += kTile) {
      const int64_t n = std::min(kTile, end - i);
      make_keys(keys, i, n);
      if (!f(keys, n, i)) return;
    }
  }

  int64_t count_nan() const {
    if constexpr (std::is_integral_v<C>) return 0;
    return parallel_reduce(
        n_, kGrain, int64_t{0},
        [&](int64_t begin, int64_t end) {
          int64_t count = 0;
          each_tile(begin, end, [&](const Key* keys, int64_t n, int64_t) {
            int32_t more = 0;
            for (int64_t i = 0; i < n; ++i) more += keys[i] == kNan;
            count += more;
            return true;
          });
          return count;
        },
        [](int64_t a, int64_t b) { return a + b; });
  }

  int64_t first_with(Key key) const {
    int64_t place = -1;
    each_tile(0, n_, [&](const Key* keys, int64_t n, int64_t at) {
      int32_t found = 0;
      for (int64_t i = 0; i < n; ++i) found += keys[i] == key;
      if (found > 0) place = at + (std::find(keys, keys + n, key) - keys);
      return found == 0;
    });
    return place;
  }

  // How often each digit occurs. Two counters take turns: one would make equal digits wait for each
  // other.
  struct DigitCounts {
    uint32_t counts[2][1 << kDigitBits];
    explicit DigitCounts(int bits) {
      for (auto& each : counts) std::fill_n(each, size_t{1} << bits, 0u);
    }
    void add(const Key* keys, int64_t n, int shift, Key mask) {
      int64_t i = 0;
      for (; i + 1 < n; i += 2) {
        ++counts[0][size_t(keys[i] >> shift & mask)];
        ++counts[1][size_t(keys[i + 1] >> shift & mask)];
      }
      if (i < n) ++counts[0][size_t(keys[i] >> shift & mask)];
    }
    int64_t operator[](size_t digit) const {
      return int64_t(counts[0][digit]) + int64_t(counts[1][digit]);
    }
  };
  static int digit_bits(int64_t keys) { return keys <= kShort ? kShortDigitBits : kDigitBits; }

  // The digit of rank k, which becomes the rank among those with that digit.
  template <class Counts>
  static Key digit_of_rank(const Counts& counts, int64_t& k) {
    Key digit = 0;
    while (k >= counts[size_t(digit)]) k -= counts[size_t(digit++)];
    return digit;
  }
  // The same of n keys, where count(begin, end, counts) counts some.
  template <class Count>
  static Key find_digit(int64_t n, int bits, int64_t& k, const Count& count) {
    if (n <= kGrain) {
      DigitCounts counts(bits);
      count(0, n, counts);
      return digit_of_rank(counts, k);
    }
    std::vector<int64_t> total(size_t{1} << bits);
    std::mutex mutex;
    parallel_for(n, kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i += kGrain) {
        DigitCounts counts(bits);
        count(i, std::min(end, i + kGrain), counts);
        const std::lock_guard lock(mutex);
        for (size_t digit = 0; digit < total.size(); ++digit) total[digit] += counts[digit];
      }
    });
    return digit_of_rank(total, k);
  }

  Key key_of_rank(int64_t k) {
    int shift = kKeyBits;
    if (n_ <= int64_t(kFew)) {
      keys_.resize(size_t(n_));
      each_tile(0, n_, [&](const Key* keys, int64_t n, int64_t) {
        std::copy_n(keys, n, keys_.begin());
        return true;
      });
    } else {
      const int bits = digit_bits(n_);
      shift -= bits;
      gather(shift, find_digit(n_, bits, k, [&](int64_t begin, int64_t end, DigitCounts& counts) {
               each_tile(begin, end, [&](const Key* keys, int64_t n, int64_t) {
                 counts.add(keys, n, shift, ~Key{0});
                 return true;
               });
             }));
    }
    while (keys_.size() > kFew && shift > 0) {
      const int64_t n = int64_t(keys_.size());
      const int bits = std::min(digit_bits(n), shift);
      const Key mask = Key((Key{1} << bits) - 1);
      shift -= bits;
      const Key digit =
          find_digit(n, bits, k, [&](int64_t begin, int64_t end, DigitCounts& counts) {
            counts.add(keys_.data() + begin, end - begin, shift, mask);
          });
      size_t left = 0;
      for (const Key key : keys_) {
        keys_[left] = key;
        left += (key >> shift & mask) == digit;
      }
      keys_.resize(left);
    }
    if (shift == 0) return keys_[0];  // all are equal
    std::nth_element(keys_.begin(), keys_.begin() + k, keys_.end());
    return keys_[size_t(k)];
  }

  // The keys with this leading digit, in any order.
  void gather(int shift, Key digit) {
    const Key least = Key(digit << shift), range = Key(Key{1} << shift);
    keys_.clear();
    std::mutex mutex;
    parallel_for(n_, kGrain, [&](int64_t begin, int64_t end) {
      Key found[kTile];
      each_tile(begin, end, [&](const Key* keys, int64_t n, int64_t) {
        size_t count = 0;
        for (int64_t i = 0; i < n; ++i) {
          found[count] = keys[i];
          count += Key(keys[i] - least) < range;
        }
        const std::lock_guard lock(mutex);
        keys_.insert(keys_.end(), found, found + count);
        return true;
      });
    });
  }

  const char* data_ = nullptr;
  int64_t n_ = 0;
  int64_t size_;
  ConvertRun convert_;
  std::vector<Key> keys_;
  alignas(64) Key first_keys_[kTile];  // those of a slice that has no more
};

}  // namespace entasis::cpu
