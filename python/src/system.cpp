// The machine: threads, instruction sets, memory, devices, versions.
#include <string>

#include <nanobind/stl/string.h>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/backend.h>
#include <entasis/core/plugin.h>
#include <entasis/core/precision.h>
#include <entasis/python/src/bind.h>

namespace entasis::python {

void bind_system(nb::module_& m) {
  m.attr("__version__") = version();
  m.def(
      "set_num_threads", [](int n) { set_num_threads(n); }, nb::arg("n"));
  m.def("get_num_threads", [] { return num_threads(); });
  m.def(
      "allow_tf32", [](bool on) { allow_tf32(on); }, nb::arg("on"));
  m.def("is_tf32_allowed", [] { return is_tf32_allowed(); });
  m.def("memory_summary", [] { return memory_summary(); });
}

}  // namespace entasis::python
