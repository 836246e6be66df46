#include <entasis/nn/module.h>

#include <algorithm>
#include <set>

#include <entasis/core/autograd.h>
#include <entasis/core/error.h>
#include <entasis/core/thread_state_internal.h>
#include <entasis/ops/copy.h>

namespace entasis::nn {
namespace {

constexpr const char* kRootName = "model";

std::string join(const std::string& prefix, const std::string& name) {
  return prefix.empty() ? name : prefix + "." + name;
}

}  // namespace

// ---- Calls

constinit thread_local const Module::Call* Module::Call::innermost_ = nullptr;

Module::Call::Call(const Module& module, Location at) : at_(at), outer_(innermost_) {
  if (!module.name_.empty()) {
    scope_.emplace(module.name_.c_str());
  } else if (thread_state.module == nullptr) {
    scope_.emplace(kRootName);
  }
  innermost_ = this;
}

Module::Call::~Call() { innermost_ = outer_; }

Location Module::call_place(Location here) {
  return Call::innermost_ ? Call::innermost_->at_ : here;
}

// ---- Building

Module::Module() = default;

Module::~Module() {
  // Children that outlive this module (members of a derived class never do) stand alone.
  for (Module* child : children_) child->parent_ = nullptr;
  if (parent_) std::erase(parent_->children_, this);
}

Tensor Module::forward(const Tensor&) {
  throw Error("this module has no forward() of one tensor", call_place());
}

void Module::check_name(const std::string& name, Location at) const {
  auto fail = [&](const std::string& what) {
    ValueError error("the name '" + name + "' " + what);
    place_in_frames(error, "nn::Module", at);
    throw error;
  };
  if (name.empty()) fail("is empty");
  if (name.find('.') != std::string::npos) fail("holds a dot, which separates names in a path");
  for (const Module* child : children_) {
    if (child->name_ == name) fail("is taken by another child");
  }
  for (const std::list<Slot>* slots : {&parameters_, &buffers_}) {
    for (const Slot& slot : *slots) {
      if (slot.name == name) {
        fail(slot.is_parameter ? "is taken by a parameter" : "is taken by a buffer");
      }
    }
  }
}

void Module::adopt(Module& child, std::string name, Location at) {
  check_name(name, at);
  children_.push_back(&child);
  child.name_ = std::move(name);
  child.parent_ = this;
}

Tensor& Module::parameter(std::string name, Tensor value, Location at) {
  check_name(name, at);
  if (value.defined()) {
    if (!value.is_leaf()) {
      throw AutogradError("the parameter '" + name + "' is the result of an op; detach() it first",
                          at);
    }
    value.requires_grad_(true, at);
  }
  return parameters_.emplace_back(Slot{std::move(name), std::move(value), true, true}).tensor;
}

Tensor& Module::buffer(std::string name, Tensor value, bool persistent, Location at) {
  check_name(name, at);
  return buffers_.emplace_back(Slot{std::move(name), std::move(value), false, persistent}).tensor;
}

// ---- Walks

// Calls fn(path, slot) for all defined tensors, each module's parameters before its buffers.
template <class F>
void Module::visit_tensors(const std::string& prefix, F&& fn) const {
  for (const std::list<Slot>* slots : {&parameters_, &buffers_}) {
    for (const Slot& slot : *slots) {
      if (slot.tensor.defined()) fn(join(prefix, slot.name), slot);
    }
  }
  for (const Module* child : children_) child->visit_tensors(join(prefix, child->name_), fn);
}

Tensors Module::parameters() const {
  Tensors list;
  for (const auto& [name, tensor] : named_parameters()) list.push_back(tensor);
  return list;
}

NamedTensors Module::named_parameters() const {
  NamedTensors list;
  std::set<const TensorImpl*> seen;
  visit_tensors("", [&](std::string path, const Slot& slot) {
    if (slot.is_parameter && seen.insert(slot.tensor.impl()).second) {
      list.add(std::move(path), slot.tensor);
    }
  });
  return list;
}

NamedTensors Module::named_buffers() const {
  NamedTensors list;
  std::set<const TensorImpl*> seen;
  visit_tensors("", [&](std::string path, const Slot& slot) {
    if (!slot.is_parameter && seen.insert(slot.tensor.impl()).second) {
      list.add(std::move(path), slot.tensor);
    }
  });
  return list;
}

std::vector<NamedModule> Module::named_modules() {
  std::vector<NamedModule> list;
  auto visit = [&list](auto& self, const std::string& path, Module& module) -> void {
    list.push_back({path, &module});
    for (Module* child : module.children_) self(self, join(path, child->name_), *child);
  };
  visit(visit, "", *this);
  return list;
}

// ---- State

NamedTensors Module::state_dict() const {
  NamedTensors state;
  visit_tensors("", [&](std::string path, const Slot& slot) {
    if (slot.persistent) state.add(std::move(path), slot.tensor.detach());
  });
  return state;
}

LoadResult Module::load_state_dict(const NamedTensors& state, bool strict, Location at) {
  const NamedTensors own = state_dict();
  LoadResult result;
  std::string misfits;
  for (const auto& [name, tensor] : own) {
    const Tensor* source = state.find(name);
    if (source == nullptr || !source->defined()) {
      result.missing.push_back(name);
    } else if (!(source->shape() == tensor.shape())) {
      misfits += "\n  '" + name + "' has shape " + to_string(source->shape()) +
                 ", the module's has " + to_string(tensor.shape());
    } else if (source->dtype() != tensor.dtype()) {
      misfits += "\n  '" + name + "' is " + name_of(source->dtype()) + ", the module's is " +
                 name_of(tensor.dtype());
    }
  }
  for (const auto& [name, tensor] : state) {
    if (!own.contains(name)) result.unexpected.push_back(name);
  }
  if (strict) {
    for (const std::string& name : result.missing) misfits += "\n  '" + name + "' is missing";
    for (const std::string& name : result.unexpected) {
      misfits += "\n  '" + name + "' is unexpected";
    }
  }
  if (!misfits.empty()) {
    throw ValueError("load_state_dict: the state does not fit the module:" + misfits, at);
  }

  const NoGrad no_grad;
  for (const auto& [name, tensor] : own) {
    if (const Tensor* source = state.find(name)) {
      copy_(tensor, *source, false, at);
    }
  }
  return result;
}

// ---- Changes to everything

void Module::train(bool on) {
  apply([on](Module& module) { module.training_ = on; });
}

void Module::zero_grad() {
  apply([](Module& module) {
    for (Slot& slot : module.parameters_) {
      if (slot.tensor.defined()) slot.tensor.zero_grad();
    }
  });
}

void Module::requires_grad_(bool on, Location at) {
  for (Tensor& parameter : parameters()) parameter.requires_grad_(on, at);
}

// Replaces each tensor by fn(tensor), and so its gradient.
template <class F>
void Module::convert(F&& fn) {
  const NoGrad no_grad;
  apply([&fn](Module& module) {
    for (std::list<Slot>* slots : {&module.parameters_, &module.buffers_}) {
      for (Slot& slot : *slots) {
        if (!slot.tensor.defined()) continue;
        const Tensor converted = fn(slot.tensor);
        if (converted.same(slot.tensor)) continue;  // as it should be, or another module's too
        const Tensor grad = slot.tensor.grad();
        slot.tensor.zero_grad();
        slot.tensor.set_data(converted);
        if (grad.defined()) slot.tensor.set_grad(fn(grad));
      }
    }
  });
}

void Module::to(Device device, Location at) {
  convert([&](const Tensor& tensor) { return to_device(tensor, device, false, at); });
}

void Module::to(DType dtype, Location at) {
  if (!is_floating_point(dtype)) {
    throw DtypeError(
        std::string("to: a module's dtype must be floating-point, not ") + name_of(dtype), at);
  }
  convert([&](const Tensor& tensor) {
    return is_floating_point(tensor.dtype()) ? entasis::to(tensor, dtype, at) : tensor;
  });
}

}  // namespace entasis::nn
