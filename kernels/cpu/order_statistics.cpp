// Medians, modes and sorted slices on the CPU: a thread takes a slice, in a copy of its own.
// Medians are found by selection (introselect), O(n); the others by a radix sort, O(n).
#include <algorithm>
#include <cstdint>
#include <iterator>
#include <type_traits>
#include <vector>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/kernels.h>
#include <entasis/kernels/cpu/internal/convert.h>
#include <entasis/kernels/cpu/internal/radix_sort.h>
#include <entasis/ops/order_statistics_internal.h>

namespace entasis::cpu {
namespace {

template <class C>
bool is_nan(C x) {
  return x != x;
}

// The elements of a slice in order, equals in the order of their places.
template <class C>
class Sorter {
 public:
  using Key = decltype(order_key(C()));
  const std::vector<Ranked<Key>>& operator()(const std::vector<C>& values) {
    items_.resize(values.size());
    for (size_t i = 0; i < values.size(); ++i) items_[i] = {order_key(values[i]), Key(i)};
    radix_sort(items_, other_);
    return items_;
  }

 private:
  std::vector<Ranked<Key>> items_, other_;
};

// Slices of n neighbours, in a type that keeps the order of the dtype.
template <class C>
class SlicesOf {
 public:
  explicit SlicesOf(const Tensor& x)
      : data_(static_cast<const char*>(x.raw())),
        size_(size_of(x.dtype())),
        n_(x.shape()[x.dim() - 1]),
        count_(n_ == 0 ? 0 : x.numel() / n_),
        convert_(find_converter(dtype_of<C>, x.dtype())) {}

  // Calls f(slice, its values, a sorter).
  template <class F>
  void each(const F& f) const {
    constexpr int64_t kGrain = 4096;
    parallel_for(count_, std::max<int64_t>(1, kGrain / std::max<int64_t>(n_, 1)),
                 [&](int64_t begin, int64_t end) {
                   std::vector<C> values(static_cast<size_t>(n_));
                   Sorter<C> sorter;
                   for (int64_t slice = begin; slice < end; ++slice) {
                     convert_(values.data(), 1, data_ + slice * n_ * size_, 1, n_);
                     f(slice, values, sorter);
                   }
                 });
  }
  int64_t n() const { return n_; }

 private:
  const char* data_;
  int64_t size_;
  int64_t n_;
  int64_t count_;
  ConvertRun convert_;
};

// A type with the order of the dtype, and with keys that can number `n` elements.
template <class F>
void with_ordered_type(DType dtype, int64_t n, const F& f) {
  if (is_floating_point(dtype)) {
    return dtype == kF64 || n > int64_t{UINT32_MAX} ? f(double{}) : f(float{});
  }
  if (dtype == kU64) return f(uint64_t{});
  f(int64_t{});
}

// Copies elements by their places, whatever they are.
class Chooser {
 public:
  Chooser(const Tensor& from, const Tensor& to)
      : from_(static_cast<const char*>(from.raw())),
        to_(static_cast<char*>(to.raw())),
        size_(static_cast<size_t>(size_of(from.dtype()))) {}
  void operator()(int64_t to, int64_t from) const {
    std::copy_n(from_ + size_t(from) * size_, size_, to_ + size_t(to) * size_);
  }

 private:
  const char* from_;
  char* to_;
  size_t size_;
};

template <class C>
int64_t median_place(std::vector<C>& values, bool ignores_nan) {
  const auto first_nan = std::find_if(values.begin(), values.end(), is_nan<C>);
  auto end = values.end();
  std::vector<C> rest;
  if (first_nan != end) {
    const int64_t place = first_nan - values.begin();
    if (!ignores_nan) return place;
    rest.reserve(values.size());
    std::copy_if(values.begin(), end, std::back_inserter(rest), [](C x) { return !is_nan(x); });
    if (rest.empty()) return place;
  } else {
    rest = values;
  }
  const auto middle = rest.begin() + (int64_t(rest.size()) - 1) / 2;
  std::nth_element(rest.begin(), middle, rest.end());
  return std::find(values.begin(), values.end(), *middle) - values.begin();
}

// The last place of the least of the values that occur most often. NaN equals nothing.
template <class C>
int64_t mode_place(const std::vector<C>& values, Sorter<C>& sorter) {
  const auto& items = sorter(values);
  size_t best = 0, longest = 0, length = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    ++length;
    if (i + 1 < items.size() && items[i].key == items[i + 1].key &&
        !is_nan(values[size_t(items[i].place)])) {
      continue;
    }
    if (length > longest) {
      longest = length;
      best = i;
    }
    length = 0;
  }
  return int64_t(items[best].place);
}

// One place a slice.
template <class Place>
void choose(Inputs in, Outputs out, const Place& place) {
  const Tensor& x = in[0].tensor();
  const Chooser copy(x, out[0]);
  int64_t* places = out[1].raw_as<int64_t>();
  with_ordered_type(x.dtype(), x.numel(), [&]<class C>(C) {
    const SlicesOf<C> slices(x);
    slices.each([&](int64_t slice, std::vector<C>& values, Sorter<C>& sorter) {
      places[slice] = place(values, sorter);
      copy(slice, slice * slices.n() + places[slice]);
    });
  });
}

}  // namespace

void median_of_slices(CpuContext&, const MedianOfSlices& op, Inputs in, Outputs out) {
  choose(in, out, [&](auto& values, auto&) { return median_place(values, op.ignores_nan); });
}
void mode_of_slices(CpuContext&, const ModeOfSlices&, Inputs in, Outputs out) {
  choose(in, out, [](auto& values, auto& sorter) { return mode_place(values, sorter); });
}

void sort_slices(CpuContext&, const SortSlices&, Inputs in, Outputs out) {
  const Tensor& x = in[0].tensor();
  const Chooser copy(x, out[0]);
  int64_t* places = out[1].raw_as<int64_t>();
  with_ordered_type(x.dtype(), x.numel(), [&]<class C>(C) {
    const SlicesOf<C> slices(x);
    slices.each([&](int64_t slice, std::vector<C>& values, Sorter<C>& sorter) {
      int64_t place = slice * slices.n();
      const int64_t first = place;
      for (const auto& item : sorter(values)) {
        places[place] = int64_t(item.place);
        copy(place++, first + int64_t(item.place));
      }
    });
  });
}

}  // namespace entasis::cpu

namespace entasis {

void register_cpu_order_statistics(Kernels& kernels) {
  kernels.add<&cpu::median_of_slices>();
  kernels.add<&cpu::mode_of_slices>();
  kernels.add<&cpu::sort_slices>();
}

}  // namespace entasis
