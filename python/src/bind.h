// What the files of the bindings share: nanobind, tensors as Python objects, errors as exceptions.
#pragma once

#include <nanobind/nanobind.h>

#include <entasis/core/error.h>
#include <entasis/core/tensor.h>

namespace entasis::python {

namespace nb = nanobind;

// ---- Tensors as objects. All of this needs the GIL.

extern PyTypeObject* tensor_type;  // the class Tensor
inline bool is_tensor(PyObject* object) {
  return Py_TYPE(object) == tensor_type || PyType_IsSubtype(Py_TYPE(object), tensor_type);
}
// Only of an object that is_tensor().
inline Tensor& tensor_of(PyObject* object) { return *nb::inst_ptr<Tensor>(object); }
// A new object; None for an undefined tensor. Null with a Python error set.
PyObject* wrap(Tensor tensor);
inline nb::object to_object(Tensor tensor) { return nb::steal(wrap(std::move(tensor))); }

// ---- Errors

// Turns the exception in flight into a Python one: entasis' errors into the classes of the same
// names, what comes from Python into itself, others into RuntimeError.
void set_python_error() noexcept;

// Where the current thread's Python code stands: the innermost frame outside of this package.
Location python_place();

// ---- What each file adds to the module.
void bind_errors(nb::module_& m);
void bind_dtypes(nb::module_& m);
void bind_tensor(nb::module_& m);
void bind_types(nb::module_& m);
void bind_ops(nb::module_& m);
void bind_factories(nb::module_& m);
void bind_random(nb::module_& m);
void bind_init(nb::module_& m);
void bind_autograd(nb::module_& m);
void bind_optim(nb::module_& m);
void bind_files(nb::module_& m);
void bind_system(nb::module_& m);
void bind_cuda(nb::module_& m);

}  // namespace entasis::python
