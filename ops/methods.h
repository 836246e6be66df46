// The ops that are also methods of Tensor: each forwards to the function of the same name. Core
// declares them, since a class is declared in one piece; here ops defines them.
#pragma once

#include <entasis/core/error.h>
#include <entasis/core/tensor.h>
#include <entasis/ops/arithmetic.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/exponential.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/index_map.h>
#include <entasis/ops/indexing.h>
#include <entasis/ops/matmul.h>
#include <entasis/ops/rearrange.h>
#include <entasis/ops/rectifier.h>
#include <entasis/ops/reduction.h>
#include <entasis/ops/repeat_interleave.h>
#include <entasis/ops/shape.h>
#include <entasis/ops/softmax.h>
#include <entasis/ops/special.h>
#include <entasis/ops/split.h>
#include <entasis/ops/statistics.h>
#include <entasis/ops/strided.h>
#include <entasis/ops/triangle.h>
#include <entasis/ops/trigonometric.h>

namespace entasis {

inline Tensor Tensor::operator[](const Index& index) const {
  return entasis::index(*this, {&index, 1}, index.at);
}
inline Tensor Tensor::index(std::initializer_list<Index> indices, Location at) const {
  return entasis::index(*this, {indices.begin(), indices.size()}, at);
}
inline Tensor& Tensor::index_put_(std::initializer_list<Index> indices, const Tensor& values,
                                  bool accumulate, Location at) {
  entasis::index_put_(*this, std::span(indices.begin(), indices.size()), values, accumulate, at);
  return *this;
}
inline Tensor& Tensor::index_put_(std::initializer_list<Index> indices, Number value,
                                  bool accumulate, Location at) {
  return index_put_(indices, scalar_tensor(value, {dtype(), device()}, at), accumulate, at);
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
inline Tensor Tensor::unflatten(int64_t dim, const Dims& sizes, Location at) const {
  return entasis::unflatten(*this, dim, sizes, at);
}
inline Tensor Tensor::ravel(Location at) const { return entasis::ravel(*this, at); }
inline Tensor Tensor::view(const Dims& shape, Location at) const {
  return entasis::view(*this, shape, at);
}
inline Tensor Tensor::view(DType dtype, Location at) const { return view_dtype(*this, dtype, at); }
inline Tensor Tensor::diagonal(int64_t offset, int64_t dim1, int64_t dim2, Location at) const {
  return entasis::diagonal(*this, offset, dim1, dim2, at);
}
inline Tensor Tensor::unfold(int64_t dimension, int64_t size, int64_t step, Location at) const {
  return entasis::unfold(*this, dimension, size, step, at);
}
inline Tensor Tensor::as_strided(const Dims& size, const Dims& stride,
                                 std::optional<int64_t> storage_offset, Location at) const {
  return entasis::as_strided(*this, size, stride, storage_offset, at);
}
inline Tensor Tensor::flip(const Dims& dims, Location at) const {
  return entasis::flip(*this, dims, at);
}
inline Tensor Tensor::roll(const Dims& shifts, const Dims& dims, Location at) const {
  return entasis::roll(*this, shifts, dims, at);
}
inline Tensor Tensor::repeat(const Dims& repeats, Location at) const {
  return entasis::repeat(*this, repeats, at);
}
inline Tensor Tensor::tile(const Dims& dims, Location at) const {
  return entasis::tile(*this, dims, at);
}
inline Tensor Tensor::repeat_interleave(const Operand& repeats, std::optional<int64_t> dim,
                                        Location at) const {
  return entasis::repeat_interleave(*this, repeats, dim, {}, at);
}
inline Tensor Tensor::tril(int64_t diagonal, Location at) const {
  return entasis::tril(*this, diagonal, at);
}
inline Tensor Tensor::triu(int64_t diagonal, Location at) const {
  return entasis::triu(*this, diagonal, at);
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
inline Tensor Tensor::movedim(const Dims& source, const Dims& destination, Location at) const {
  return entasis::movedim(*this, source, destination, at);
}
inline Tensor Tensor::swapaxes(int64_t axis0, int64_t axis1, Location at) const {
  return entasis::swapaxes(*this, axis0, axis1, at);
}
inline Tensor Tensor::broadcast_to(const Dims& shape, Location at) const {
  return entasis::broadcast_to(*this, shape, at);
}
inline Tensors Tensor::split(const Ints& split_size_or_sections, int64_t dim, Location at) const {
  return entasis::split(*this, split_size_or_sections, dim, at);
}
inline Tensors Tensor::chunk(int64_t chunks, int64_t dim, Location at) const {
  return entasis::chunk(*this, chunks, dim, at);
}
inline Tensors Tensor::tensor_split(const Ints& indices_or_sections, int64_t dim,
                                    Location at) const {
  return entasis::tensor_split(*this, indices_or_sections, dim, at);
}
inline Tensors Tensor::unbind(int64_t dim, Location at) const {
  return entasis::unbind(*this, dim, at);
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
