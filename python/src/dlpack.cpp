// Tensors to and from other libraries by DLPack: __dlpack__(), __dlpack_device__(), from_dlpack();
// and CUDA's array interface, for those that know only that.
//
// A CUDA tensor changes hands without the host waiting: by an event the receiver's stream waits for
// what the giver has queued. The giver's memory is given back when the streams that used it here
// are done with it.
#include <optional>
#include <string>
#include <utility>

#include <entasis/core/backend.h>
#include <entasis/core/stream.h>
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

Backend& cuda() { return backend_of(DeviceType::kCUDA); }

// A stream's native handle: the legacy default one is 1, the thread's default one 2.
constexpr uintptr_t kLegacyStream = 1;

// The consumer's, from the argument of __dlpack__; none for -1, which asks for no order.
std::optional<uintptr_t> stream_of_object(nb::handle given) {
  if (given.is_none()) return kLegacyStream;
  if (!PyLong_Check(given.ptr()) || PyBool_Check(given.ptr())) {
    throw nb::type_error("__dlpack__(): stream must be an int or None");
  }
  const long long handle = PyLong_AsLongLong(given.ptr());
  if (handle == -1 && PyErr_Occurred()) throw nb::python_error();
  if (handle == -1) return std::nullopt;
  if (handle < 1) {
    throw ValueError("__dlpack__: no stream " + std::to_string(handle) +
                         "; 1 is the legacy default stream, 2 the thread's, -1 asks for no order",
                     Location::deferred());
  }
  return uintptr_t(handle);
}

// A tensor on its way out: the structure that is handed over, and what it points to.
template <class M>
struct Export {
  M managed{};
  Tensor tensor;
  std::optional<uintptr_t> stream;  // that a CUDA tensor went to
  int64_t shape[kMaxDims], strides[kMaxDims];

  Export(Tensor t, std::optional<uintptr_t> to) : tensor(std::move(t)), stream(to) {
    for (int d = 0; d < tensor.dim(); ++d) {
      shape[d] = tensor.shape()[d];
      strides[d] = tensor.strides()[d];
    }
    managed.tensor = {tensor.exposed_raw(),
                      device_of(tensor.device()),
                      tensor.dim(),
                      type_of(tensor.dtype()),
                      shape,
                      strides,
                      0};
    managed.context = this;
    managed.deleter = [](M* m) { delete static_cast<Export*>(m->context); };
  }

  // The default stream's work on the memory may not be done yet. (A stream with a handle of its own
  // may be gone by now.)
  ~Export() {
    if (stream != kLegacyStream || !tensor.device().is_cuda()) return;
    try {
      cuda().take_over(*tensor.impl()->storage, kLegacyStream);
    } catch (...) {  // the device is lost
    }
  }
};

template <class M>
named::Capsule capsule_of(Tensor tensor, const char* name, std::optional<uintptr_t> stream,
                          bool copied) {
  auto* made = new Export<M>(std::move(tensor), stream);
  if constexpr (requires { made->managed.version; }) {
    made->managed.version = {1, 0};
    made->managed.flags = copied ? dlpack::kIsCopied : 0;
  }
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

[[noreturn]] void throw_buffer_error(const std::string& what) {
  PyErr_SetString(PyExc_BufferError, what.c_str());
  throw nb::python_error();
}

// The tensor where the consumer wants it, and as its own if it asks for that.
Tensor placed_for_export(const Tensor& self, Pair dl_device, std::optional<bool> copy) {
  if (self.device().is_meta()) throw_buffer_error("a meta tensor has no memory");
  if (self.requires_grad()) {
    throw_buffer_error("the tensor requires a gradient; use .detach()");
  }
  const dlpack::Device own = device_of(self.device());
  const bool moves = dl_device && *dl_device != std::pair<int, int>(own.type, own.id);
  if (!moves) return copy.value_or(false) ? clone(self, Location::deferred()) : self;
  if (copy == false) {
    throw_buffer_error("the tensor is on " + to_string(self.device()) +
                       " and cannot go to another device without a copy");
  }
  const auto [type, id] = *dl_device;
  if (type != dlpack::kCPU && type != dlpack::kCUDA) {
    throw_buffer_error("the tensor cannot go to a device of DLPack's type " + std::to_string(type));
  }
  const Device device(type == dlpack::kCUDA ? DeviceType::kCUDA : DeviceType::kCPU, id);
  const nb::gil_scoped_release release;
  return to_device(self, device, false, Location::deferred());
}

named::Capsule to_dlpack(const Tensor& self, const nb::any& stream, Pair max_version,
                         Pair dl_device, std::optional<bool> copy) {
  Tensor tensor = placed_for_export(self, dl_device, copy);
  const bool copied = !tensor.same(self);
  std::optional<uintptr_t> consumer;
  if (tensor.device().is_cuda()) {
    consumer = stream_of_object(stream);
    if (consumer) cuda().hand_over(*tensor.impl()->storage, *consumer);
  }
  ++tensor.impl()->storage->writes;  // who holds the memory may write: saved tensors are to notice
  if (max_version && max_version->first >= 1) {
    return capsule_of<dlpack::ManagedVersioned>(std::move(tensor), kVersionedName, consumer,
                                                copied);
  }
  return capsule_of<dlpack::Managed>(std::move(tensor), kName, consumer, copied);
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

Device device_of_type(const dlpack::Device& given) {
  switch (given.type) {
    case dlpack::kCPU:
    case dlpack::kCUDAHost:
      return kCPU;
    case dlpack::kCUDA:
    case dlpack::kCUDAManaged: {
      const Device device(DeviceType::kCUDA, given.id);
      check_device(device);
      return device;
    }
    default:
      throw DeviceError("from_dlpack: memory of DLPack's device type " +
                            std::to_string(given.type) + " cannot be taken over",
                        Location::deferred());
  }
}

template <class M>
void give_back(void* context, void*) {
  auto* managed = static_cast<M*>(context);
  if (!managed->deleter || !Py_IsInitialized()) return;
  const nb::gil_scoped_acquire gil;  // the owner may be a Python object
  managed->deleter(managed);
}

template <class M>
Tensor take(PyObject* capsule, const char* name, const char* used, bool will_copy) {
  auto* managed = static_cast<M*>(PyCapsule_GetPointer(capsule, name));
  if (!managed) throw nb::python_error();
  const dlpack::Tensor& t = managed->tensor;
  const Device device = device_of_type(t.device);
  if constexpr (requires { managed->flags; }) {
    if ((managed->flags & dlpack::kReadOnly) && !will_copy) {
      throw ValueError("from_dlpack: the memory is read-only; take it with copy=True",
                       Location::deferred());
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
                            managed, device, Location::deferred());
  PyCapsule_SetName(capsule, used);
  return tensor;
}

// Asks an object for its capsule: a CUDA tensor for our current stream, and what lies where we
// cannot reach it for a copy on the CPU if that is wanted.
nb::object capsule_from(nb::handle object, const std::optional<Device>& wanted) {
  nb::dict arguments;
  if (nb::hasattr(object, "__dlpack_device__")) {
    const auto place = nb::cast<nb::tuple>(object.attr("__dlpack_device__")());
    const int type = nb::cast<int>(nb::int_(place[0])), id = nb::cast<int>(nb::int_(place[1]));
    if (type == dlpack::kCUDA && id < device_count(DeviceType::kCUDA)) {
      arguments["stream"] = Stream::current(Device(DeviceType::kCUDA, id)).native_handle();
    } else if (type != dlpack::kCPU && type != dlpack::kCUDAHost && wanted && wanted->is_cpu()) {
      arguments["dl_device"] = nb::make_tuple(int(dlpack::kCPU), 0);
    }
  }
  const nb::object give = object.attr("__dlpack__");
  nb::dict versioned;
  versioned.update(arguments);
  versioned["max_version"] = nb::make_tuple(1, 0);
  try {
    return give(**versioned);
  } catch (nb::python_error& error) {
    if (!error.matches(PyExc_TypeError)) throw;  // a library from before versions
  }
  return give(**arguments);
}

Tensor from_dlpack(const named::SupportsDLPack& object, const named::DeviceLike& device,
                   std::optional<bool> copy) {
  std::optional<Device> wanted;
  if (!device.is_none()) wanted = device_of_object(device);
  const bool is_capsule = PyCapsule_CheckExact(object.ptr());
  const nb::object capsule = is_capsule ? nb::borrow(object) : capsule_from(object, wanted);
  const bool versioned = PyCapsule_IsValid(capsule.ptr(), kVersionedName);
  const bool will_copy = copy.value_or(false);
  const Tensor tensor = versioned ? take<dlpack::ManagedVersioned>(capsule.ptr(), kVersionedName,
                                                                   kVersionedUsed, will_copy)
                                  : take<dlpack::Managed>(capsule.ptr(), kName, kUsed, will_copy);
  // Whoever asked for the capsule has named no stream of ours, so it was made ready for the
  // default.
  if (is_capsule && tensor.device().is_cuda()) {
    cuda().take_over(*tensor.impl()->storage, kLegacyStream);
  }
  if (wanted && !(*wanted == tensor.device())) {
    if (copy == false) {
      throw_buffer_error("the array is on " + to_string(tensor.device()) +
                         " and cannot come to another device without a copy");
    }
    const nb::gil_scoped_release release;
    return to_device(tensor, *wanted, false, Location::deferred());
  }
  return will_copy ? clone(tensor, Location::deferred()) : tensor;
}

// ---- CUDA's array interface, version 3

named::AnyDict cuda_array_interface(const Tensor& self) {
  if (!self.device().is_cuda()) {
    PyErr_SetString(PyExc_AttributeError,
                    "only tensors on CUDA devices have __cuda_array_interface__");
    throw nb::python_error();
  }
  if (self.requires_grad()) {
    throw nb::type_error("the tensor requires a gradient; use .detach()");
  }
  const dlpack::DataType type = type_of(self.dtype());
  const char kind = type.code == dlpack::kFloat  ? 'f'
                    : type.code == dlpack::kInt  ? 'i'
                    : type.code == dlpack::kUInt ? 'u'
                    : type.code == dlpack::kBool ? 'b'
                                                 : '?';
  if (kind == '?') {
    throw nb::type_error(
        (std::string("the interface has no type for ") + name_of(self.dtype())).c_str());
  }
  const int bytes = type.bits / 8;
  // The consumer waits for one stream, so that one waits for all that have used the memory.
  Storage& storage = *self.impl()->storage;
  const Stream stream = Stream::current(self.device());
  cuda().use_on_stream(storage, stream.id(), true);
  ++storage.writes;
  nb::list shape, strides;
  for (int d = 0; d < self.dim(); ++d) {
    shape.append(self.shape()[d]);
    strides.append(self.strides()[d] * bytes);
  }
  nb::dict result;
  result["version"] = 3;
  result["shape"] = nb::tuple(shape);
  result["strides"] = self.is_contiguous() ? nb::none() : nb::object(nb::tuple(strides));
  result["typestr"] =
      nb::str((std::string(bytes > 1 ? "<" : "|") + kind + std::to_string(bytes)).c_str());
  result["data"] = nb::make_tuple(
      reinterpret_cast<uintptr_t>(self.numel() ? self.exposed_raw() : nullptr), false);
  result["stream"] = stream.native_handle();
  return nb::borrow<named::AnyDict>(result);
}

}  // namespace

void bind_dlpack(nb::module_& m, nb::class_<Tensor>& tensor) {
  tensor
      .def("__dlpack__", &to_dlpack, nb::kw_only(), nb::arg("stream") = nb::none(),
           nb::arg("max_version") = nb::none(), nb::arg("dl_device") = nb::none(),
           nb::arg("copy") = nb::none())
      .def("__dlpack_device__",
           [](const Tensor& t) {
             const dlpack::Device device = device_of(t.device());
             return std::pair<int, int>(device.type, device.id);
           })
      .def_prop_ro("__cuda_array_interface__", &cuda_array_interface);
  m.def("from_dlpack", &from_dlpack, nb::arg("object"), nb::kw_only(),
        nb::arg("device") = nb::none(), nb::arg("copy") = nb::none(),
        "A tensor that shares the memory of another library's, by DLPack; a copy if copy is True, "
        "or where it has to come to another device. On CUDA the current stream waits for the "
        "other library's work, not the host.");
}

}  // namespace entasis::python
