// What bindings take and return as plain Python objects, under the names that signatures and stubs
// give them: those of python/entasis/typing.py, and some of Python's own.
#pragma once

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>

#include <entasis/python/src/bind.h>

namespace entasis::python::named {

// What does not fit is refused by the function that is called, in its own words.
inline bool anything(PyObject*) { return true; }

// ---- Taken

struct Scalar : nb::object {
  NB_OBJECT_DEFAULT(Scalar, nb::object, "Scalar", anything)
};
struct Operand : nb::object {
  NB_OBJECT_DEFAULT(Operand, nb::object, "Tensor | Scalar", anything)
};
struct Ints : nb::object {
  NB_OBJECT_DEFAULT(Ints, nb::object, "Ints", anything)
};
struct DtypeLike : nb::object {
  NB_OBJECT_DEFAULT(DtypeLike, nb::object, "DtypeLike", anything)
};
struct DeviceLike : nb::object {
  NB_OBJECT_DEFAULT(DeviceLike, nb::object, "DeviceLike", anything)
};
struct CudaDeviceLike : nb::object {
  NB_OBJECT_DEFAULT(CudaDeviceLike, nb::object, "DeviceLike | int", anything)
};
struct ArrayLike : nb::object {
  NB_OBJECT_DEFAULT(ArrayLike, nb::object, "ArrayLike", anything)
};
struct BufferLike : nb::object {
  NB_OBJECT_DEFAULT(BufferLike, nb::object, "BufferLike", anything)
};
struct SupportsDLPack : nb::object {
  NB_OBJECT_DEFAULT(SupportsDLPack, nb::object, "SupportsDLPack", anything)
};
struct Subscript : nb::object {
  NB_OBJECT_DEFAULT(Subscript, nb::object, "Subscript", anything)
};

// ---- Returned

struct Self : nb::object {
  NB_OBJECT_DEFAULT(Self, nb::object, "typing.Self", anything)
};
struct Dtype : nb::object {
  NB_OBJECT_DEFAULT(Dtype, nb::object, "Dtype", anything)
};
struct NDArray : nb::object {
  NB_OBJECT_DEFAULT(NDArray, nb::object, "NDArray[typing.Any]", anything)
};
struct Capsule : nb::object {
  NB_OBJECT_DEFAULT(Capsule, nb::object, "CapsuleType", anything)
};
using Tensor = nb::typed<nb::object, entasis::Tensor>;
using OptionalTensor = nb::typed<nb::object, std::optional<entasis::Tensor>>;
using Shape = nb::typed<nb::tuple, int, nb::ellipsis>;
using TensorList = nb::typed<nb::list, entasis::Tensor>;
using AnyDict = nb::typed<nb::dict, std::string, nb::any>;
using TextDict = nb::typed<nb::dict, std::string, std::string>;
using TensorDict = nb::typed<nb::dict, std::string, entasis::Tensor>;

// Of the end of a `with` block, which asks nothing of the exception.
constexpr const char* kExitSignature = "def __exit__(self, *exception: object) -> None";

}  // namespace entasis::python::named
