// Python objects as the dynamic arguments of rows, and back.
#include <string>

#include <entasis/ops/copy.h>
#include <entasis/ops/methods.h>
#include <entasis/python/src/values.h>

namespace entasis::python {
namespace {

// An integer or something that serves as one, but no bool.
std::optional<int64_t> integer_of(PyObject* object) {
  if (PyBool_Check(object) || PyFloat_Check(object) || !PyIndex_Check(object)) return {};
  if (is_tensor(object)) return {};
  const nb::object index = nb::steal(PyNumber_Index(object));
  if (!index.is_valid()) throw nb::python_error();
  const long long value = PyLong_AsLongLong(index.ptr());
  if (value == -1 && PyErr_Occurred()) throw nb::python_error();
  return value;
}

bool tensors_to_value(PyObject* object, Value& out) {
  if (!is_sequence(object)) return false;
  Tensors tensors;
  const Py_ssize_t count = PySequence_Size(object);
  for (Py_ssize_t i = 0; i < count; ++i) {
    const nb::object item = nb::steal(PySequence_GetItem(object, i));
    if (!is_tensor(item.ptr())) return false;
    tensors.push_back(tensor_of(item.ptr()));
  }
  out = std::move(tensors);
  return true;
}

bool operand_to_value(PyObject* object, Value& out) {
  const std::optional<Number> number = number_of_object(object);
  if (!number) return false;
  switch (number->category()) {
    case Category::kBoolean:
      out = number->to_bool();
      break;
    case Category::kInteger:
      out = number->to_int();
      break;
    case Category::kFloating:
      out = number->to_double();
      break;
  }
  return true;
}

PyObject* from_tensors(Tensors tensors) {
  PyObject* tuple = PyTuple_New(Py_ssize_t(tensors.size()));
  for (size_t i = 0; tuple && i < tensors.size(); ++i) {
    PyObject* item = wrap(std::move(tensors[i]));
    if (!item) {
      Py_DECREF(tuple);
      return nullptr;
    }
    PyTuple_SetItem(tuple, Py_ssize_t(i), item);
  }
  return tuple;
}

}  // namespace

std::optional<Number> number_of_object(PyObject* object) {
  if (PyFloat_CheckExact(object)) return Number(PyFloat_AsDouble(object));
  if (PyBool_Check(object)) return Number(object == Py_True);
  if (is_tensor(object) || is_sequence(object)) return {};
  if (PyFloat_Check(object)) return Number(PyFloat_AsDouble(object));
  if (const auto integer = integer_of(object)) return Number(*integer);
  if (PyComplex_Check(object) || PyUnicode_Check(object) || !PyNumber_Check(object)) return {};
  const double value = PyFloat_AsDouble(object);  // NumPy's float32 and the like
  if (value == -1 && PyErr_Occurred()) throw nb::python_error();
  return Number(value);
}

namespace {

std::optional<Ints> ints_of_object(PyObject* object) {
  if (const auto one = integer_of(object)) return Ints(*one);
  if (!is_sequence(object)) return {};
  std::vector<int64_t> values;
  const Py_ssize_t count = PySequence_Size(object);
  for (Py_ssize_t i = 0; i < count; ++i) {
    const nb::object item = nb::steal(PySequence_GetItem(object, i));
    const auto value = integer_of(item.ptr());
    if (!value) return {};
    values.push_back(*value);
  }
  return Ints(std::move(values));
}

// What a tensor says where numbers are wanted: its whole numbers, if it has such and at most one
// dimension. Waits for the device.
std::optional<Ints> ints_of_tensor(const Tensor& tensor) {
  if (!is_integer(tensor.dtype()) || tensor.dim() > 1) return {};
  const Location at = Location::deferred();
  if (tensor.dim() == 0) return Ints(tensor.item<int64_t>(at));
  const Tensor dense = to_device(to(tensor, kI64, at), kCPU, false, at).contiguous(at);
  const int64_t* data = dense.data<int64_t>(at);
  return Ints(std::vector<int64_t>(data, data + dense.numel()));
}

}  // namespace

std::optional<Dims> dims_of_object(PyObject* object) {
  if (const auto one = integer_of(object)) return Dims{*one};
  if (!is_sequence(object)) return {};
  Dims dims;
  const Py_ssize_t count = PySequence_Size(object);
  for (Py_ssize_t i = 0; i < count; ++i) {
    const nb::object item = nb::steal(PySequence_GetItem(object, i));
    const auto value = integer_of(item.ptr());
    if (!value) return {};
    dims.push_back(*value);
  }
  return dims;
}

bool to_value(PyObject* object, const Type& type, Value& out) {
  if (is_tensor(object)) {
    if (type.kind == Kind::kInts) {
      const auto ints = ints_of_tensor(tensor_of(object));
      if (ints) out = *ints;
      return ints.has_value();
    }
    if (type.kind != Kind::kTensor && type.kind != Kind::kOperand) return false;
    out = tensor_of(object);
    return true;
  }
  if (object == Py_None) {
    out = std::monostate();
    return type.optional;
  }
  switch (type.kind) {
    case Kind::kOperand:
    case Kind::kNumber:
      return operand_to_value(object, out);
    case Kind::kFloat:
      return !PyBool_Check(object) && operand_to_value(object, out);
    case Kind::kBool:
      out = object == Py_True;
      return PyBool_Check(object);
    case Kind::kInt:
      if (const auto integer = integer_of(object)) {
        out = *integer;
        return true;
      }
      return false;
    case Kind::kDims:
      if (const auto dims = dims_of_object(object)) {
        out = *dims;
        return true;
      }
      return false;
    case Kind::kInts:
      if (const auto ints = ints_of_object(object)) {
        out = *ints;
        return true;
      }
      return false;
    case Kind::kTensors:
      return tensors_to_value(object, out);
    case Kind::kString:
    case Kind::kEnum: {
      Py_ssize_t size = 0;
      if (!PyUnicode_Check(object)) return false;
      const char* text = PyUnicode_AsUTF8AndSize(object, &size);
      if (!text) throw nb::python_error();
      out = std::string(text, size_t(size));
      return true;
    }
    case Kind::kDType:
      out = dtype_of_object(object);
      return true;
    case Kind::kDevice:
      out = device_of_object(object);
      return true;
    case Kind::kTensor:
    case Kind::kNone:
      return false;
  }
  return false;
}

PyObject* from_value(Value value) {
  struct Visitor {
    PyObject* operator()(std::monostate) const { Py_RETURN_NONE; }
    PyObject* operator()(bool v) const { return PyBool_FromLong(v); }
    PyObject* operator()(int64_t v) const { return PyLong_FromLongLong(v); }
    PyObject* operator()(double v) const { return PyFloat_FromDouble(v); }
    PyObject* operator()(Tensor&& v) const { return wrap(std::move(v)); }
    PyObject* operator()(Tensors&& v) const { return from_tensors(std::move(v)); }
    PyObject* operator()(const Dims& v) const { return numbers({v.begin(), v.end()}); }
    PyObject* operator()(const Ints& v) const { return numbers(v.list()); }
    static PyObject* numbers(std::span<const int64_t> values) {
      PyObject* tuple = PyTuple_New(Py_ssize_t(values.size()));
      for (size_t i = 0; tuple && i < values.size(); ++i) {
        PyTuple_SetItem(tuple, Py_ssize_t(i), PyLong_FromLongLong(values[i]));
      }
      return tuple;
    }
    PyObject* operator()(const std::string& v) const {
      return PyUnicode_FromStringAndSize(v.data(), Py_ssize_t(v.size()));
    }
    PyObject* operator()(DType v) const { return object_of(v).release().ptr(); }
    PyObject* operator()(Device v) const { return nb::cast(v).release().ptr(); }
  };
  return std::visit(Visitor(), std::move(value));
}

std::string describe(const Type& type) {
  const auto name = [&]() -> std::string {
    switch (type.kind) {
      case Kind::kBool:
        return "bool";
      case Kind::kInt:
        return "int";
      case Kind::kFloat:
        return "float";
      case Kind::kNumber:
        return "number";
      case Kind::kOperand:
        return "Tensor or number";
      case Kind::kTensor:
        return "Tensor";
      case Kind::kTensors:
        return "sequence of Tensors";
      case Kind::kDims:
      case Kind::kInts:
        return "int or sequence of ints";
      case Kind::kString:
        return "str";
      case Kind::kDType:
        return "dtype";
      case Kind::kDevice:
        return "device";
      case Kind::kEnum: {
        std::string names;
        for (const char* n : type.names) {
          names += (names.empty() ? "'" : ", '") + std::string(n) + "'";
        }
        return names;
      }
      case Kind::kNone:
        return "None";
    }
    return "None";
  };
  return type.optional ? name() + " or None" : name();
}

}  // namespace entasis::python
