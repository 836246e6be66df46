// Counts of bins: parts of the input are counted into tables of their own, which are then added up.
// Bytes moved: the input once; the tables stay in cache unless there are very many bins.
#include <algorithm>
#include <type_traits>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/kernels.h>
#include <entasis/ops/histogram_internal.h>

namespace entasis::cpu {
namespace {

constexpr int64_t kGrain = 16 << 10;  // elements
constexpr int64_t kMostParts = 16;

int64_t parts_of(int64_t n, int64_t bins) {
  return std::clamp<int64_t>(n / std::max(bins, kGrain), 1, kMostParts);
}

size_t count_bins_scratch(const CountBins& op, Inputs in, Outputs) {
  return size_t(parts_of(in[0].numel(), op.bins) * op.bins) * sizeof(int64_t);
}

template <class T>
void count_part(const T* from, int64_t n, const CountBins& op, int64_t* counts) {
  using Value = std::conditional_t<std::is_integral_v<T>, T,
                                   std::conditional_t<std::is_same_v<T, double>, double, float>>;
  const auto low = static_cast<Value>(op.low), high = static_cast<Value>(op.high);
  for (int64_t i = 0; i < n; ++i) {
    const int64_t bin = bin_of(convert<Value>(from[i]), op.bins, low, high);
    if (bin >= 0) ++counts[bin];
  }
}

}  // namespace

void count_bins(CpuContext& context, const CountBins& op, Inputs in, Outputs out) {
  const int64_t n = in[0].numel(), parts = parts_of(n, op.bins);
  int64_t* const counts = context.scratch<int64_t>();
  dispatch_dtype(in[0].dtype(), [&]<class T>(TypeTag<T>) {
    const T* const from = in[0].data<T>();
    parallel_for(parts, 1, [&](int64_t begin, int64_t end) {
      for (int64_t part = begin; part < end; ++part) {
        int64_t* const own = counts + part * op.bins;
        std::fill_n(own, op.bins, 0);
        const int64_t first = n * part / parts, last = n * (part + 1) / parts;
        count_part(from + first, last - first, op, own);
      }
    });
  });
  dispatch_dtype(out[0].dtype(), [&]<class T>(TypeTag<T>) {
    T* const to = out[0].raw_as<T>();
    parallel_for(op.bins, kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t bin = begin; bin < end; ++bin) {
        int64_t sum = 0;
        for (int64_t part = 0; part < parts; ++part) sum += counts[part * op.bins + bin];
        to[bin] = convert<T>(sum);
      }
    });
  });
}

}  // namespace entasis::cpu

namespace entasis {
void register_cpu_histogram(Kernels& kernels) {
  kernels.add_with_scratch<&cpu::count_bins, &cpu::count_bins_scratch>();
}
}  // namespace entasis
