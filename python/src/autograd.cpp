// Gradients: modes as context managers' ground, grad(), functions written in Python.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nanobind/stl/vector.h>

#include <entasis/core/autograd.h>
#include <entasis/ops/checked.h>
#include <entasis/python/src/tensor.h>
#include <entasis/python/src/values.h>

namespace entasis::python {
namespace {

// A mode of this thread while a `with` block runs.
template <class Guard>
struct Scope {
  std::optional<Guard> guard;
};

template <class Guard>
void define_scope(nb::module_& m, const char* name, const char* doc) {
  nb::class_<Scope<Guard>>(m, name, doc)
      .def(nb::init<>())
      .def("__enter__", [](Scope<Guard>& s) { s.guard.emplace(); })
      .def(
          "__exit__", [](Scope<Guard>& s, nb::args) { s.guard.reset(); },
          nb::sig(named::kExitSignature));
}

using OptionalTensors = nb::typed<nb::sequence, std::optional<Tensor>>;
using GradientList = nb::typed<nb::list, std::optional<Tensor>>;

GradientList grad_of(const Tensors& outputs, const Tensors& inputs,
                     const std::optional<OptionalTensors>& grad_outputs, bool retain_graph,
                     bool create_graph, bool allow_unused) {
  GradOptions options;
  if (grad_outputs) {
    for (nb::handle g : *grad_outputs) {
      options.grad_outputs.push_back(g.is_none() ? Tensor() : nb::cast<Tensor>(g));
    }
  }
  options.retain_graph = retain_graph;
  options.create_graph = create_graph;
  options.allow_unused = allow_unused;
  Tensors gradients;
  {
    const nb::gil_scoped_release release;
    gradients = grad(outputs, inputs, options, Location::deferred());
  }
  GradientList result;
  for (Tensor& g : gradients) result.append(to_object(std::move(g)));
  return result;
}

// ---- Functions written in Python (entasis/autograd.py): `backward(saved, gradients)` gives one
// gradient or None for each input.

Grads gradients_of(const nb::object& results, size_t inputs) {
  const nb::object list =
      is_sequence(results.ptr()) ? results : nb::object(nb::make_tuple(results));
  Grads gradients;
  for (nb::handle g : list) {
    gradients.push_back(g.is_none() ? Tensor() : nb::cast<Tensor>(g));
  }
  if (size_t(gradients.size()) != inputs) {
    throw AutogradError("backward() returned " + std::to_string(gradients.size()) +
                        " gradients for " + std::to_string(inputs) + " inputs");
  }
  return gradients;
}

const char* lasting(const std::string& name) {
  return PyUnicode_AsUTF8AndSize(
      nb::steal(PyUnicode_InternFromString(name.c_str())).release().ptr(), nullptr);
}

using Backward = nb::typed<nb::callable, OptionalTensors(named::TensorList, named::TensorList)>;

named::TensorList record(const std::string& name, const Tensors& inputs, const Tensors& outputs,
                         const Tensors& saved, const Backward& backward) {
  FunctionContext context;
  for (const Tensor& t : saved) context.save(t);
  const size_t saved_count = saved.size(), input_count = inputs.size();
  const auto held = std::make_shared<GraphCallable>(backward);
  auto run = [held, saved_count, input_count](FunctionContext& c, Grads gy) -> Grads {
    const nb::gil_scoped_acquire gil;
    if (!held->function.is_valid()) {
      throw AutogradError("the garbage collector has taken this function's backward()");
    }
    nb::list tensors, gradients;
    for (size_t i = 0; i < saved_count; ++i) tensors.append(to_object(c.saved(int(i))));
    for (const Tensor& g : gy) gradients.append(to_object(g));
    return gradients_of(held->function(tensors, gradients), input_count);
  };
  named::TensorList result;
  const Tensors recorded = record_function(lasting(name), inputs, outputs, std::move(context),
                                           std::move(run), Location::deferred());
  for (const Tensor& t : recorded) result.append(to_object(t));
  for (const Tensor& t : recorded) {
    if (!t.impl()->grad_fn) continue;
    held->belong_to(t.impl()->grad_fn);
    break;
  }
  return result;
}

}  // namespace

void bind_autograd(nb::module_& m) {
  m.def("is_grad_enabled", &grad_enabled, "Whether ops of this thread are recorded.");
  m.def("is_inference_mode_enabled", &inference_mode_enabled);
  define_scope<NoGrad>(m, "_no_grad", "Ops are not recorded inside.");
  define_scope<EnableGrad>(m, "_enable_grad", "Ops are recorded inside.");
  define_scope<InferenceMode>(m, "_inference_mode",
                              "Nothing is recorded, and what is made inside never will be.");
  define_scope<AnomalyMode>(m, "detect_anomaly",
                            "Backward checks every gradient for NaN and names the forward line.");
  define_scope<CheckedMode>(m, "checked_mode", "Every result is checked for NaN.");
  m.def("_grad", &grad_of, nb::arg("outputs"), nb::arg("inputs"), nb::arg("grad_outputs").none(),
        nb::arg("retain_graph"), nb::arg("create_graph"), nb::arg("allow_unused"));
  m.def("_record_function", &record);
}

}  // namespace entasis::python
