// Medians, modes and sorted slices on the CPU: a thread takes a slice, in a copy of its own.
// Medians are found by a radix selection, which shares a long slice among threads; the others by a
// radix sort. Both are O(n).
#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <vector>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/kernels.h>
#include <entasis/kernels/cpu/internal/convert.h>
#include <entasis/kernels/cpu/internal/radix_sort.h>
#include <entasis/kernels/cpu/internal/select.h>
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

  // Shares slices among threads; make() gives each a function of a slice's number and its data.
  template <class Make>
  void share(const Make& make) const {
    constexpr int64_t kGrain = 4096;
    parallel_for(count_, std::max<int64_t>(1, kGrain / std::max<int64_t>(n_, 1)),
                 [&](int64_t begin, int64_t end) {
                   auto work = make();
                   for (int64_t slice = begin; slice < end; ++slice) {
                     work(slice, data_ + slice * n_ * size_);
                   }
                 });
  }
  // Calls f(slice, its values, a sorter).
  template <class F>
  void each(const F& f) const {
    share([&] {
      return [&, values = std::vector<C>(static_cast<size_t>(n_)), sorter = Sorter<C>()](
                 int64_t slice, const char* data) mutable {
        convert_(values.data(), 1, data, 1, n_);
        f(slice, values, sorter);
      };
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

// Calls f(slices, places, copy) with the slices of in[0] as their type of comparison, the places to
// write and what copies a chosen element to out[0].
template <class F>
void with_slices(Inputs in, Outputs out, F f) {
  const Tensor& x = in[0].tensor();
  const Chooser copy(x, out[0]);
  with_ordered_type(x.dtype(), x.numel(),
                    [&]<class C>(C) { f(SlicesOf<C>(x), out[1].raw_as<int64_t>(), copy); });
}

}  // namespace

void median_of_slices(CpuContext&, const MedianOfSlices& op, Inputs in, Outputs out) {
  with_slices(in, out,
              [&]<class C>(const SlicesOf<C>& slices, int64_t* places, const Chooser& copy) {
                slices.share([&] {
                  return [&, finder = MedianFinder<C>(in[0].dtype())](int64_t slice,
                                                                      const char* data) mutable {
                    places[slice] = finder.place(data, slices.n(), op.ignores_nan);
                    copy(slice, slice * slices.n() + places[slice]);
                  };
                });
              });
}

void mode_of_slices(CpuContext&, const ModeOfSlices&, Inputs in, Outputs out) {
  with_slices(in, out,
              [&]<class C>(const SlicesOf<C>& slices, int64_t* places, const Chooser& copy) {
                slices.each([&](int64_t slice, std::vector<C>& values, Sorter<C>& sorter) {
                  places[slice] = mode_place(values, sorter);
                  copy(slice, slice * slices.n() + places[slice]);
                });
              });
}

void sort_slices(CpuContext&, const SortSlices&, Inputs in, Outputs out) {
  with_slices(in, out,
              [&]<class C>(const SlicesOf<C>& slices, int64_t* places, const Chooser& copy) {
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
