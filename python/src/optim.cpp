// Optimizers: the C++ ones, whose step is one fused pass. entasis/optim.py gives them PyTorch's
// constructors and state dicts.
#include <map>
#include <string>
#include <vector>

#include <nanobind/stl/map.h>
#include <nanobind/stl/vector.h>

#include <entasis/optim/optim.h>
#include <entasis/python/src/named.h>

namespace entasis::python {
namespace {

using optim::Optimizer;
using Numbers = std::map<std::string, double>;

// Groups of parameters, each with the options that differ from the defaults.
using Groups = std::vector<std::pair<Tensors, Numbers>>;

template <class O>
std::vector<optim::ParameterGroup<typename O::Options>> groups_of(const Groups& given) {
  std::vector<optim::ParameterGroup<typename O::Options>> groups;
  for (const auto& [parameters, own] : given) {
    const Numbers& numbers = own;  // clang 14 captures no structured bindings
    typename O::Options options;
    size_t used = 0;
    options.visit([&]<class T>(const char* name, T& value) {
      const auto found = numbers.find(name);
      if (found == numbers.end()) return;
      value = static_cast<T>(found->second);
      ++used;
    });
    if (const auto found = numbers.find("capturable"); found != numbers.end()) {
      options.capturable = found->second != 0;
      ++used;
    }
    if (used != numbers.size()) {
      throw ValueError("an optimizer was given an option that it does not have",
                       Location::deferred());
    }
    groups.push_back({parameters, options});
  }
  return groups;
}

template <class O>
void define(nb::module_& m, const char* name) {
  nb::class_<O, Optimizer>(m, name).def("__init__", [](O* self, const Groups& groups) {
    new (self) O(groups_of<O>(groups), Location::deferred());
  });
}

}  // namespace

void bind_optim(nb::module_& m) {
  nb::class_<Optimizer>(m, "_Optimizer")
      .def("_step",
           [](Optimizer& o) {
             const nb::gil_scoped_release release;
             o.step(Location::deferred());
           })
      .def("zero_grad", &Optimizer::zero_grad, "Drops the gradients of all parameters.")
      .def("_parameters", [](const Optimizer& o) { return o.parameters(); })
      .def("_get_lr",
           [](const Optimizer& o, size_t group) { return o.lr(group, Location::deferred()); })
      .def("_set_lr", [](Optimizer& o, double lr) { o.set_lr(lr, Location::deferred()); })
      .def("_set_group_lr", [](Optimizer& o, size_t group,
                               double lr) { o.set_group_lr(group, lr, Location::deferred()); })
      .def("_state",
           [](const Optimizer& o) {
             const NamedState state = o.state_dict();
             named::TensorDict tensors;
             for (const auto& [name, tensor] : state.tensors) {
               tensors[name.c_str()] = to_object(tensor);
             }
             return std::pair(tensors, state.numbers);
           })
      .def("_load_state",
           [](Optimizer& o, const named::TensorDict& tensors, const Numbers& numbers) {
             NamedState state;
             for (const auto& [name, tensor] : tensors) {
               state.tensors.add(nb::cast<std::string>(name), nb::cast<Tensor>(tensor),
                                 Location::deferred());
             }
             state.numbers = numbers;
             o.load_state_dict(state, Location::deferred());
           });
  define<optim::SGD>(m, "_SGD");
  define<optim::Adam>(m, "_Adam");
  define<optim::AdamW>(m, "_AdamW");
}

}  // namespace entasis::python
