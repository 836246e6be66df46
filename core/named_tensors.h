// Tensors by name, in order: what state dicts, checkpoints and files of weights hold.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <entasis/core/tensor.h>

namespace entasis {

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

// Keeps the order in which entries were added and finds them by name. Copies share the tensors.
class ENTASIS_API NamedTensors {
 public:
  NamedTensors() = default;
  NamedTensors(std::initializer_list<NamedTensor> entries, Location at = {});

  // Throws ValueError if the name is taken.
  void add(std::string name, Tensor tensor, Location at = {});
  // Null if there is no such name.
  const Tensor* find(std::string_view name) const;
  bool contains(std::string_view name) const { return find(name) != nullptr; }
  // Throws ValueError if there is no such name.
  const Tensor& at(std::string_view name, Location at = {}) const;

  size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }

 private:
  std::vector<NamedTensor> entries_;
  std::map<std::string, size_t, std::less<>> positions_;
};

// Tensors and numbers by name: what an optimizer needs to go on where it stopped.
struct NamedState {
  NamedTensors tensors;
  std::map<std::string, double> numbers;
};

}  // namespace entasis
