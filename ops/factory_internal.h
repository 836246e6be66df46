// Attributes of the ops that fill a new tensor, and what factories share.
#pragma once

#include <entasis/core/op.h>
#include <entasis/ops/factory.h>

namespace entasis {

// Element i of a 1-d target becomes start + i * step, computed in i64 or f64.
struct Arange {
  static constexpr const char* name = "arange";
  Number start, step;
  bool operator==(const Arange&) const = default;
  void visit(auto& v) const {
    if (start.is_floating()) {
      v("start", start.to_double()), v("step", step.to_double());
    } else {
      v("start", start.to_int()), v("step", step.to_int());
    }
  }
};
// A 1-d target becomes evenly spaced from start to end, both included.
struct Linspace {
  static constexpr const char* name = "linspace";
  double start, end;
  bool operator==(const Linspace&) const = default;
  void visit(auto& v) const { v("start", start), v("end", end); }
};
// The same as exponents of `base`.
struct Logspace {
  static constexpr const char* name = "logspace";
  double start, end, base;
  bool operator==(const Logspace&) const = default;
  void visit(auto& v) const { v("start", start), v("end", end), v("base", base); }
};
// Ones on the diagonal of a 2-d target, zeros elsewhere.
struct Eye {
  static constexpr const char* name = "eye";
  bool operator==(const Eye&) const = default;
  void visit(auto&) const {}
};

// The rule of an op that overwrites its target whatever that held: applied in place only.
template <class Op>
struct FillRule {
  static constexpr SaveMask saves[] = {saves_nothing};
  static Spec infer(const Op&, Inputs in) { return in[0].tensor().spec(); }
  // The old values are gone, so nothing flows back to them.
  static Grads vjp(const Op&, const Saved&, Grads) { return {}; }
};

// A new tensor, elements unset, without a gradient.
Tensor new_tensor(const Dims& shape, DType dtype, const TensorOptions& options);
// Marks a finished tensor as the options ask.
Tensor finish(Tensor tensor, const TensorOptions& options, Location at);

}  // namespace entasis
