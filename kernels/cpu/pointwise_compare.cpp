// Kernels of the comparisons: formulas and the types they are compiled for.
#include <span>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE <entasis/kernels/cpu/pointwise_compare.cpp>
#include <entasis/kernels/cpu/internal/simd_targets.h>

#include <hwy/foreach_target.h>

#include <hwy/highway.h>

#include <entasis/kernels/cpu/internal/pointwise_run-inl.h>
#include <entasis/kernels/cpu/internal/pointwise_tables.h>

HWY_BEFORE_NAMESPACE();
namespace entasis {
namespace HWY_NAMESPACE {

#include <entasis/kernels/formulas/eq.inc>
#include <entasis/kernels/formulas/ge.inc>
#include <entasis/kernels/formulas/gt.inc>
#include <entasis/kernels/formulas/le.inc>
#include <entasis/kernels/formulas/lt.inc>
#include <entasis/kernels/formulas/ne.inc>

ENTASIS_FORMULA(EqFormula, eq)
ENTASIS_FORMULA(NeFormula, ne)
ENTASIS_FORMULA(LtFormula, lt)
ENTASIS_FORMULA(LeFormula, le)
ENTASIS_FORMULA(GtFormula, gt)
ENTASIS_FORMULA(GeFormula, ge)

constexpr cpu::PointwiseEntry kCompare[] = {
    make_entry<Eq, EqFormula, FormulaTypes::kAll>(kLightGrain),
    make_entry<Ne, NeFormula, FormulaTypes::kAll>(kLightGrain),
    make_entry<Lt, LtFormula, FormulaTypes::kAll>(kLightGrain),
    make_entry<Le, LeFormula, FormulaTypes::kAll>(kLightGrain),
    make_entry<Gt, GtFormula, FormulaTypes::kAll>(kLightGrain),
    make_entry<Ge, GeFormula, FormulaTypes::kAll>(kLightGrain),
};

std::span<const cpu::PointwiseEntry> compare_table() { return kCompare; }

}  // namespace HWY_NAMESPACE
}  // namespace entasis
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace entasis {
HWY_EXPORT(compare_table);

namespace cpu {
std::span<const PointwiseEntry> compare_entries() { return HWY_DYNAMIC_DISPATCH(compare_table)(); }
}  // namespace cpu

void register_cpu_pointwise_compare(Kernels& kernels) {
  cpu::add_pointwise(kernels, cpu::compare_entries());
}

}  // namespace entasis
#endif  // HWY_ONCE
