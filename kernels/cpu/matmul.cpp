// Matrix products over tensors: finds the matrices and batches in the operands' strides and hands
// them to gemm(), without copies. Half types are multiplied as f32, converted within the product,
// or before it where their matrices are neither rows nor columns of neighbours; integers go through
// a plain blocked loop.
#include <optional>

#include <entasis/core/kernels.h>
#include <entasis/kernels/cpu/internal/float_view.h>
#include <entasis/kernels/cpu/internal/gemm.h>
#include <entasis/kernels/cpu/internal/gemm_naive.h>
#include <entasis/kernels/cpu/internal/gemm_plan.h>
#include <entasis/kernels/cpu/internal/packed_weights.h>
#include <entasis/kernels/cpu/internal/pointwise_loop.h>
#include <entasis/ops/matmul_internal.h>

namespace entasis::cpu {
namespace {

// A product read off tensors: C [batch.., m, n] is dense, A and B have any strides.
template <class T, class In = T>
struct Product {
  Gemm<T, In> gemm;
  SmallVector<GemmBatch, 4> batch;
};

// Stride of `t` along the batch dimension that is `from_right` places left of its matrix.
int64_t batch_stride(const Dims& shape, const Dims& strides, int matrix_dims, int from_right) {
  const int i = shape.size() - matrix_dims - 1 - from_right;
  return i < 0 || shape[i] == 1 ? 0 : strides[i];
}

// Rows of A that follow each other from one batch to the next, with one B for all, are one taller
// A.
template <class T, class In>
void fold_batches(Product<T, In>& p) {
  while (!p.batch.empty()) {
    const GemmBatch& inner = p.batch.back();
    const bool rows_continue =
        p.gemm.m == 1 ? true : inner.a_stride == p.gemm.m * p.gemm.a_row_stride;
    if (inner.b_stride != 0 || !rows_continue) return;
    if (p.gemm.m == 1) p.gemm.a_row_stride = inner.a_stride;
    p.gemm.m *= inner.size;
    p.batch.pop_back();
  }
}

// B in panels, if it is a weight that has been kept so.
template <class T, class In>
Ref<Storage> packed_b(const Gemm<T, In>& g, Storage& weight) {
  const int64_t size = packed_b_size(g);
  if (size == 0) return nullptr;
  const PackedForm form{
      g.b, dtype_of<In>, g.k, g.n, g.b_row_stride, g.b_column_stride, size * int64_t(sizeof(T))};
  const auto pack = [](const void* product, void* to) {
    pack_b(*static_cast<const Gemm<T, In>*>(product), static_cast<T*>(to));
  };
  return packed_weight(weight, form, pack, &g);
}

// `weight` is where B lies if that is worth keeping in panels, else null.
template <class T, class In>
void run_floats(Product<T, In>& p, Storage* weight) {
  fold_batches(p);
  for (const GemmBatch& b : p.batch) {
    if (b.size == 0) return;
  }
  p.gemm.batch = {p.batch.data(), size_t(p.batch.size())};
  Ref<Storage> packed;
  if (weight != nullptr) packed = packed_b(p.gemm, *weight);
  if (packed) p.gemm.packed_b = static_cast<const T*>(packed->data);
  gemm(p.gemm);
}

template <class T>
void add_bias(const Gemm<T>& g) {
  for (int64_t i = 0; i < g.m; ++i) {
    for (int64_t j = 0; j < g.n; ++j) g.c[i * g.c_row_stride + j] += g.column_bias[j];
  }
}

// Integers: one product at a time.
template <class T>
  requires std::is_integral_v<T>
void run_integers(Product<T>& p) {
  int64_t count = 1;
  for (const GemmBatch& b : p.batch) count *= b.size;
  p.gemm.batch = {p.batch.data(), size_t(p.batch.size())};
  for (int64_t i = 0; i < count; ++i) {
    Gemm<T> g = p.gemm;
    select_item(g, i);
    gemm_naive(g.m, g.n, g.k, g.a, g.a_row_stride, g.a_column_stride, g.b, g.b_row_stride,
               g.b_column_stride, g.c, g.c_row_stride);
    if (g.column_bias) add_bias(g);
  }
}

template <class T, class In>
void run(Product<T, In>& p, Storage* weight = nullptr) {
  if constexpr (std::is_integral_v<T>) {
    run_integers(p);
  } else {
    run_floats(p, weight);
  }
}

// C's batches are dense, so its strides follow from its shape.
template <class T, class In>
void set_batches(Product<T, In>& p, const Dims& out_shape, const TensorView<In>& a,
                 const TensorView<In>& b, int b_matrix_dims) {
  int64_t c_stride = p.gemm.m * p.gemm.n;
  SmallVector<GemmBatch, 4> inner_first;
  for (int k = 0; k < out_shape.size() - 2; ++k) {
    const int64_t size = out_shape[out_shape.size() - 3 - k];
    inner_first.push_back({size, batch_stride(a.shape, a.strides, 2, k),
                           b_matrix_dims == 0 ? 0 : batch_stride(b.shape, b.strides, 2, k),
                           c_stride});
    c_stride *= size;
  }
  for (int k = inner_first.size() - 1; k >= 0; --k) p.batch.push_back(inner_first[k]);
}

template <class T, class In>
void matmul_typed(const TensorView<In>& a, const TensorView<In>& b, const Dims& out_shape, T* c) {
  const int da = a.shape.size(), db = b.shape.size();
  Product<T, In> p;
  p.gemm.m = a.shape[da - 2];
  p.gemm.k = a.shape[da - 1];
  p.gemm.n = b.shape[db - 1];
  p.gemm.a = a.data;
  p.gemm.a_row_stride = a.strides[da - 2];
  p.gemm.a_column_stride = a.strides[da - 1];
  p.gemm.b = b.data;
  p.gemm.b_row_stride = b.strides[db - 2];
  p.gemm.b_column_stride = b.strides[db - 1];
  p.gemm.c = c;
  p.gemm.c_row_stride = p.gemm.n;
  set_batches(p, out_shape, a, b, 2);
  run(p);
}

template <class T, class In>
void linear_typed(const TensorView<In>& x, const TensorView<In>& w, const TensorView<T>* bias,
                  const Dims& out_shape, T* y, const GemmFinish<T>& finish, Storage* weight) {
  const int dx = x.shape.size();
  Product<T, In> p;
  p.gemm.m = dx >= 2 ? x.shape[dx - 2] : 1;
  p.gemm.k = x.shape[dx - 1];
  p.gemm.n = w.shape[0];
  p.gemm.a = x.data;
  p.gemm.a_row_stride = dx >= 2 ? x.strides[dx - 2] : 0;
  p.gemm.a_column_stride = x.strides[dx - 1];
  p.gemm.b = w.data;
  p.gemm.b_row_stride = w.strides[1];
  p.gemm.b_column_stride = w.strides[0];
  p.gemm.c = y;
  p.gemm.c_row_stride = p.gemm.n;
  if (bias) p.gemm.column_bias = bias->data;
  p.gemm.finish = finish;
  if (dx > 2) set_batches(p, out_shape, x, w, 0);
  run(p, weight);
}

// Whether the rows or the columns of a tensor's matrices are neighbours in memory.
bool lies_in_lines(const Tensor& t) {
  const int rank = t.dim();
  const auto runs = [&](int d) { return d < 0 || t.strides()[d] == 1 || t.shape()[d] == 1; };
  return runs(rank - 1) || runs(rank - 2);
}

// Calls `f(a, b)` with views of the operands of a product that computes in T: of half types where
// gemm() takes them as they lie.
template <class T, class F>
void with_operands(const Tensor& a, const Tensor& b, const F& f) {
  if constexpr (std::is_same_v<T, float>) {
    if (is_half(a.dtype()) && lies_in_lines(a) && lies_in_lines(b)) {
      const auto call = [&]<class In>(TypeTag<In>) {
        f(TensorView<In>{a.raw_as<const In>(), a.shape(), a.strides()},
          TensorView<In>{b.raw_as<const In>(), b.shape(), b.strides()});
      };
      return a.dtype() == kF16 ? call(TypeTag<Half>{}) : call(TypeTag<BFloat16>{});
    }
  }
  const InputView<T> a_view(a), b_view(b);
  f(a_view.view(), b_view.view());
}

}  // namespace

void matmul(CpuContext&, const Matmul&, Inputs in, Outputs out) {
  if (out[0].numel() == 0) return;
  with_compute_type(out[0].dtype(), [&]<class T>(TypeTag<T>) {
    OutputView<T> c(out[0]);
    with_operands<T>(in[0].tensor(), in[1].tensor(), [&](const auto& a, const auto& b) {
      matmul_typed(a, b, out[0].shape(), c.data());
    });
  });
}

namespace {

// Inputs: x, weight, bias or nothing and, if the pointwise op that follows has two operands, its
// other. Writes that op's results to `out`, and what it was applied to into `product` if that is
// another tensor. `following` is null for none.
void run_linear(Inputs in, const PointwiseEntry* following, Tensor& product, Tensor& out) {
  if (out.numel() == 0) return;
  with_compute_type(out.dtype(), [&]<class T>(TypeTag<T>) {
    OutputView<T> c(product);
    std::optional<OutputView<T>> y;
    std::optional<InputView<T>> bias, other;
    if (in[2].is_tensor()) bias.emplace(in[2].tensor(), InputView<T>::kDense);
    GemmFinish<T> finish;
    if constexpr (std::is_floating_point_v<T>) {
      constexpr Lanes kLanes = std::is_same_v<T, double> ? Lanes::kF64 : Lanes::kF32;
      if (following != nullptr) finish.run = following->run[int(kLanes)];
      if (in.size() > 3) {
        other.emplace(in[3].tensor(), InputView<T>::kDense);
        finish.other = other->data();
      }
      if (!out.same(product)) {
        y.emplace(out);
        finish.out = y->data();
      }
    }
    with_operands<T>(in[0].tensor(), in[1].tensor(), [&](const auto& x, const auto& w) {
      const Tensor& weight = in[1].tensor();
      const bool lies_there = w.data == weight.raw();
      linear_typed<T>(x, w, bias ? &bias->view() : nullptr, out.shape(), c.data(), finish,
                      lies_there ? weight.impl()->storage.get() : nullptr);
    });
  });
}

}  // namespace

// The entries are looked up once.
void linear(CpuContext&, const Linear&, Inputs in, Outputs out) {
  static const PointwiseEntry& add = pointwise_entry("add");
  run_linear(in, in.size() > 3 ? &add : nullptr, out[0], out[0]);
}

void linear_relu(CpuContext&, const LinearRelu&, Inputs in, Outputs out) {
  static const PointwiseEntry& relu = pointwise_entry("relu");
  run_linear(in, &relu, out[0], out[0]);
}

void linear_gelu(CpuContext&, const LinearGelu& op, Inputs in, Outputs out) {
  static const PointwiseEntry& exact = pointwise_entry("gelu");
  static const PointwiseEntry& by_tanh = pointwise_entry("gelu_tanh");
  run_linear(in, op.by_tanh ? &by_tanh : &exact, out[op.keeps_argument ? 1 : 0], out[0]);
}

}  // namespace entasis::cpu

namespace entasis {

void register_cpu_matmul(Kernels& kernels) {
  kernels.add<&cpu::matmul>();
  kernels.add<&cpu::linear>();
  kernels.add<&cpu::linear_relu>();
  kernels.add<&cpu::linear_gelu>();
}

}  // namespace entasis
