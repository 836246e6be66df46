// Ops that write a pattern into a new tensor. They are bound by the writes; the values are computed
// in i64 or f64 and rounded once, so every device gives the same.
#include <cmath>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/kernels.h>
#include <entasis/ops/factory_internal.h>

namespace entasis::cpu {
namespace {

constexpr int64_t kGrain = 16 << 10;

// Writes value(i) to element i of a 1-d target.
template <class Value>
void fill_sequence(const Tensor& target, Value value) {
  dispatch_dtype(target.dtype(), [&]<class T>(TypeTag<T>) {
    T* data = target.raw_as<T>();
    const int64_t stride = target.strides()[0];
    parallel_for(target.numel(), kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) data[i * stride] = convert<T>(value(i));
    });
  });
}

}  // namespace

void arange(CpuContext&, const Arange& op, Inputs, Outputs out) {
  if (op.start.is_floating()) {
    const double start = op.start.to_double(), step = op.step.to_double();
    fill_sequence(out[0], [=](int64_t i) { return start + double(i) * step; });
  } else {
    // Unsigned, since i * step alone may exceed 63 bits where the sum does not.
    const uint64_t start = uint64_t(op.start.to_int()), step = uint64_t(op.step.to_int());
    fill_sequence(out[0], [=](int64_t i) { return int64_t(start + uint64_t(i) * step); });
  }
}

namespace {

// Evenly spaced numbers, counted from the nearer end, so that both ends are exact and the sequence
// is symmetric.
struct Between {
  double start, end, step = 0;
  int64_t last;
  Between(double start, double end, int64_t count) : start(start), end(end), last(count - 1) {
    if (last <= 0) return;
    const double distance = end - start;
    step = std::isfinite(distance) ? distance / double(last)
                                   : end / double(last) - start / double(last);
  }
  double operator()(int64_t i) const {
    return i <= last / 2 ? start + double(i) * step : end - double(last - i) * step;
  }
};

}  // namespace

void linspace(CpuContext&, const Linspace& op, Inputs, Outputs out) {
  fill_sequence(out[0], Between(op.start, op.end, out[0].numel()));
}

void logspace(CpuContext&, const Logspace& op, Inputs, Outputs out) {
  const Between exponents(op.start, op.end, out[0].numel());
  fill_sequence(out[0], [&](int64_t i) { return std::pow(op.base, exponents(i)); });
}

void eye(CpuContext&, const Eye&, Inputs, Outputs out) {
  const Dims& shape = out[0].shape();
  const Dims& strides = out[0].strides();
  dispatch_dtype(out[0].dtype(), [&]<class T>(TypeTag<T>) {
    T* data = out[0].raw_as<T>();
    parallel_for(shape[0], 64, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        for (int64_t j = 0; j < shape[1]; ++j) {
          data[i * strides[0] + j * strides[1]] = convert<T>(int(i == j));
        }
      }
    });
  });
}

}  // namespace entasis::cpu

namespace entasis {
void register_cpu_factory(Kernels& kernels) {
  kernels.add<&cpu::arange>();
  kernels.add<&cpu::linspace>();
  kernels.add<&cpu::logspace>();
  kernels.add<&cpu::eye>();
}
}  // namespace entasis
