// The ops that are also methods of Tensor: each forwards to the function of the same name. Core
// declares them, since a class is declared in one piece; here ops defines them.
#pragma once

#include <entasis/core/error.h>
#include <entasis/core/tensor.h>
#include <entasis/ops/arithmetic.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/indexing.h>
#include <entasis/ops/matmul.h>
#include <entasis/ops/reduction.h>
#include <entasis/ops/shape.h>
#include <entasis/ops/softmax.h>
#include <entasis/ops/unary.h>

namespace entasis {

inline Tensor Tensor::operator[](const Index& index) const {
  return entasis::index(*this, {&index, 1}, index.at);
}
inline Tensor Tensor::index(std::initializer_list<Index> indices, Location at) const {
  return entasis::index(*this, {indices.begin(), indices.size()}, at);
}

inline Tensor Tensor::to(DType dtype, Location at) const { return entasis::to(*this, dtype, at); }
inline Tensor Tensor::to(Device device, bool non_blocking, Location at) const {
  return to_device(*this, device, non_blocking, at);
}
inline Tensor Tensor::clone(Location at) const { return entasis::clone(*this, at); }
inline Tensor Tensor::contiguous(Location at) const { return entasis::contiguous(*this, at); }
inline Tensor Tensor::pin_memory(Location at) const { return entasis::pin_memory(*this, at); }
inline Tensor& Tensor::copy_(const Tensor& source, bool non_blocking, Location at) {
  entasis::copy_(*this, source, non_blocking, at);
  return *this;
}
inline Tensor& Tensor::fill_(Number value, Location at) {
  entasis::fill_(*this, value, at);
  return *this;
}
inline Tensor& Tensor::zero_(Location at) {
  entasis::zero_(*this, at);
  return *this;
}

inline Tensor Tensor::reshape(const Dims& shape, Location at) const {
  return entasis::reshape(*this, shape, at);
}
inline Tensor Tensor::flatten(int64_t start_dim, int64_t end_dim, Location at) const {
  return entasis::flatten(*this, start_dim, end_dim, at);
}
inline Tensor Tensor::transpose(int64_t dim0, int64_t dim1, Location at) const {
  return entasis::transpose(*this, dim0, dim1, at);
}
// The transpose of a matrix; a vector or a 0-d tensor stays as it is.
inline Tensor Tensor::t(Location at) const {
  if (dim() > 2) {
    throw ShapeError("t: needs at most 2 dimensions, the shape is " + to_string(shape()), at);
  }
  return dim() < 2 ? *this : entasis::transpose(*this, 0, 1, at);
}
inline Tensor Tensor::permute(const Dims& dims, Location at) const {
  return entasis::permute(*this, dims, at);
}
inline Tensor Tensor::expand(const Dims& shape, Location at) const {
  return entasis::expand(*this, shape, at);
}
inline Tensor Tensor::slice(int64_t dim, int64_t start, int64_t end, int64_t step,
                            Location at) const {
  return entasis::slice(*this, dim, start, end, step, at);
}
inline Tensor Tensor::narrow(int64_t dim, int64_t start, int64_t length, Location at) const {
  return entasis::narrow(*this, dim, start, length, at);
}
inline Tensor Tensor::select(int64_t dim, int64_t index, Location at) const {
  return entasis::select(*this, dim, index, at);
}
inline Tensor Tensor::squeeze(Location at) const { return entasis::squeeze(*this, {}, at); }
inline Tensor Tensor::squeeze(int64_t dim, Location at) const {
  return entasis::squeeze(*this, {dim}, at);
}
inline Tensor Tensor::unsqueeze(int64_t dim, Location at) const {
  return entasis::unsqueeze(*this, dim, at);
}

inline Tensor Tensor::sum(const Dims& dim, bool keepdim, Location at) const {
  return entasis::sum(*this, dim, keepdim, {}, at);
}
inline Tensor Tensor::mean(const Dims& dim, bool keepdim, Location at) const {
  return entasis::mean(*this, dim, keepdim, {}, at);
}
inline Tensor Tensor::var(const Dims& dim, double correction, bool keepdim, Location at) const {
  return entasis::var(*this, dim, correction, keepdim, at);
}
inline Tensor Tensor::amax(const Dims& dim, bool keepdim, Location at) const {
  return entasis::amax(*this, dim, keepdim, at);
}
inline Tensor Tensor::argmax(Location at) const { return entasis::argmax(*this, {}, false, at); }
inline Tensor Tensor::argmax(int64_t dim, bool keepdim, Location at) const {
  return entasis::argmax(*this, dim, keepdim, at);
}

inline Tensor Tensor::matmul(const Tensor& other, Location at) const {
  return entasis::matmul(*this, other, at);
}
inline Tensor Tensor::abs(Location at) const { return entasis::abs(*this, at); }
inline Tensor Tensor::exp(Location at) const { return entasis::exp(*this, at); }
inline Tensor Tensor::log(Location at) const { return entasis::log(*this, at); }
inline Tensor Tensor::sqrt(Location at) const { return entasis::sqrt(*this, at); }
inline Tensor Tensor::tanh(Location at) const { return entasis::tanh(*this, at); }
inline Tensor Tensor::sigmoid(Location at) const { return entasis::sigmoid(*this, at); }
inline Tensor Tensor::relu(Location at) const { return entasis::relu(*this, at); }
inline Tensor Tensor::softmax(int64_t dim, Location at) const {
  return entasis::softmax(*this, dim, at);
}

inline Tensor& Tensor::add_(const Operand& other, Location at) {
  entasis::add_(*this, other, at);
  return *this;
}
inline Tensor& Tensor::sub_(const Operand& other, Location at) {
  entasis::sub_(*this, other, at);
  return *this;
}
inline Tensor& Tensor::mul_(const Operand& other, Location at) {
  entasis::mul_(*this, other, at);
  return *this;
}
inline Tensor& Tensor::div_(const Operand& other, Location at) {
  entasis::div_(*this, other, at);
  return *this;
}

}  // namespace entasis
