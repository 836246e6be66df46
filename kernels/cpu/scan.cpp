// Scans on the CPU, over the loops of scan_loops.h and product_of_others.h. A running sum waits for
// its last addition, so vectors run across slices where these lie side by side, and threads over
// slices or chunks of them.
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <entasis/core/kernels.h>
#include <entasis/kernels/cpu/internal/product_of_others.h>
#include <entasis/kernels/cpu/internal/reduce_fold.h>
#include <entasis/kernels/cpu/internal/scan_loops.h>
#include <entasis/ops/reduction_internal.h>
#include <entasis/ops/scan_internal.h>

namespace entasis::cpu {
namespace {

template <class T>
T wrapping(T a, T b, bool product) {
  if constexpr (std::is_integral_v<T>) {
    using Unsigned = std::make_unsigned_t<T>;
    return T(product ? Unsigned(a) * Unsigned(b) : Unsigned(a) + Unsigned(b));
  } else {
    return product ? a * b : a + b;
  }
}

// Floats are accumulated in double, integers wrap in 64 bits.
template <class T, bool kProduct>
struct RunningTotal {
  using C = T;
  using Acc = Wide<T>;
  static constexpr int kInputs = 1;
  static constexpr bool kHasPlaces = false;
  static Acc identity() { return kProduct ? 1 : 0; }
  static Acc join(Acc a, Acc b) { return wrapping(a, b, kProduct); }
  static Acc step(Acc acc, const C (&x)[1], int64_t) { return wrapping(acc, Acc(x[0]), kProduct); }
  static C value(Acc acc) { return C(acc); }
};
template <class C>
using RunningSum = RunningTotal<C, false>;
template <class C>
using RunningProduct = RunningTotal<C, true>;

// Of equals the last wins; a NaN wins over all numbers.
template <class T, bool kLargest>
struct RunningExtremum {
  using C = T;
  struct Acc {
    T value;
    int64_t place;
  };
  static constexpr int kInputs = 1;
  static constexpr bool kHasPlaces = true;
  static Acc identity() {
    using Limits = std::numeric_limits<T>;
    if constexpr (kLargest) {
      return {Limits::has_infinity ? -Limits::infinity() : Limits::lowest(), 0};
    } else {
      return {Limits::has_infinity ? Limits::infinity() : Limits::max(), 0};
    }
  }
  static Acc join(Acc a, Acc b) {
    const bool wins = kLargest ? b.value >= a.value : b.value <= a.value;
    return wins || b.value != b.value ? b : a;
  }
  static Acc step(Acc acc, const C (&x)[1], int64_t i) { return join(acc, Acc{x[0], i}); }
  static C value(Acc acc) { return acc.value; }
  static int64_t place(Acc acc) { return acc.place; }
};
template <class C>
using RunningMax = RunningExtremum<C, true>;
template <class C>
using RunningMin = RunningExtremum<C, false>;

// The sum of exponentials relative to the largest element, or to 0 where that is infinite.
template <class T>
struct RunningLogSumExp {
  using C = T;
  struct Acc {
    T largest;
    double sum;
  };
  static constexpr int kInputs = 1;
  static constexpr bool kHasPlaces = false;
  static T centre(T largest) { return std::isfinite(largest) ? largest : T(0); }
  static Acc identity() { return {-std::numeric_limits<T>::infinity(), 0}; }
  static double relative_to(T to, Acc a) {
    return a.sum == 0 ? 0 : a.sum * double(std::exp(centre(a.largest) - to));
  }
  static Acc join(Acc a, Acc b) {
    const T largest = b.largest > a.largest ? b.largest : a.largest, to = centre(largest);
    return {largest, relative_to(to, a) + relative_to(to, b)};
  }
  static Acc step(Acc acc, const C (&x)[1], int64_t) {
    if (x[0] > acc.largest) {
      const T to = centre(x[0]);
      return {x[0], relative_to(to, acc) + double(std::exp(x[0] - to))};
    }
    return {acc.largest, acc.sum + double(std::exp(x[0] - centre(acc.largest)))};
  }
  static C value(Acc acc) { return centre(acc.largest) + T(std::log(T(acc.sum))); }
};

// The map h -> factor h + offset of all elements so far.
template <class T>
struct Recurrence {
  using C = T;
  struct Acc {
    double factor, offset;
  };
  static constexpr int kInputs = 2;
  static constexpr bool kHasPlaces = false;
  static Acc identity() { return {1, 0}; }
  static Acc join(Acc a, Acc b) { return {a.factor * b.factor, b.factor * a.offset + b.offset}; }
  static Acc step(Acc acc, const C (&x)[2], int64_t) { return join(acc, {x[0], x[1]}); }
  static C value(Acc acc) { return C(acc.offset); }
};

template <template <class> class Scan>
void run(DType dtype, int64_t dim, bool reverse, Inputs in, Outputs out) {
  const auto as = [&]<class C>(C) { ScanLoops<Scan<C>>(in, out, dim, reverse).run(); };
  if (dtype == kF64) return as(double{});
  if (is_floating_point(dtype)) return as(float{});
  as(int64_t{});
}
template <template <class> class Scan>
void run_ordered(DType dtype, int64_t dim, Inputs in, Outputs out) {
  if (dtype == kU64) return ScanLoops<Scan<uint64_t>>(in, out, dim, false).run();
  run<Scan>(dtype, dim, false, in, out);
}
template <template <class> class Scan>
void run_floating(DType dtype, int64_t dim, bool reverse, Inputs in, Outputs out) {
  if (dtype == kF64) return ScanLoops<Scan<double>>(in, out, dim, reverse).run();
  ScanLoops<Scan<float>>(in, out, dim, reverse).run();
}

}  // namespace

void cumsum(CpuContext&, const Cumsum& op, Inputs in, Outputs out) {
  run<RunningSum>(out[0].dtype(), op.dim, op.reverse, in, out);
}
void cumprod(CpuContext&, const Cumprod& op, Inputs in, Outputs out) {
  run<RunningProduct>(out[0].dtype(), op.dim, false, in, out);
}
void cummax(CpuContext&, const Cummax& op, Inputs in, Outputs out) {
  run_ordered<RunningMax>(in[0].dtype(), op.dim, in, out);
}
void cummin(CpuContext&, const Cummin& op, Inputs in, Outputs out) {
  run_ordered<RunningMin>(in[0].dtype(), op.dim, in, out);
}
void logcumsumexp(CpuContext&, const LogCumSumExp& op, Inputs in, Outputs out) {
  run_floating<RunningLogSumExp>(in[0].dtype(), op.dim, false, in, out);
}
void linear_scan(CpuContext&, const LinearScan& op, Inputs in, Outputs out) {
  run_floating<Recurrence>(out[0].dtype(), op.dim, op.reverse, in, out);
}
void product_of_others(CpuContext&, const ProductOfOthers& op, Inputs in, Outputs out) {
  ProductsOfOthers(in[0].tensor(), out[0], op.dim).run();
}

}  // namespace entasis::cpu

namespace entasis {

void register_cpu_scan(Kernels& kernels) {
  kernels.add<&cpu::cumsum>();
  kernels.add<&cpu::cumprod>();
  kernels.add<&cpu::cummax>();
  kernels.add<&cpu::cummin>();
  kernels.add<&cpu::logcumsumexp>();
  kernels.add<&cpu::linear_scan>();
  kernels.add<&cpu::product_of_others>();
}

}  // namespace entasis
