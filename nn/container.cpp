#include <entasis/nn/container.h>

#include <typeinfo>

#include <entasis/core/error.h>
#include <entasis/nn/activation.h>
#include <entasis/nn/linear.h>
#include <entasis/ops/matmul.h>

namespace entasis::nn {

Container::Container() = default;

// The last made goes first, as members do.
Container::~Container() {
  while (!owned_.empty()) {
    delete owned_.back();
    owned_.pop_back();
  }
}

// Before a child is made, so that taking it over cannot fail.
void Container::make_room() { owned_.reserve(owned_.size() + 1); }

void Container::own(Module* child) { owned_.push_back(child); }

Module& Container::at(int64_t index, Location at) const {
  const int64_t count = int64_t(size());
  if (index < -count || index >= count) {
    throw IndexError("index " + std::to_string(index) + " is out of range for a container of " +
                         std::to_string(count) + " modules",
                     at);
  }
  return *children()[size_t(index < 0 ? index + count : index)];
}

void Container::throw_other_type(int64_t index, Location at) const {
  throw ValueError("the module at " + std::to_string(index) + " is of another type", at);
}

namespace {

// `module` as an M that add<M>() made; null if it is another, or a class derived from M, which may
// do something else.
template <class M>
M* exactly(Module* module) {
  return typeid(*module) == typeid(Sub<M>) ? static_cast<M*>(module) : nullptr;
}

}  // namespace

Tensor Sequential::forward(const Tensor& input) {
  const Location at = call_place();
  const std::vector<Module*>& modules = children();
  Tensor x = input;
  for (size_t i = 0; i < modules.size(); ++i) {
    Module* const next = i + 1 < modules.size() ? modules[i + 1] : nullptr;
    Linear* const layer = next != nullptr ? exactly<Linear>(modules[i]) : nullptr;
    const bool relu = layer != nullptr && exactly<ReLU>(next);
    GELU* const gelu = layer != nullptr ? exactly<GELU>(next) : nullptr;
    if (!relu && gelu == nullptr) {
      x = (*modules[i])(x, at);
      continue;
    }
    const Call call(*layer, at);
    x = relu ? linear_relu(x, layer->weight, layer->bias, at)
             : linear_gelu(x, layer->weight, layer->bias, gelu->approximate(), at);
    ++i;
  }
  return x;
}

}  // namespace entasis::nn
