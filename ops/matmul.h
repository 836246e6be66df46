// Matrix products.
#pragma once

#include <entasis/core/operand.h>

namespace entasis {

// PyTorch's matmul: [.., n, k] x [.., k, m] with broadcast batches; 1-d operands are rows or
// columns and lose that dimension again. Operands have one dtype (DtypeError), inner sizes agree
// (ShapeError).
ENTASIS_API Tensor matmul(const Tensor& input, const Tensor& other, Location at = {});
// input [.., in] x weight[out, in] transposed + bias [out]; bias may be undefined.
ENTASIS_API Tensor linear(const Tensor& input, const Tensor& weight, const Tensor& bias = {},
                          Location at = {});

}  // namespace entasis
