// The loops of layer_norm: row by row. The gradients of weight and bias are sums over rows,
// gathered in chunks that depend on the shape alone.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include <entasis/backends/cpu/internal/scratch.h>
#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/op.h>
#include <entasis/kernels/cpu/internal/reduce_flatten.h>
#include <entasis/kernels/cpu/internal/reduce_norm.h>
#include <entasis/kernels/cpu/internal/reduce_sums.h>
#include <entasis/ops/norm_internal.h>

namespace entasis::cpu {

inline constexpr int64_t kNormGrain = 16384;  // elements below which one thread is enough

// A parameter as an array of the compute type; empty if it was not given.
template <class C>
std::vector<C> parameter(const Operand& t) {
  return t.is_tensor() ? flattened<C>(t.tensor()) : std::vector<C>();
}
template <class T>
const T* data_or_null(const std::vector<T>& values) {
  return values.empty() ? nullptr : values.data();
}

// Writes sums into a dense tensor.
inline void store_sums(const double* sums, Tensor& out) {
  find_converter(out.dtype(), kF64)(out.raw(), 1, sums, 1, out.numel());
}

template <class C>
void layer_norm_as(const NormFunctions<C>& f, const LayerNorm& op, Inputs in, Outputs out) {
  const int64_t n = count_elements(op.normalized_shape);
  const int64_t rows = out[1].numel();
  C* const mean = out[1].raw_as<C>();
  C* const rstd = out[2].raw_as<C>();
  if (n == 0) {  // the mean of nothing
    std::fill_n(mean, rows, std::numeric_limits<C>::quiet_NaN());
    std::fill_n(rstd, rows, std::numeric_limits<C>::quiet_NaN());
    return;
  }
  const std::vector<C> weight = parameter<C>(in[1]), bias = parameter<C>(in[2]);
  const RowMajor<C> input(in[0].tensor()), output(out[0]);
  parallel_for(rows, std::max<int64_t>(1, kNormGrain / n), [&](int64_t begin, int64_t end) {
    const Scratch scratch(size_t(2 * n) * sizeof(C));
    C* const buffer = scratch.as<C>();
    for (int64_t r = begin; r < end; ++r) {
      const int64_t first = r * n, last = first + n;
      const C* x = input.read(first, last, buffer);
      C* y = output.start_write(first, buffer + n);
      f.moments(x, n, op.eps, mean + r, rstd + r);
      f.normalize_row(x, n, mean[r], rstd[r], data_or_null(weight), data_or_null(bias), y);
      output.finish_write(first, last, y);
    }
  });
}

template <class C>
void layer_norm_backward_as(const NormFunctions<C>& f, const LayerNormBackward& op, Inputs in,
                            Outputs out) {
  const int64_t n = count_elements(op.forward.normalized_shape);
  const int64_t rows = in[3].numel();
  const int64_t chunk = sum_chunk(rows, n, n);
  PartialSums sums(rows, chunk, n, op.wanted.weight, op.wanted.bias);
  if (n > 0) {
    const std::vector<C> weight = parameter<C>(in[2]);
    const RowMajor<C> gradient(in[0].tensor()), input(in[1].tensor()), output(out[0]);
    const C* const mean = in[3].data<C>();
    const C* const rstd = in[4].data<C>();
    parallel_for(rows, chunk, [&](int64_t begin, int64_t end) {
      const Scratch scratch(size_t(3 * n) * sizeof(C));
      C* const buffer = scratch.as<C>();
      for (int64_t r = begin; r < end; ++r) {
        const int64_t first = r * n, last = first + n;
        const C* gy = gradient.read(first, last, buffer);
        const C* x = input.read(first, last, buffer + n);
        C* gx = op.wanted.input ? output.start_write(first, buffer + 2 * n) : nullptr;
        f.row_gradients(gy, x, n, mean[r], rstd[r], data_or_null(weight), gx, sums.first(r / chunk),
                        sums.second(r / chunk));
        if (gx) output.finish_write(first, last, gx);
      }
    });
  }
  sums.join();
  if (op.wanted.weight) store_sums(sums.first(0), out[1]);
  if (op.wanted.bias) store_sums(sums.second(0), out[2]);
}

}  // namespace entasis::cpu
