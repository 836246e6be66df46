#include <entasis/core/named_tensors.h>

#include <utility>

#include <entasis/core/error.h>

namespace entasis {

NamedTensors::NamedTensors(std::initializer_list<NamedTensor> entries, Location at) {
  for (const NamedTensor& entry : entries) add(entry.name, entry.tensor, at);
}

void NamedTensors::add(std::string name, Tensor tensor, Location at) {
  if (!positions_.emplace(name, entries_.size()).second) {
    throw ValueError("the name '" + name + "' is already taken", at);
  }
  entries_.push_back({std::move(name), std::move(tensor)});
}

const Tensor* NamedTensors::find(std::string_view name) const {
  const auto found = positions_.find(name);
  return found == positions_.end() ? nullptr : &entries_[found->second].tensor;
}

const Tensor& NamedTensors::at(std::string_view name, Location at) const {
  const Tensor* tensor = find(name);
  if (tensor == nullptr) {
    throw ValueError("there is no tensor named '" + std::string(name) + "'", at);
  }
  return *tensor;
}

}  // namespace entasis
