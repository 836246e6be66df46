// Attributes of the matrix products, for the kernels.
#pragma once

namespace entasis {

// [.., n, k] x [.., k, m] with broadcast batches; both operands have at least two dimensions.
struct Matmul {
  static constexpr const char* name = "matmul";
  bool operator==(const Matmul&) const = default;
};

// [.., in] x [out, in] transposed, plus an optional bias [out].
struct Linear {
  static constexpr const char* name = "linear";
  bool operator==(const Linear&) const = default;
};

}  // namespace entasis
