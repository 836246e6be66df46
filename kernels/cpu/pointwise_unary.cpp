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
#include <entasis/kernels/formulas/silu.inc>
#include <entasis/kernels/formulas/softsign.inc>

struct ExpFormula {
  template <class V>
  static HWY_INLINE V of(V x) {
    return exp(x);
  }
};
struct LogFormula {
  template <class V>
  static HWY_INLINE V of(V x) {
    return log(x);
  }
};
struct SqrtFormula {
  template <class V>
  static HWY_INLINE V of(V x) {
    return sqrt(x);
  }
};
struct TanhFormula {
  template <class V>
  static HWY_INLINE V of(V x) {
    return tanh(x);
  }
};
struct SigmoidFormula {
  template <class V>
  static HWY_INLINE V of(V x) {
    return sigmoid(x);
  }
};
struct SoftsignFormula {
  template <class V>
  static HWY_INLINE V of(V x) {
    return softsign(x);
  }
};
struct SiluFormula {
  template <class V>
  static HWY_INLINE V of(V x) {
    return silu(x);
  }
};
struct GeluFormula {
  template <class V>
  static HWY_INLINE V of(V x) {
    return gelu(x);
  }
};
struct GeluTanhFormula {
  template <class V>
  static HWY_INLINE V of(V x) {
    return gelu_tanh(x);
  }
};
struct ErfFormula {
  template <class V>
  static HWY_INLINE V of(V x) {
    return erf(x);
  }
};
struct ErfGaussianFormula {
  template <class V>
  static HWY_INLINE V of(V x) {
    return erf_gaussian(x);
  }
};

constexpr cpu::PointwiseEntry kUnary[] = {
    make_entry<Exp, ExpFormula, FormulaTypes::kFloats>(kHeavyGrain),
    make_entry<Log, LogFormula, FormulaTypes::kFloats>(kHeavyGrain),
    make_entry<Sqrt, SqrtFormula, FormulaTypes::kFloats>(kLightGrain),
    make_entry<Tanh, TanhFormula, FormulaTypes::kFloats>(kHeavyGrain),
    make_entry<Sigmoid, SigmoidFormula, FormulaTypes::kFloats>(kHeavyGrain),
    make_entry<Softsign, SoftsignFormula, FormulaTypes::kFloats>(kLightGrain),
    make_entry<Silu, SiluFormula, FormulaTypes::kFloats>(kHeavyGrain),
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
#include <entasis/core/kernels.h>

namespace entasis {
HWY_EXPORT(unary_table);

namespace cpu {
std::span<const PointwiseEntry> unary_entries() { return HWY_DYNAMIC_DISPATCH(unary_table)(); }
}  // namespace cpu

void register_cpu_pointwise_unary(Kernels& kernels) {
  for (const cpu::PointwiseEntry& entry : cpu::unary_entries()) {
    kernels.add_from_table<&cpu::pointwise>(entry.name, &entry);
  }
}

}  // namespace entasis
#endif  // HWY_ONCE
