// Hooks written in Python. A hook often holds the tensor that it hangs on, a cycle through C++ that
// Python's garbage collector cannot see by itself; so tensors tell it of the hooks that nothing but
// they can reach.
#include <algorithm>
#include <memory>
#include <unordered_map>
#include <vector>

#include <entasis/core/node.h>
#include <entasis/python/src/named.h>
#include <entasis/python/src/tensor.h>

namespace entasis::python {
namespace {

struct Hook;

// The hooks on each tensor, by the tensor's address. Guarded by the GIL.
std::unordered_map<const TensorImpl*, std::vector<Hook*>>& hooks_by_tensor() {
  static auto* hooks = new std::unordered_map<const TensorImpl*, std::vector<Hook*>>;
  return *hooks;
}

struct Hook {
  Hook(const TensorImpl* tensor, nb::object given) : tensor(tensor), function(std::move(given)) {
    hooks_by_tensor()[tensor].push_back(this);
  }
  // Dropped with the graph, on any thread.
  ~Hook() {
    if (!Py_IsInitialized()) {
      function.release();
      return;
    }
    const nb::gil_scoped_acquire gil;
    auto& all = hooks_by_tensor();
    const auto found = all.find(tensor);
    std::erase(found->second, this);
    if (found->second.empty()) all.erase(found);
    function.reset();
  }
  Hook(const Hook&) = delete;
  Hook& operator=(const Hook&) = delete;

  const TensorImpl* tensor;
  nb::object function;  // null once the garbage collector has cleared it
};

using GradientHook = nb::typed<nb::callable, named::OptionalTensor(Tensor)>;
using LeafHook = nb::typed<nb::callable, void(Tensor)>;

// What registering a hook returns.
struct HookHandle {
  Tensor tensor;
  int id;
};

HookHandle register_hook(Tensor& self, const GradientHook& function) {
  auto hook = std::make_shared<Hook>(self.impl(), function);
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
  auto hook = std::make_shared<Hook>(self.impl(), function);
  const int id = self.register_completion_hook(
      [hook](const Tensor& leaf) {
        const nb::gil_scoped_acquire gil;
        if (hook->function.is_valid()) hook->function(to_object(leaf));
      },
      Location::deferred());
  return {self, id};
}

// The hooks of a tensor that nothing but its Python object leads to: no graph holds the tensor or
// the node behind it, and there is no second handle.
const std::vector<Hook*>* own_hooks(PyObject* self) {
  if (!nb::inst_ready(self)) return nullptr;
  const TensorImpl* impl = tensor_of(self).impl();
  if (!impl || impl->references() != 1 || (impl->grad_fn && impl->grad_fn->references() != 1))
    return nullptr;
  const auto found = hooks_by_tensor().find(impl);
  return found == hooks_by_tensor().end() ? nullptr : &found->second;
}

}  // namespace

int visit_hooks(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  if (const auto* hooks = own_hooks(self)) {
    for (const Hook* hook : *hooks) Py_VISIT(hook->function.ptr());
  }
  return 0;
}

int clear_hooks(PyObject* self) {
  const auto* hooks = own_hooks(self);
  if (!hooks) return 0;
  std::vector<nb::object> functions;  // their ends may run Python code: not inside of the walk
  for (Hook* hook : *hooks) functions.push_back(std::move(hook->function));
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
