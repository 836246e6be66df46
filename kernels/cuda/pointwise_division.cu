// Kernels of division with a whole quotient, and of divisors. Integers that are divided by 0 are
// reported (rule 14).
#include <entasis/kernels/cuda/internal/pointwise.h>
#include <entasis/ops/division_internal.h>

namespace entasis::cuda {

template <int index>
struct DivisionFormula : FormulaAt<index> {
  static constexpr const char* kDemand = Division::demand;
  template <class V>
  static FORMULA bool refuses(V, V divisor) {
    return decltype(is_whole(divisor))::value && divisor == V(0);
  }
};
template <>
struct FormulaOf<FloorDivide> : DivisionFormula<formula_index(FloorDivide::name)> {};
template <>
struct FormulaOf<TruncDivide> : DivisionFormula<formula_index(TruncDivide::name)> {};
template <>
struct FormulaOf<Remainder> : DivisionFormula<formula_index(Remainder::name)> {};
template <>
struct FormulaOf<Fmod> : DivisionFormula<formula_index(Fmod::name)> {};

}  // namespace entasis::cuda

namespace entasis {

void register_cuda_pointwise_division(Kernels& kernels) {
  static constexpr auto entries = cuda::entries_of(DivisionOps() + DivisorOps());
  cuda::add_pointwise(kernels, entries);
}

}  // namespace entasis
