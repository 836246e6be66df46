// Python objects as the dynamic arguments of rows, and back.
#pragma once

#include <optional>

#include <entasis/core/row.h>
#include <entasis/python/src/bind.h>

namespace entasis::python {

// Stores what `object` means to an argument of this type; false, without a Python error, if it does
// not fit. Throws nb::python_error if the object's own code raises.
bool to_value(PyObject* object, const Type& type, Value& out);

// A result. Null with a Python error set.
PyObject* from_value(Value value);

// "int", "Tensor or number" …: what an argument of this type takes, for messages and signatures.
std::string describe(const Type& type);

// Lists and tuples: what may stand for dimensions, several tensors or nested numbers.
inline bool is_sequence(PyObject* object) { return PyList_Check(object) || PyTuple_Check(object); }

// ---- Parts of the above for functions that are no rows. Each throws nb::type_error or one of
// entasis' errors.
DType dtype_of_object(nb::handle object);
nb::object object_of(DType dtype);
Device device_of_object(nb::handle object);
// A CUDA device that is there, by index, name or object; None is the current one.
Device cuda_device_of_object(nb::handle object);
std::optional<Number> number_of_object(PyObject* object);
std::optional<Dims> dims_of_object(PyObject* object);  // one number stands for a list of one

}  // namespace entasis::python
