#include <entasis/ops/checked.h>

#include <string>

#include <entasis/core/autograd.h>
#include <entasis/core/error.h>
#include <entasis/core/row.h>
#include <entasis/ops/arithmetic.h>
#include <entasis/ops/copy_internal.h>
#include <entasis/ops/reduction.h>

namespace entasis {
namespace {

// How many elements are NaN, or not finite: x - x is 0 for every finite x and NaN for all else.
int64_t count_bad(const Tensor& t, bool infinities) {
  const Tensor probe = infinities ? sub(t, t) : t;
  return sum(ne(probe, probe)).item<int64_t>();
}

std::string shapes_of(Inputs inputs) {
  std::string text;
  for (const Operand& in : inputs) {
    if (!text.empty()) text += ", ";
    text += in.is_number() ? to_string(in.number())
            : in.defined() ? std::string(name_of(in.dtype())) + to_string(in.shape())
                           : "none";
  }
  return text;
}

// Ops that hand values on as they are: what they were given was looked at before, or was the
// user's.
bool only_moves(const OpInfo& op) {
  return op.view != nullptr || op.name == std::string_view(Copy::name) ||
         op.name == std::string_view(Fill::name);
}

}  // namespace

CheckedMode::CheckedMode(bool infinities) : check_(infinities), guard_(check_) {}

void CheckedMode::Check::after(const OpCall& call, Outputs outputs) {
  if (only_moves(call.op)) return;
  const NoGrad unrecorded;
  for (const Tensor& output : outputs) {
    if (!output.defined() || !is_floating_point(output.dtype()) || output.device().is_meta())
      continue;
    const int64_t bad = count_bad(output, infinities_);
    if (bad == 0) continue;
    throw ValueError(std::to_string(bad) + " of " + std::to_string(output.numel()) +
                     " elements of the result are " + (infinities_ ? "not finite" : "NaN") +
                     "; the inputs are " + shapes_of(call.inputs));
  }
}

extern const RowList rows_checked;
constinit const RowList rows_checked{{}, {}};

}  // namespace entasis
