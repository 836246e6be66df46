// Attributes of the statistics: variance and its kin, norms, logsumexp.
#pragma once

#include <entasis/ops/reduction_internal.h>

namespace entasis {

struct OverDimsCorrected {
  Dims dim;
  double correction = 1;
  bool keepdim = false;
  bool operator==(const OverDimsCorrected&) const = default;
  void visit(auto& v) const {
    v("dim", dim);
    v("correction", correction);
    v("keepdim", keepdim);
  }
};
struct Var : OverDimsCorrected {
  static constexpr const char* name = "var";
};
struct Std : OverDimsCorrected {
  static constexpr const char* name = "std";
};
// Outputs: that and the mean.
struct VarMean : OverDimsCorrected {
  static constexpr const char* name = "var_mean";
};
struct StdMean : OverDimsCorrected {
  static constexpr const char* name = "std_mean";
};

struct VectorNorm {
  static constexpr const char* name = "vector_norm";
  double ord = 2;
  Dims dim;
  bool keepdim = false;
  bool operator==(const VectorNorm&) const = default;
  void visit(auto& v) const {
    v("ord", ord);
    v("dim", dim);
    v("keepdim", keepdim);
  }
};
// What the kernels tell apart.
enum class NormKind : uint8_t { kCount, kSum, kSquares, kLargest, kSmallest, kPowers };
inline NormKind norm_kind(double ord) {
  if (ord == 0) return NormKind::kCount;
  if (ord == 1) return NormKind::kSum;
  if (ord == 2) return NormKind::kSquares;
  if (ord > 0 && ord - ord != 0) return NormKind::kLargest;
  if (ord < 0 && ord - ord != 0) return NormKind::kSmallest;
  return NormKind::kPowers;
}

struct LogSumExp : OverDims {
  static constexpr const char* name = "logsumexp";
};

}  // namespace entasis
