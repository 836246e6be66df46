#include <entasis/nn/container.h>

#include <entasis/core/error.h>

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

Tensor Sequential::forward(const Tensor& input) {
  const Location at = call_place();
  Tensor x = input;
  for (Module* child : children()) x = (*child)(x, at);
  return x;
}

}  // namespace entasis::nn
