// Kernels of the arithmetic ops: formulas and the types they are compiled for.
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
#include <entasis/kernels/formulas/div.inc>
#include <entasis/kernels/formulas/mul.inc>
#include <entasis/kernels/formulas/sub.inc>

struct AddFormula {
  template <class V> static HWY_INLINE V of(V a, V b) { return add(a, b); }
};
struct SubFormula {
  template <class V> static HWY_INLINE V of(V a, V b) { return sub(a, b); }
};
struct MulFormula {
  template <class V> static HWY_INLINE V of(V a, V b) { return mul(a, b); }
};
struct DivFormula {
  template <class V> static HWY_INLINE V of(V a, V b) { return div(a, b); }
};

constexpr cpu::PointwiseEntry kArithmetic[] = {
    make_entry<Add, AddFormula, FormulaTypes::kAll>(kLightGrain),
    make_entry<Sub, SubFormula, FormulaTypes::kAll>(kLightGrain),
    make_entry<Mul, MulFormula, FormulaTypes::kAll>(kLightGrain),
    make_entry<Div, DivFormula, FormulaTypes::kFloats>(kLightGrain),
};

std::span<const cpu::PointwiseEntry> arithmetic_table() { return kArithmetic; }

}  // namespace HWY_NAMESPACE
}  // namespace entasis
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <entasis/core/kernels.h>

namespace entasis {
HWY_EXPORT(arithmetic_table);

namespace cpu {
std::span<const PointwiseEntry> arithmetic_entries() {
  return HWY_DYNAMIC_DISPATCH(arithmetic_table)();
}
}  // namespace cpu

void register_cpu_pointwise_arithmetic(Kernels& kernels) {
  for (const cpu::PointwiseEntry& entry : cpu::arithmetic_entries()) {
    kernels.add_from_table<&cpu::pointwise>(entry.name, &entry);
  }
}

}  // namespace entasis
#endif  // HWY_ONCE
