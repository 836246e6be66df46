// Matrix products.
#pragma once

#include <entasis/core/operand.h>
#include <entasis/ops/activation.h>

namespace entasis {

// PyTorch's matmul: [.., n, k] x [.., k, m] with broadcast batches; 1-d operands are rows or
// columns and lose that dimension again. Operands have one dtype (DtypeError), inner sizes agree
// (ShapeError).
ENTASIS_API Tensor matmul(const Tensor& input, const Tensor& other, Location at = {});
// input [.., in] x weight[out, in] transposed + bias [out]; bias may be undefined.
ENTASIS_API Tensor linear(const Tensor& input, const Tensor& weight, const Tensor& bias = {},
                          Location at = {});

// A linear and the step behind it in one op, which takes that step while the results are in cache
// or registers: relu(linear), gelu(linear), linear + other (a residual connection; `other` is
// whatever add() takes). Half types may be rounded between the steps, as by two ops. Errors are
// those of the two.
ENTASIS_API Tensor linear_relu(const Tensor& input, const Tensor& weight, const Tensor& bias = {},
                               Location at = {});
ENTASIS_API Tensor linear_gelu(const Tensor& input, const Tensor& weight, const Tensor& bias = {},
                               Approximate approximate = Approximate::kNone, Location at = {});
ENTASIS_API Tensor linear_add(const Tensor& input, const Tensor& weight, const Tensor& bias,
                              const Tensor& other, Location at = {});

}  // namespace entasis
