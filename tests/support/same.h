// Comparison of tensors by their values, to the bit.
#pragma once

#include <cstring>

#include <entasis/ops/methods.h>

namespace entasis {

// Same shape, dtype and bits; layouts may differ.
inline bool same_values(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || !(a.shape() == b.shape())) return false;
  const Tensor x = a.detach().contiguous(), y = b.detach().contiguous();
  return x.numel() == 0 ||
         std::memcmp(x.raw(), y.raw(), size_t(x.numel() * size_of(x.dtype()))) == 0;
}

}  // namespace entasis
