// Tensors to and from other libraries by DLPack: __dlpack__(), __dlpack_device__(), from_dlpack().
#include <optional>
#include <string>
#include <utility>

#include <entasis/ops/factory.h>
#include <entasis/ops/methods.h>
#include <entasis/python/src/dlpack.h>
#include <entasis/python/src/named.h>
#include <entasis/python/src/tensor.h>
#include <entasis/python/src/values.h>

namespace entasis::python {
namespace {

constexpr const char* kName = "dltensor";
constexpr const char* kVersionedName = "dltensor_versioned";
constexpr const char* kUsed = "used_dltensor";
constexpr const char* kVersionedUsed = "used_dltensor_versioned";

// ---- Out

dlpack::DataType type_of(DType dtype) {
  const uint8_t code = dtype == kBool             ? dlpack::kBool
                       : dtype == kBF16           ? dlpack::kBFloat
                       : is_floating_point(dtype) ? dlpack::kFloat
                       : is_unsigned(dtype)       ? dlpack::kUInt
                                                  : dlpack::kInt;
  return {code, uint8_t(8 * size_of(dtype)), 1};
}

dlpack::Device device_of(Device device) {
  return {device.is_cuda() ? dlpack::kCUDA : dlpack::kCPU, device.index};
}

// A tensor on its way out: the structure that is handed over, and what it points to.
template <class M>
struct Export {
  M managed{};
  Tensor tensor;
  int64_t shape[kMaxDims], strides[kMaxDims];

  explicit Export(Tensor t) : tensor(std::move(t)) {
    for (int d = 0; d < tensor.dim(); ++d) {
      shape[d] = tensor.shape()[d];
      strides[d] = tensor.strides()[d];
    }
    managed.tensor = {tensor.raw(),
                      device_of(tensor.device()),
                      tensor.dim(),
                      type_of(tensor.dtype()),
                      shape,
                      strides,
                      0};
    managed.context = this;
    managed.deleter = [](M* m) { delete static_cast<Export*>(m->context); };
  }
};

template <class M>
named::Capsule capsule_of(Tensor tensor, const char* name) {
  auto* made = new Export<M>(std::move(tensor));
  if constexpr (requires { made->managed.version; }) made->managed.version = {1, 0};
  PyObject* capsule = PyCapsule_New(&made->managed, name, [](PyObject* capsule) {
    // Nobody took it: then its name is still the one it was given.
    for (const char* own : {kName, kVersionedName}) {
      if (!PyCapsule_IsValid(capsule, own)) continue;
      auto* m = static_cast<M*>(PyCapsule_GetPointer(capsule, own));
      m->deleter(m);
    }
  });
  if (!capsule) nb::raise_python_error();
  return nb::steal<named::Capsule>(capsule);
}

using Pair = std::optional<std::pair<int, int>>;

named::Capsule to_dlpack(const Tensor& self, const nb::any& stream, Pair max_version,
                         Pair dl_device, std::optional<bool> copy) {
  (void)stream;  // the CPU has no streams; a device's tensor is finished before it leaves
  if (self.requires_grad()) {
    PyErr_SetString(PyExc_BufferError, "the tensor requires a gradient; use .detach()");
    throw nb::python_error();
  }
  if (dl_device) {
    const auto [type, id] = *dl_device;
    const dlpack::Device own = device_of(self.device());
    if (type != own.type || id != own.id) {
      PyErr_SetString(PyExc_BufferError, "the tensor is on another device; move it with .to()");
      throw nb::python_error();
    }
  }
  Tensor tensor = self;
  if (copy.value_or(false)) tensor = self.clone(Location::deferred());
  ++tensor.impl()->storage->writes;  // who holds the memory may write: saved tensors are to notice
  const bool versioned = max_version && max_version->first >= 1;
  return versioned ? capsule_of<dlpack::ManagedVersioned>(std::move(tensor), kVersionedName)
                   : capsule_of<dlpack::Managed>(std::move(tensor), kName);
}

// ---- In

DType dtype_of_type(const dlpack::DataType& type) {
  for (int i = 0; i < kDTypes; ++i) {
    const dlpack::DataType own = type_of(DType(i));
    if (own.code == type.code && own.bits == type.bits && type.lanes == 1) return DType(i);
  }
  throw DtypeError("from_dlpack: no dtype for elements of code " + std::to_string(type.code) +
                       ", " + std::to_string(type.bits) + " bits, " + std::to_string(type.lanes) +
                       " lanes",
                   Location::deferred());
}

template <class M>
void give_back(void* context, void*) {
  auto* managed = static_cast<M*>(context);
  if (!managed->deleter || !Py_IsInitialized()) return;
  const nb::gil_scoped_acquire gil;  // the owner may be a Python object
  managed->deleter(managed);
}

template <class M>
Tensor take(PyObject* capsule, const char* name, const char* used) {
  auto* managed = static_cast<M*>(PyCapsule_GetPointer(capsule, name));
  if (!managed) throw nb::python_error();
  const dlpack::Tensor& t = managed->tensor;
  if (t.device.type != dlpack::kCPU) {
    throw DeviceError("from_dlpack: memory of device type " + std::to_string(t.device.type) +
                          " cannot be taken over; only the CPU's can",
                      Location::deferred());
  }
  if constexpr (requires { managed->flags; }) {
    if (managed->flags & dlpack::kReadOnly) {
      throw ValueError("from_dlpack: the memory is read-only; give a copy", Location::deferred());
    }
  }
  Dims shape, strides;
  for (int d = 0; d < t.ndim; ++d) {
    shape.push_back(t.shape[d]);
    if (t.strides) strides.push_back(t.strides[d]);
    if (t.strides && t.strides[d] < 0) {
      throw ValueError("from_dlpack: strides may not be negative; give a copy",
                       Location::deferred());
    }
  }
  Tensor tensor = from_blob(static_cast<char*>(t.data) + t.byte_offset, dtype_of_type(t.dtype),
                            shape, t.strides ? std::optional(strides) : std::nullopt, &give_back<M>,
                            managed, Location::deferred());
  PyCapsule_SetName(capsule, used);
  return tensor;
}

Tensor from_dlpack(const named::SupportsDLPack& object) {
  nb::object capsule = nb::borrow(object);
  if (!PyCapsule_CheckExact(object.ptr())) {
    try {
      capsule = object.attr("__dlpack__")(nb::arg("max_version") = nb::make_tuple(1, 0));
    } catch (nb::python_error& error) {
      if (!error.matches(PyExc_TypeError)) throw;  // a library from before versions
      capsule = object.attr("__dlpack__")();
    }
  }
  if (PyCapsule_IsValid(capsule.ptr(), kVersionedName)) {
    return take<dlpack::ManagedVersioned>(capsule.ptr(), kVersionedName, kVersionedUsed);
  }
  return take<dlpack::Managed>(capsule.ptr(), kName, kUsed);
}

}  // namespace

void bind_dlpack(nb::module_& m, nb::class_<Tensor>& tensor) {
  tensor
      .def("__dlpack__", &to_dlpack, nb::kw_only(), nb::arg("stream") = nb::none(),
           nb::arg("max_version") = nb::none(), nb::arg("dl_device") = nb::none(),
           nb::arg("copy") = nb::none())
      .def("__dlpack_device__", [](const Tensor& t) {
        const dlpack::Device device = device_of(t.device());
        return std::pair<int, int>(device.type, device.id);
      });
  m.def("from_dlpack", &from_dlpack, nb::arg("object"),
        "A tensor that shares the memory of another library's, by DLPack.");
}

}  // namespace entasis::python
