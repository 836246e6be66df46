// The extension module entasis._entasis. Its parts are in the files beside this one; what Python
// says better than C++ is in python/entasis.
#include <entasis/python/src/bind.h>

NB_MODULE(_entasis, m) {
  using namespace entasis::python;
  // At the process's end a graph may still hold Python objects that hold the graph.
  nanobind::set_leak_warnings(false);
  m.doc() = "Tensors and gradients: the C++ library as Python sees it.";
  bind_errors(m);
  bind_dtypes(m);
  bind_tensor(m);
  bind_types(m);
  bind_ops(m);
  bind_factories(m);
  bind_random(m);
  bind_init(m);
  bind_autograd(m);
  bind_optim(m);
  bind_files(m);
  bind_system(m);
  bind_cuda(m);
}
