// Kernels of arithmetic and selection: formulas and the types they are compiled for.
#include <span>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE <entasis/kernels/cpu/pointwise_arithmetic.cpp>
#include <entasis/kernels/cpu/internal/simd_targets.h>

#include <hwy/foreach_target.h>

#include <hwy/highway.h>

#include <entasis/kernels/cpu/internal/pointwise_run-inl.h>
#include <entasis/kernels/cpu/internal/pointwise_tables.h>

HWY_BEFORE_NAMESPACE();
namespace entasis {
namespace HWY_NAMESPACE {

#include <entasis/kernels/formulas/add.inc>
#include <entasis/kernels/formulas/clamp_between.inc>
#include <entasis/kernels/formulas/div.inc>
#include <entasis/kernels/formulas/mul.inc>
#include <entasis/kernels/formulas/neg.inc>
#include <entasis/kernels/formulas/relu.inc>
#include <entasis/kernels/formulas/sub.inc>
#include <entasis/kernels/formulas/where.inc>

ENTASIS_FORMULA(AddFormula, add)
ENTASIS_FORMULA(SubFormula, sub)
ENTASIS_FORMULA(MulFormula, mul)
ENTASIS_FORMULA(DivFormula, div)
ENTASIS_FORMULA(NegFormula, neg)
ENTASIS_FORMULA(AbsFormula, abs)
ENTASIS_FORMULA(MaximumFormula, maximum)
ENTASIS_FORMULA(MinimumFormula, minimum)
ENTASIS_FORMULA(ClampMinFormula, maximum)
ENTASIS_FORMULA(ClampMaxFormula, minimum)
ENTASIS_FORMULA(ClampFormula, clamp_between)
ENTASIS_FORMULA(WhereFormula, where)
ENTASIS_FORMULA(ReluFormula, relu)

constexpr cpu::PointwiseEntry kArithmetic[] = {
    make_entry<Add, AddFormula, FormulaTypes::kAll>(kLightGrain),
    make_entry<Sub, SubFormula, FormulaTypes::kAll>(kLightGrain),
    make_entry<Mul, MulFormula, FormulaTypes::kAll>(kLightGrain),
    make_entry<Div, DivFormula, FormulaTypes::kFloats>(kLightGrain),
    make_entry<Neg, NegFormula, FormulaTypes::kAll>(kLightGrain),
    make_entry<Abs, AbsFormula, FormulaTypes::kAll>(kLightGrain),
    make_entry<Maximum, MaximumFormula, FormulaTypes::kAll>(kLightGrain),
    make_entry<Minimum, MinimumFormula, FormulaTypes::kAll>(kLightGrain),
    make_entry<ClampMin, ClampMinFormula, FormulaTypes::kAll>(kLightGrain),
    make_entry<ClampMax, ClampMaxFormula, FormulaTypes::kAll>(kLightGrain),
    make_entry<Clamp, ClampFormula, FormulaTypes::kAll>(kLightGrain),
    make_entry<Where, WhereFormula, FormulaTypes::kAll>(kLightGrain),
    make_entry<Relu, ReluFormula, FormulaTypes::kAll>(kLightGrain),
};

std::span<const cpu::PointwiseEntry> arithmetic_table() { return kArithmetic; }

}  // namespace HWY_NAMESPACE
}  // namespace entasis
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace entasis {
HWY_EXPORT(arithmetic_table);

namespace cpu {
std::span<const PointwiseEntry> arithmetic_entries() {
  return HWY_DYNAMIC_DISPATCH(arithmetic_table)();
}
}  // namespace cpu

void register_cpu_pointwise_arithmetic(Kernels& kernels) {
  cpu::add_pointwise(kernels, cpu::arithmetic_entries());
}

}  // namespace entasis
#endif  // HWY_ONCE
