// The class Tensor: what it is, its gradient, its elements. Its ops are the rows (ops.cpp), its
// subscripts are in indexing.cpp, arrays of other libraries in arrays.cpp and dlpack.cpp.
#include <memory>
#include <string>
#include <vector>

#include <entasis/core/autograd.h>
#include <entasis/ops/methods.h>
#include <entasis/ops/print.h>
#include <entasis/python/src/named.h>
#include <entasis/python/src/tensor.h>
#include <entasis/python/src/values.h>

namespace entasis::python {

PyTypeObject* tensor_type;

namespace {

named::Shape tuple_of(const Dims& dims) { return nb::steal<named::Shape>(from_value(dims)); }

named::Tensor borrow_tensor(nb::handle self) { return nb::borrow<named::Tensor>(self); }
named::Tensor make_object(Tensor tensor) {
  return nb::steal<named::Tensor>(wrap(std::move(tensor)));
}

nb::object number_object(const Number& number) {
  switch (number.category()) {
    case Category::kBoolean:
      return nb::bool_(number.to_bool());
    case Category::kInteger:
      return nb::int_(number.to_int());
    default:
      return nb::float_(number.to_double());
  }
}

nb::object item(const Tensor& self) {
  Number number;
  {
    const nb::gil_scoped_release release;
    number = self.item_number(Location::deferred());
  }
  if (self.dtype() == kU64) return nb::int_(uint64_t(number.to_int()));
  return number_object(number);
}

bool truth(const Tensor& self) {
  if (self.numel() != 1) {
    throw ValueError("the truth value of a tensor of shape " + to_string(self.shape()) +
                         " is ambiguous; it needs one element",
                     Location::deferred());
  }
  return self.item_number(Location::deferred()).to_bool();
}

// ---- Lists

nb::object element(const Tensor& t, int64_t offset) {
  return dispatch_dtype(t.dtype(), [&]<class T>(TypeTag<T>) -> nb::object {
    const T value = t.raw_as<T>()[offset];
    if constexpr (std::is_same_v<T, bool>) {
      return nb::bool_(value);
    } else if constexpr (std::is_integral_v<T>) {
      return nb::int_(value);
    } else {
      return nb::float_(convert<double>(value));
    }
  });
}

nb::object nested_list(const Tensor& t, int dim, int64_t offset) {
  if (dim == t.dim()) return element(t, offset);
  nb::list list;
  for (int64_t i = 0; i < t.shape()[dim]; ++i) {
    list.append(nested_list(t, dim + 1, offset + i * t.strides()[dim]));
  }
  return list;
}

nb::object to_list(const Tensor& self) {
  const Tensor host = to_device(self.detach(), kCPU, false, Location::deferred());
  return nested_list(host, 0, 0);
}

// ---- to(): dtype, device or both, by position or name, or those of another tensor; then
// non_blocking and copy

struct Conversion {
  std::optional<DType> dtype = {};
  std::optional<Device> device = {};
  bool non_blocking = false;
  bool copy = false;
};

Tensor convert_to(const Tensor& self, const Conversion& wanted) {
  Tensor result = self;
  const nb::gil_scoped_release release;
  const auto cast = [&] {
    if (wanted.dtype) result = to(result, *wanted.dtype, Location::deferred());
  };
  // On its way home it is cast before: what arrives later cannot be.
  if (self.device().is_cuda()) cast();
  if (wanted.device) {
    result = to_device(result, *wanted.device, wanted.non_blocking, Location::deferred());
  }
  cast();
  if (wanted.copy && result.same(self)) result = clone(result, Location::deferred());
  return result;
}

named::Tensor to_any(nb::handle self, nb::args args, nb::kwargs kwargs) {
  const Tensor& tensor = tensor_of(self.ptr());
  Conversion wanted;
  int flags = 0;
  const auto take = [&](nb::handle given) {
    if (given.is_none()) return;
    if (PyBool_Check(given.ptr())) {
      (flags++ == 0 ? wanted.non_blocking : wanted.copy) = nb::cast<bool>(given);
    } else if (is_tensor(given.ptr())) {
      wanted.dtype = tensor_of(given.ptr()).dtype();
      wanted.device = tensor_of(given.ptr()).device();
    } else if (nb::isinstance<Device>(given)) {
      wanted.device = nb::cast<Device>(given);
    } else if (PyUnicode_Check(given.ptr())) {
      const std::string text = nb::cast<std::string>(given);
      const bool names_device =
          text.starts_with("cpu") || text.starts_with("cuda") || text.starts_with("meta");
      if (names_device) {
        wanted.device = Device::parse(text);
      } else {
        wanted.dtype = dtype_from_name(text);
      }
    } else {
      wanted.dtype = dtype_of_object(given);
    }
  };
  for (nb::handle given : args) take(given);
  for (const auto& [name, given] : kwargs) {
    const std::string text = nb::cast<std::string>(name);
    if (text == "non_blocking") {
      wanted.non_blocking = nb::cast<bool>(given);
    } else if (text == "copy") {
      wanted.copy = nb::cast<bool>(given);
    } else if (text == "dtype" || text == "device" || text == "other") {
      take(given);
    } else {
      throw nb::type_error(("to() has no argument named '" + text + "'").c_str());
    }
  }
  Tensor result = convert_to(tensor, wanted);
  return result.same(tensor) ? borrow_tensor(self) : make_object(std::move(result));
}

template <DType D>
named::Tensor to_dtype(nb::handle self) {
  const Tensor& tensor = tensor_of(self.ptr());
  return tensor.dtype() == D ? borrow_tensor(self) : make_object(convert_to(tensor, {.dtype = D}));
}

constexpr const char* kSizeSignatures =
    "@typing.overload\n"
    "def size(self, dim: None = None) -> tuple[int, ...]\n"
    "@typing.overload\n"
    "def size(self, dim: int) -> int";
constexpr const char* kToSignatures =
    "@typing.overload\n"
    "def to(self, dtype: DtypeLike, device: DeviceLike | None = None, non_blocking: bool = False, "
    "copy: bool = False) -> Tensor\n"
    "@typing.overload\n"
    "def to(self, device: DeviceLike | None, dtype: DtypeLike | None = None, "
    "non_blocking: bool = False, copy: bool = False) -> Tensor\n"
    "@typing.overload\n"
    "def to(self, *, dtype: DtypeLike | None = None, device: DeviceLike | None = None, "
    "non_blocking: bool = False, copy: bool = False) -> Tensor\n"
    "@typing.overload\n"
    "def to(self, other: Tensor, non_blocking: bool = False, copy: bool = False) -> Tensor";

// ---- The path of modules that errors name ("in model.fc1")

struct OpenModule {
  explicit OpenModule(std::string given) : name(std::move(given)), scope(name.c_str()) {}
  const std::string name;
  ModuleScope scope;
};
thread_local std::vector<std::unique_ptr<OpenModule>> open_modules;

void enter_module(std::string name) {
  open_modules.push_back(std::make_unique<OpenModule>(std::move(name)));
}
void leave_module() { open_modules.pop_back(); }

// ---- Gradients

void backward(const Tensor& self, const Tensor* gradient, bool retain_graph, bool create_graph) {
  const Tensor given = gradient ? *gradient : Tensor();
  const nb::gil_scoped_release release;
  self.backward(given, retain_graph, create_graph, Location::deferred());
}

PyType_Slot slots[] = {
    {Py_bf_getbuffer, reinterpret_cast<void*>(get_buffer)},
    {Py_bf_releasebuffer, reinterpret_cast<void*>(release_buffer)},
    {Py_tp_traverse, reinterpret_cast<void*>(visit_callables)},
    {Py_tp_clear, reinterpret_cast<void*>(clear_callables)},
    {0, nullptr},
};

}  // namespace

PyObject* wrap(Tensor tensor) {
  if (!tensor.defined()) Py_RETURN_NONE;
  const nb::handle type(reinterpret_cast<PyObject*>(tensor_type));
  nb::object object = nb::inst_alloc(type);
  new (nb::inst_ptr<Tensor>(object)) Tensor(std::move(tensor));
  nb::inst_mark_ready(object);
  return object.release().ptr();
}

void bind_tensor(nb::module_& m) {
  nb::class_<Tensor> tensor(m, "Tensor", nb::type_slots(slots), nb::is_weak_referenceable(),
                            "An array of elements of one dtype, on one device.");
  tensor_type = reinterpret_cast<PyTypeObject*>(tensor.ptr());
  tensor
      .def("__init__", [](Tensor* self, const Tensor& other) { new (self) Tensor(other); })
      // What it is
      .def_prop_ro("shape", [](const Tensor& t) { return tuple_of(t.shape()); })
      .def(
          "size",
          [](const Tensor& t, std::optional<int64_t> dim) -> nb::object {
            if (!dim) return tuple_of(t.shape());
            return nb::int_(t.size(*dim, Location::deferred()));
          },
          nb::arg("dim") = nb::none(), nb::sig(kSizeSignatures))
      .def("stride", [](const Tensor& t) { return tuple_of(t.strides()); })
      .def("storage_offset", &Tensor::storage_offset)
      .def("dim", &Tensor::dim)
      .def_prop_ro("ndim", &Tensor::dim)
      .def("numel", &Tensor::numel)
      .def("element_size", [](const Tensor& t) { return size_of(t.dtype()); })
      .def_prop_ro("nbytes", [](const Tensor& t) { return t.numel() * size_of(t.dtype()); })
      .def("data_ptr", [](const Tensor& t) { return reinterpret_cast<uintptr_t>(t.exposed_raw()); })
      .def_prop_ro("dtype",
                   [](const Tensor& t) { return nb::borrow<named::Dtype>(object_of(t.dtype())); })
      .def_prop_ro("device", &Tensor::device)
      .def("is_contiguous", &Tensor::is_contiguous)
      .def("is_floating_point", [](const Tensor& t) { return is_floating_point(t.dtype()); })
      // Its elements
      .def("item", [](const Tensor& t) { return nb::borrow<named::Scalar>(item(t)); })
      .def("tolist", [](const Tensor& t) { return nb::borrow<nb::any>(to_list(t)); })
      .def("__bool__", &truth)
      .def("__float__", [](const Tensor& t) { return nb::float_(item(t)); })
      .def("__int__", [](const Tensor& t) { return nb::int_(item(t)); })
      .def("__index__",
           [](const Tensor& t) {
             if (is_floating_point(t.dtype())) {
               throw nb::type_error("only tensors of integers serve as an index");
             }
             return nb::int_(item(t));
           })
      .def("__len__",
           [](const Tensor& t) {
             if (t.dim() == 0) throw nb::type_error("a 0-d tensor has no len()");
             return t.shape()[0];
           })
      .def("__repr__", [](const Tensor& t) { return to_string(t); })
      .def("__hash__", [](const Tensor& t) { return reinterpret_cast<intptr_t>(t.impl()) >> 4; })
      .def("to", &to_any, nb::sig(kToSignatures))
      .def("float", &to_dtype<kF32>)
      .def("double", &to_dtype<kF64>)
      .def("half", &to_dtype<kF16>)
      .def("bfloat16", &to_dtype<kBF16>)
      .def("int", &to_dtype<kI32>)
      .def("long", &to_dtype<kI64>)
      .def("bool", &to_dtype<kBool>)
      .def("cpu",
           [](nb::handle self) {
             const Tensor& t = tensor_of(self.ptr());
             return t.device().is_cpu() ? borrow_tensor(self)
                                        : make_object(convert_to(t, {.device = kCPU}));
           })
      .def(
          "cuda",
          [](const Tensor& t, const named::CudaDeviceLike& device, bool non_blocking) {
            return convert_to(
                t, {.device = cuda_device_of_object(device), .non_blocking = non_blocking});
          },
          nb::arg("device") = nb::none(), nb::arg("non_blocking") = false)
      .def("is_pinned", &Tensor::is_pinned,
           "Whether it lies in page-locked memory that Entasis has made.")
      .def(
          "pin_memory", [](const Tensor& t) { return t.pin_memory(Location::deferred()); },
          "The tensor itself if it is pinned, else a copy in page-locked memory, which copies to "
          "and from CUDA devices reach without the host's help.")
      .def("t", [](const Tensor& t) { return t.t(Location::deferred()); })
      .def_prop_ro("T", [](const Tensor& t) { return t.t(Location::deferred()); })
      // Its gradient
      .def_prop_rw("requires_grad", &Tensor::requires_grad,
                   [](Tensor& t, bool on) { t.requires_grad_(on, Location::deferred()); })
      .def(
          "requires_grad_",
          [](nb::handle self, bool on) {
            tensor_of(self.ptr()).requires_grad_(on, Location::deferred());
            return nb::borrow<named::Self>(self);
          },
          nb::arg("requires_grad") = true)
      .def_prop_ro("is_leaf", &Tensor::is_leaf)
      .def_prop_ro("grad_fn",
                   [](const Tensor& t) -> std::optional<std::string> {
                     const Node* node = t.grad_fn();
                     if (!node) return {};
                     return node->frame ? node->frame : node->op->name;
                   })
      .def_prop_rw("grad", &get_grad, &set_grad, nb::for_setter(nb::arg("grad").none()))
      .def_prop_rw(
          "data", [](const Tensor& t) { return t.detach(); },
          [](Tensor& t, const Tensor& source) { t.set_data(source); })
      .def("backward", &backward, nb::arg("gradient") = nb::none(), nb::arg("retain_graph") = false,
           nb::arg("create_graph") = false)
      .def("detach", &Tensor::detach)
      .def("detach_",
           [](nb::handle self) {
             tensor_of(self.ptr()).detach_();
             return nb::borrow<named::Self>(self);
           })
      .def("retain_grad", [](Tensor& t) { t.retain_grad(Location::deferred()); });
  m.def("_enter_module", &enter_module);
  m.def("_leave_module", &leave_module);
  bind_indexing(tensor);
  bind_hooks(m, tensor);
  bind_arrays(m, tensor);
  bind_dlpack(m, tensor);
}

}  // namespace entasis::python
