#include "toy.h"

#include <string>

#include <entasis/core/error.h>
#include <entasis/core/kernels.h>
#include <entasis/core/row.h>

namespace toy {

struct Scale {
  static constexpr const char* name = "toy_scale";
  bool operator==(const Scale&) const = default;
};

}  // namespace toy

template <>
struct entasis::Rule<toy::Scale> {
  static Spec infer(const toy::Scale&, Inputs in) {
    if (in[0].dim() == 3) throw ShapeError("takes no 3-d input, it is " + to_string(in[0].shape()));
    return Spec::dense(kF32, in[0].shape());
  }
};

namespace toy {
namespace {

using namespace entasis;

// Throws from a kernel of another library, too: a 2-d input.
void scale(CpuContext&, const Scale&, Inputs in, Outputs out) {
  if (in[0].dim() == 2) throw ShapeError("the kernel takes no 2-d input");
  for (int64_t i = 0; i < out[0].numel(); ++i) {
    out[0].raw_as<float>()[i] = 2 * in[0].data<float>()[i];
  }
}

Tensor toy_scale(const Tensor& input, Location at) { return apply(Scale{}, at, input); }

constinit const Row rows[] = {row<&toy_scale>("toy_scale", args("input"), "Twice the input.")};
constinit OpInfo* const ops[] = {&op_info<Scale>};
constinit const RowList list{rows, ops};

}  // namespace

const char* register_all() {
  static std::string failure;
  try {
    register_rows(list);
    register_kernel<&scale>(DeviceType::kCPU);
  } catch (const std::exception& error) {
    failure = error.what();
    return failure.c_str();
  }
  return nullptr;
}

}  // namespace toy
