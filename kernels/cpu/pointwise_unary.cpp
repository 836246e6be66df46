// Kernels of the functions of one tensor: formulas and the types they are compiled for.
#include <span>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE <entasis/kernels/cpu/pointwise_unary.cpp>
#include <entasis/kernels/cpu/internal/simd_targets.h>

#include <hwy/foreach_target.h>

#include <hwy/highway.h>

#include <entasis/kernels/cpu/internal/pointwise_run-inl.h>
#include <entasis/kernels/cpu/internal/pointwise_tables.h>

HWY_BEFORE_NAMESPACE();
namespace entasis {
namespace HWY_NAMESPACE {

#include <entasis/kernels/formulas/primitives.inc>

#include <entasis/kernels/formulas/gelu.inc>
#include <entasis/kernels/formulas/gelu_tanh.inc>
#include <entasis/kernels/formulas/mish.inc>
#include <entasis/kernels/formulas/silu.inc>
#include <entasis/kernels/formulas/softsign.inc>

ENTASIS_FORMULA(ExpFormula, exp)
ENTASIS_FORMULA(LogFormula, log)
ENTASIS_FORMULA(SqrtFormula, sqrt)
ENTASIS_FORMULA(TanhFormula, tanh)
ENTASIS_FORMULA(SigmoidFormula, sigmoid)
ENTASIS_FORMULA(SoftsignFormula, softsign)
ENTASIS_FORMULA(SiluFormula, silu)
ENTASIS_FORMULA(MishFormula, mish)
ENTASIS_FORMULA(GeluFormula, gelu)
ENTASIS_FORMULA(GeluTanhFormula, gelu_tanh)
ENTASIS_FORMULA(ErfFormula, erf)
ENTASIS_FORMULA(ErfGaussianFormula, erf_gaussian)

constexpr cpu::PointwiseEntry kUnary[] = {
    make_entry<Exp, ExpFormula, FormulaTypes::kFloats>(kHeavyGrain),
    make_entry<Log, LogFormula, FormulaTypes::kFloats>(kHeavyGrain),
    make_entry<Sqrt, SqrtFormula, FormulaTypes::kFloats>(kLightGrain),
    make_entry<Tanh, TanhFormula, FormulaTypes::kFloats>(kHeavyGrain),
    make_entry<Sigmoid, SigmoidFormula, FormulaTypes::kFloats>(kHeavyGrain),
    make_entry<Softsign, SoftsignFormula, FormulaTypes::kFloats>(kLightGrain),
    make_entry<Silu, SiluFormula, FormulaTypes::kFloats>(kHeavyGrain),
    make_entry<Mish, MishFormula, FormulaTypes::kFloats>(kHeavyGrain),
    make_entry<Gelu, GeluFormula, FormulaTypes::kFloats>(kHeavyGrain),
    make_entry<GeluTanh, GeluTanhFormula, FormulaTypes::kFloats>(kHeavyGrain),
    make_entry<Erf, ErfFormula, FormulaTypes::kFloats>(kHeavyGrain),
    make_entry<ErfGaussian, ErfGaussianFormula, FormulaTypes::kFloats>(kHeavyGrain),
};

std::span<const cpu::PointwiseEntry> unary_table() { return kUnary; }

}  // namespace HWY_NAMESPACE
}  // namespace entasis
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace entasis {
HWY_EXPORT(unary_table);

namespace cpu {
std::span<const PointwiseEntry> unary_entries() { return HWY_DYNAMIC_DISPATCH(unary_table)(); }
}  // namespace cpu

void register_cpu_pointwise_unary(Kernels& kernels) {
  cpu::add_pointwise(kernels, cpu::unary_entries());
}

}  // namespace entasis
#endif  // HWY_ONCE
