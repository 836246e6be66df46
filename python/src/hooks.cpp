// Hooks written in Python, and what the garbage collector is told of them and of functions. Either
// often holds the tensor that it hangs on, a cycle through C++ that Python's garbage collector
// cannot see by itself; so tensors tell it of the callables that nothing but they can reach.
#include <algorithm>
#include <memory>
#include <unordered_map>
#include <vector>

#include <entasis/core/node.h>
#include <entasis/python/src/named.h>
#include <entasis/python/src/tensor.h>

namespace entasis::python {
namespace {

using Callables = std::vector<GraphCallable*>;

// Those on each tensor or node, by its address. Guarded by the GIL.
std::unordered_map<const void*, Callables>& callables_by_owner() {
  static auto* callables = new std::unordered_map<const void*, Callables>;
  return *callables;
}

using GradientHook = nb::typed<nb::callable, named::OptionalTensor(Tensor)>;
using LeafHook = nb::typed<nb::callable, void(Tensor)>;

// What registering a hook returns.
struct HookHandle {
  Tensor tensor;
  int id;
};

HookHandle register_hook(Tensor& self, const GradientHook& function) {
  auto hook = std::make_shared<GraphCallable>(function);
  hook->belong_to(self.impl());
  const int id = self.register_hook(
      [hook](const Tensor& gradient) -> Tensor {
        const nb::gil_scoped_acquire gil;
        if (!hook->function.is_valid()) return {};
        const nb::object result = hook->function(to_object(gradient));
        return result.is_none() ? Tensor() : nb::cast<Tensor>(result);
      },
      Location::deferred());
  return {self, id};
}

// Runs as soon as the gradient of a leaf is final, in mid-backward.
HookHandle register_post_accumulate_grad_hook(Tensor& self, const LeafHook& function) {
  auto hook = std::make_shared<GraphCallable>(function);
  hook->belong_to(self.impl());
  const int id = self.register_completion_hook(
      [hook](const Tensor& leaf) {
        const nb::gil_scoped_acquire gil;
        if (hook->function.is_valid()) hook->function(to_object(leaf));
      },
      Location::deferred());
  return {self, id};
}

// The callables of a tensor and of the node behind it that nothing but its Python object leads to:
// no graph holds the tensor or the node, and there is no second handle.
Callables own_callables(PyObject* self) {
  if (!nb::inst_ready(self)) return {};
  const TensorImpl* impl = tensor_of(self).impl();
  if (!impl || impl->references() != 1) return {};
  const Node* node = impl->grad_fn;
  if (node && node->references() != 1) return {};
  Callables own;
  for (const void* owner : {static_cast<const void*>(impl), static_cast<const void*>(node)}) {
    const auto found = callables_by_owner().find(owner);
    if (found == callables_by_owner().end()) continue;
    own.insert(own.end(), found->second.begin(), found->second.end());
  }
  return own;
}

}  // namespace

GraphCallable::GraphCallable(nb::object given) : function(std::move(given)) {}

void GraphCallable::belong_to(const void* owner) {
  owner_ = owner;
  callables_by_owner()[owner].push_back(this);
}

GraphCallable::~GraphCallable() {
  if (!Py_IsInitialized()) {
    function.release();
    return;
  }
  const nb::gil_scoped_acquire gil;
  if (owner_) {
    const auto found = callables_by_owner().find(owner_);
    std::erase(found->second, this);
    if (found->second.empty()) callables_by_owner().erase(found);
  }
  function.reset();
}

int visit_callables(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  for (const GraphCallable* callable : own_callables(self)) Py_VISIT(callable->function.ptr());
  return 0;
}

int clear_callables(PyObject* self) {
  std::vector<nb::object> functions;  // their ends may run Python code: not inside of the walk
  for (GraphCallable* callable : own_callables(self)) {
    functions.push_back(std::move(callable->function));
  }
  return 0;
}

void bind_hooks(nb::module_& m, nb::class_<Tensor>& tensor) {
  nb::class_<HookHandle>(m, "HookHandle", "What registering a hook returns.")
      .def(
          "remove", [](HookHandle& h) { h.tensor.remove_hook(h.id); }, "Takes the hook off.");
  tensor
      .def("register_hook", &register_hook, nb::arg("hook"),
           "Calls hook(gradient) when this tensor's gradient is known; what it returns, if "
           "anything, "
           "takes the gradient's place.")
      .def("register_post_accumulate_grad_hook", &register_post_accumulate_grad_hook,
           nb::arg("hook"), "Calls hook(tensor) as soon as a leaf's gradient is final.");
}

}  // namespace entasis::python
