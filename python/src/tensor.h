// The class Tensor is defined in one piece by several files; these are their parts.
#pragma once

#include <entasis/python/src/named.h>

namespace entasis::python {

// Python's buffer protocol: how NumPy, memoryview and others look into a tensor. (arrays.cpp)
int get_buffer(PyObject* self, Py_buffer* view, int flags);
void release_buffer(PyObject* self, Py_buffer* view);

// Hooks, and what the garbage collector is told of them and of functions. (hooks.cpp)
int visit_callables(PyObject* self, visitproc visit, void* arg);
int clear_callables(PyObject* self);
void bind_hooks(nb::module_& m, nb::class_<Tensor>& tensor);

// A Python callable that a graph holds: a hook on a tensor, the backward of a node. It is made with
// the GIL and dropped with the graph, on any thread.
class GraphCallable {
 public:
  explicit GraphCallable(nb::object given);
  ~GraphCallable();
  GraphCallable(const GraphCallable&) = delete;
  GraphCallable& operator=(const GraphCallable&) = delete;
  // The TensorImpl or Node that holds it and outlives it. Once.
  void belong_to(const void* owner);

  nb::object function;  // null once the garbage collector has cleared it

 private:
  const void* owner_ = nullptr;
};

// The property `grad`: the same object each time while one is alive. (gradients.cpp)
named::OptionalTensor get_grad(const Tensor& tensor);
void set_grad(Tensor& tensor, const named::OptionalTensor& grad);

// A tensor over the memory of an object with a buffer. Throws ValueError for memory that is
// read-only or has strides that a tensor cannot have. (arrays.cpp)
Tensor from_numpy(nb::handle array);
// A copy of numbers, nested lists or an array, with their own dtype. (factories.cpp)
Tensor tensor_of_data(nb::handle data);

void bind_indexing(nb::class_<Tensor>& tensor);
void bind_arrays(nb::module_& m, nb::class_<Tensor>& tensor);
void bind_dlpack(nb::module_& m, nb::class_<Tensor>& tensor);

}  // namespace entasis::python
