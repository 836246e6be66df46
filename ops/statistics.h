// Statistics over any dimensions; an empty `dim` means all of them. Sums are formed as in
// reduction.h.
#pragma once

#include <array>
#include <optional>

#include <entasis/core/operand.h>

namespace entasis {

// Sum of squared deviations from the mean, divided by max(0, n - correction), and its root. Stable:
// the mean is known before the deviations are taken. Where std is 0 its gradient is 0.
ENTASIS_API Tensor var(const Tensor& input, const Dims& dim = {}, double correction = 1,
                       bool keepdim = false, Location at = {});
ENTASIS_API Tensor std(const Tensor& input, const Dims& dim = {}, double correction = 1,
                       bool keepdim = false, Location at = {});
struct VarMeanResult {
  Tensor var, mean;
  std::array<Tensor, 2> values() const { return {var, mean}; }
};
struct StdMeanResult {
  Tensor std, mean;
  std::array<Tensor, 2> values() const { return {std, mean}; }
};
ENTASIS_API VarMeanResult var_mean(const Tensor& input, const Dims& dim = {}, double correction = 1,
                                   bool keepdim = false, Location at = {});
ENTASIS_API StdMeanResult std_mean(const Tensor& input, const Dims& dim = {}, double correction = 1,
                                   bool keepdim = false, Location at = {});

// (sum of |x|^ord)^(1/ord); for ord 0 how many are not zero, for ±infinity the largest and smallest
// |x|. In `dtype`, if given, which must not be narrower than the input's. Over no elements 0; a
// negative or infinite ord then raises ValueError.
ENTASIS_API Tensor vector_norm(const Tensor& input, double ord = 2, const Dims& dim = {},
                               bool keepdim = false, std::optional<DType> dtype = {},
                               Location at = {});
// The same under its old name.
ENTASIS_API Tensor norm(const Tensor& input, double p = 2, const Dims& dim = {},
                        bool keepdim = false, std::optional<DType> dtype = {}, Location at = {});
// log(sum(exp(x))), without overflow. Integers are taken as f32. -infinity over no elements.
ENTASIS_API Tensor logsumexp(const Tensor& input, const Dims& dim, bool keepdim = false,
                             Location at = {});

}  // namespace entasis
