// Dtypes and devices: entasis.float32 …, entasis.device("cuda:0").
#include <array>
#include <string>

#include <entasis/core/backend.h>
#include <entasis/python/src/named.h>
#include <entasis/python/src/values.h>

namespace entasis::python {
namespace {

struct DTypeObject {
  DType dtype;
};

struct DTypeName {
  DType dtype;
  const char* name;   // PyTorch's and NumPy's
  const char* alias;  // PyTorch's other one, or null
};
constexpr DTypeName kNames[kDTypes] = {
    {kF32, "float32", "float"},   {kF64, "float64", "double"}, {kF16, "float16", "half"},
    {kBF16, "bfloat16", nullptr}, {kI8, "int8", nullptr},      {kI16, "int16", "short"},
    {kI32, "int32", "int"},       {kI64, "int64", "long"},     {kU8, "uint8", nullptr},
    {kU16, "uint16", nullptr},    {kU32, "uint32", nullptr},   {kU64, "uint64", nullptr},
    {kBool, "bool", nullptr},
};

std::array<PyObject*, kDTypes> objects;  // one for each dtype; the module keeps them alive

const char* python_name(DType dtype) {
  for (const DTypeName& n : kNames) {
    if (n.dtype == dtype) return n.name;
  }
  return name_of(dtype);
}

}  // namespace

nb::object object_of(DType dtype) { return nb::borrow(objects.at(size_t(dtype))); }

DType dtype_of_object(nb::handle object) {
  DTypeObject found{};
  if (nb::try_cast(object, found)) return found.dtype;
  PyObject* const type = object.ptr();
  if (type == reinterpret_cast<PyObject*>(&PyFloat_Type)) return kF32;
  if (type == reinterpret_cast<PyObject*>(&PyLong_Type)) return kI64;
  if (type == reinterpret_cast<PyObject*>(&PyBool_Type)) return kBool;
  if (PyUnicode_Check(type)) return dtype_from_name(nb::cast<std::string>(object));
  // NumPy's: np.dtype("float32") has a `name`, np.float32 is a class with a `__name__`.
  for (const char* attribute : {"name", "__name__"}) {
    if (!nb::hasattr(object, attribute)) continue;
    const nb::object name = object.attr(attribute);
    if (PyUnicode_Check(name.ptr())) return dtype_from_name(nb::cast<std::string>(name));
  }
  throw nb::type_error(
      ("a dtype is wanted, not " + nb::cast<std::string>(nb::repr(object))).c_str());
}

Device device_of_object(nb::handle object) {
  Device device;
  if (nb::try_cast(object, device)) return device;
  if (PyUnicode_Check(object.ptr())) return Device::parse(nb::cast<std::string>(object));
  throw nb::type_error(
      ("a device is wanted, not " + nb::cast<std::string>(nb::repr(object))).c_str());
}

Device cuda_device_of_object(nb::handle given) {
  Device device = current_device(DeviceType::kCUDA);
  if (int index = 0; nb::try_cast(given, index)) {
    const int count = device_count(DeviceType::kCUDA);
    if (count > 0 && (index < 0 || index >= count)) {
      throw DeviceError("no device cuda:" + std::to_string(index) + ": there are " +
                        std::to_string(count));
    }
    device = Device(DeviceType::kCUDA, index);
  } else if (!given.is_none()) {
    device = device_of_object(given);
    if (!device.is_cuda()) throw ValueError("a CUDA device is wanted, not " + to_string(device));
  }
  check_device(device);
  return device;
}

void bind_dtypes(nb::module_& m) {
  nb::class_<DTypeObject>(m, "dtype", "The type of a tensor's elements.")
      .def("__repr__",
           [](const DTypeObject& d) { return std::string("entasis.") + python_name(d.dtype); })
      .def("__reduce__", [](const DTypeObject& d) { return std::string(python_name(d.dtype)); })
      .def_prop_ro("name", [](const DTypeObject& d) { return std::string(python_name(d.dtype)); })
      .def_prop_ro(
          "itemsize", [](const DTypeObject& d) { return size_of(d.dtype); },
          "Bytes of one element.")
      .def_prop_ro("is_floating_point",
                   [](const DTypeObject& d) { return is_floating_point(d.dtype); });
  nb::list all;
  for (const DTypeName& n : kNames) {
    const nb::object object = nb::cast(DTypeObject{n.dtype});
    objects[size_t(n.dtype)] = object.ptr();
    all.append(object);
    m.attr(n.name) = object;
    if (n.alias) m.attr(n.alias) = object;
  }
  m.attr("_dtypes") = all;

  nb::class_<Device>(m, "device",
                     "Where a tensor lives: \"cpu\", \"cuda\", \"cuda:1\" or \"meta\".")
      .def(
          "__init__",
          [](Device* self, const named::DeviceLike& device) {
            new (self) Device(device_of_object(device));
          },
          nb::arg("device"))
      .def(
          "__init__",
          [](Device* self, const std::string& type, int index) {
            new (self) Device(Device::parse(type + ":" + std::to_string(index)));
          },
          nb::arg("type"), nb::arg("index"))
      .def_prop_ro("type", [](const Device& d) { return name_of(d.type); })
      .def_prop_ro(
          "index",
          [](const Device& d) { return d.is_cuda() ? std::optional(int(d.index)) : std::nullopt; })
      .def("__str__", [](const Device& d) { return to_string(d); })
      .def("__repr__", [](const Device& d) { return "device('" + to_string(d) + "')"; })
      .def(
          "__eq__",
          [](const Device& d, nb::handle other) {
            Device device;
            return nb::try_cast(other, device) && d == device;
          },
          nb::arg("other").none())
      .def("__hash__", [](const Device& d) { return int(d.type) * 256 + d.index; })
      .def("__reduce__", [](nb::handle self) -> nb::typed<nb::tuple, nb::any, nb::ellipsis> {
        return nb::make_tuple(self.type(), nb::make_tuple(nb::str(self)));
      });
}

}  // namespace entasis::python
