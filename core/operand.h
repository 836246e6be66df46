// What ops take: a tensor or a number (rule 4), and the same with the caller's line for operators.
#pragma once

#include <cstdint>
#include <span>

#include <entasis/core/number.h>
#include <entasis/core/tensor.h>

namespace entasis {

// Refers to a tensor that outlives the call, or holds a number. An undefined tensor stands for an
// optional operand that was not given.
class Operand {
 public:
  Operand() : tensor_(&no_tensor()) {}  // not given
  Operand(const Tensor& tensor) : tensor_(&tensor) {}
  Operand(Number number) : number_(number) {}
  template <class T>
    requires std::is_arithmetic_v<T>
  Operand(T number) : number_(number) {}

  bool is_number() const { return tensor_ == nullptr; }
  bool is_tensor() const { return tensor_ != nullptr && tensor_->defined(); }
  bool defined() const { return is_number() || tensor_->defined(); }
  const Tensor& tensor() const { return *tensor_; }
  Number number() const { return number_; }

  // A number behaves as a 0-d tensor.
  const Dims& shape() const { return is_number() ? no_dims() : tensor_->shape(); }
  const Dims& strides() const { return is_number() ? no_dims() : tensor_->strides(); }
  int dim() const { return shape().size(); }
  int64_t size(int i) const { return shape()[i]; }
  int64_t numel() const { return is_number() ? 1 : tensor_->numel(); }
  // Of a number: the dtype it would have alone.
  DType dtype() const { return is_number() ? number_.default_dtype() : tensor_->dtype(); }
  template <class T>
  const T* data() const {
    return tensor_->raw_as<const T>();
  }

 private:
  static const Tensor& no_tensor() {
    static const Tensor none;
    return none;
  }
  static const Dims& no_dims() {
    static constexpr Dims none;
    return none;
  }
  const Tensor* tensor_ = nullptr;
  Number number_;
};

using Inputs = std::span<const Operand>;
using Outputs = std::span<Tensor>;

// An operand of an operator: operators cannot have defaulted parameters, so the conversion to In
// brings the caller's line.
class In : public Operand {
 public:
  In(const Tensor& tensor, Location at = {}) : Operand(tensor), at(at) {}
  In(Number number, Location at = {}) : Operand(number), at(at) {}
  template <class T>
    requires std::is_arithmetic_v<T>
  In(T number, Location at = {}) : Operand(number), at(at) {}

  Location at;
};

// The dtype of a pointwise result by PyTorch's rules: among tensors with dimensions, then 0-d
// tensors, then numbers, a later group counts only if its category is higher.
ENTASIS_API DType result_type(Inputs inputs);
inline DType result_type(const Operand& tensor, const Operand& other) {
  const Operand both[] = {tensor, other};
  return result_type(both);
}

// Spec of a pointwise result: broadcast shape, and the stride order of the dense, non-broadcast
// operands, the first deciding (rule 3). Throws ShapeError.
ENTASIS_API Spec pointwise_spec(DType dtype, Inputs inputs);

// Dense strides for `shape` in the dimension order that the strides `like` have. Strides that are
// equal keep their place.
ENTASIS_API Dims dense_strides_like(const Dims& shape, const Dims& like);

}  // namespace entasis
