// What the autograd engine needs from the ops: the functions that core/engine_internal.h declares.
#include <entasis/core/engine_internal.h>

#include <entasis/core/autograd.h>
#include <entasis/ops/arithmetic.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/copy_internal.h>
#include <entasis/ops/reduction.h>

namespace entasis::engine {

Tensor add(const Tensor& a, const Tensor& b, Location at) { return entasis::add(a, b, at); }

void add_in_place(Tensor& target, const Tensor& other, Location at) {
  entasis::add_(target, other, at);
}

Tensor sum_to(const Tensor& gradient, const Dims& shape, Location at) {
  return entasis::sum_to(gradient, shape, at);
}

Tensor ones_like(const Tensor& like, Location at) {
  const Spec spec{like.dtype(), like.shape(), dense_strides_like(like.shape(), like.strides())};
  return entasis::fill_(empty_strided(spec, like.device()), 1, at);
}

Tensor copy_like(const Tensor& gradient, const Tensor& like, Location at) {
  return clone_strided(gradient, dense_strides_like(like.shape(), like.strides()), at);
}

Tensor cast(const Tensor& gradient, DType dtype, Location at) {
  return entasis::to(gradient, dtype, at);
}

bool has_nan(const Tensor& gradient) {
  const NoGrad unrecorded;
  return sum(ne(gradient, gradient)).item<int64_t>() != 0;
}

}  // namespace entasis::engine
