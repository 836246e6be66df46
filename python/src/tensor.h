// The class Tensor is defined in one piece by several files; these are their parts.
#pragma once

#include <entasis/python/src/bind.h>

namespace entasis::python {

// Python's buffer protocol: how NumPy, memoryview and others look into a tensor. (arrays.cpp)
const PyType_Slot* buffer_slots();

void bind_indexing(nb::class_<Tensor>& tensor);
void bind_arrays(nb::module_& m, nb::class_<Tensor>& tensor);
void bind_dlpack(nb::module_& m, nb::class_<Tensor>& tensor);

}  // namespace entasis::python
