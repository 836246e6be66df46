// Arrays of other libraries by Python's buffer protocol, without copies: tensors lend their memory
// to NumPy, and from_numpy() borrows an array's.
#include <memory>
#include <string>
#include <vector>

#include <entasis/ops/factory.h>
#include <entasis/python/src/named.h>
#include <entasis/python/src/tensor.h>
#include <entasis/python/src/values.h>

namespace entasis::python {
namespace {

// ---- Lending

const char* format_of(DType dtype) {
  switch (dtype) {
    case kF32:
      return "f";
    case kF64:
      return "d";
    case kF16:
      return "e";
    case kI8:
      return "b";
    case kI16:
      return "h";
    case kI32:
      return "i";
    case kI64:
      return "q";
    case kU8:
      return "B";
    case kU16:
      return "H";
    case kU32:
      return "I";
    case kU64:
      return "Q";
    case kBool:
      return "?";
    default:
      return nullptr;
  }
}

// What a view of the memory needs for as long as it lives; the view also holds the tensor's object.
struct Lent {
  Tensor tensor;
  Py_ssize_t shape[kMaxDims], strides[kMaxDims];
};

std::string why_not(const Tensor& t) {
  if (!t.device().is_cpu()) return "its memory is on " + to_string(t.device()) + "; use .cpu()";
  if (t.requires_grad()) return "it requires a gradient; use .detach()";
  if (!format_of(t.dtype())) return "other libraries have no bfloat16; use .float()";
  return {};
}

}  // namespace

int get_buffer(PyObject* self, Py_buffer* view, int flags) {
  const Tensor& t = tensor_of(self);
  view->obj = nullptr;
  const std::string reason = why_not(t);
  if (!reason.empty()) {
    PyErr_SetString(PyExc_BufferError, ("the tensor lends no memory: " + reason).c_str());
    return -1;
  }
  if (!(flags & PyBUF_STRIDES) && !t.is_contiguous()) {
    PyErr_SetString(PyExc_BufferError, "the tensor is not contiguous");
    return -1;
  }
  auto* lent = new Lent{t, {}, {}};
  const int size = size_of(t.dtype());
  for (int d = 0; d < t.dim(); ++d) {
    lent->shape[d] = t.shape()[d];
    lent->strides[d] = t.strides()[d] * size;
  }
  view->buf = t.exposed_raw();
  view->obj = Py_NewRef(self);
  view->len = t.numel() * size;
  view->itemsize = size;
  view->readonly = 0;
  view->ndim = t.dim();
  view->format = flags & PyBUF_FORMAT ? const_cast<char*>(format_of(t.dtype())) : nullptr;
  view->shape = flags & PyBUF_ND ? lent->shape : nullptr;
  view->strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? lent->strides : nullptr;
  view->suboffsets = nullptr;
  view->internal = lent;
  ++t.impl()->storage->writes;  // who holds the memory may write: saved tensors are to notice
  return 0;
}

void release_buffer(PyObject*, Py_buffer* view) { delete static_cast<Lent*>(view->internal); }

namespace {

named::NDArray to_numpy(nb::handle self) {
  const std::string reason = why_not(tensor_of(self.ptr()));
  if (!reason.empty()) throw nb::type_error(("numpy(): " + reason).c_str());
  return nb::steal<named::NDArray>(
      nb::module_::import_("numpy")
          .attr("asarray")(nb::steal(PyMemoryView_FromObject(self.ptr())))
          .release());
}

named::NDArray to_array(nb::handle self, const nb::any& dtype, std::optional<bool> copy) {
  const named::NDArray array = to_numpy(self);
  const bool copies = copy.value_or(false);
  if (dtype.is_none() && !copies) return array;
  const nb::object changed = dtype.is_none()
                                 ? array.attr("copy")()
                                 : array.attr("astype")(dtype, nb::arg("copy") = copies);
  return nb::borrow<named::NDArray>(changed);
}

// ---- Borrowing

struct Borrowed {
  Py_buffer view;
};

void give_back(void* context, void*) {
  const std::unique_ptr<Borrowed> borrowed(static_cast<Borrowed*>(context));
  if (!Py_IsInitialized()) return;  // the process ends: the memory goes with it
  const nb::gil_scoped_acquire gil;
  PyBuffer_Release(&borrowed->view);
}

DType dtype_of_format(const Py_buffer& view) {
  std::string format = view.format ? view.format : "B";
  if (!format.empty() && (format[0] == '@' || format[0] == '=' || format[0] == '<')) {
    format.erase(0, 1);
  }
  const auto sized = [&](DType s1, DType s2, DType s4, DType s8) {
    return view.itemsize == 1 ? s1 : view.itemsize == 2 ? s2 : view.itemsize == 4 ? s4 : s8;
  };
  if (format.size() == 1) {
    switch (format[0]) {
      case 'f':
        return kF32;
      case 'd':
        return kF64;
      case 'e':
        return kF16;
      case '?':
        return kBool;
      case 'b':
      case 'h':
      case 'i':
      case 'l':
      case 'q':
        return sized(kI8, kI16, kI32, kI64);
      case 'B':
      case 'H':
      case 'I':
      case 'L':
      case 'Q':
        return sized(kU8, kU16, kU32, kU64);
    }
  }
  throw nb::type_error(("from_numpy(): no dtype for elements of format '" + format + "'").c_str());
}

}  // namespace

Tensor from_numpy(nb::handle array) {
  auto borrowed = std::make_unique<Borrowed>();
  Py_buffer& view = borrowed->view;
  if (PyObject_GetBuffer(array.ptr(), &view, PyBUF_STRIDES | PyBUF_FORMAT) != 0) {
    throw nb::python_error();
  }
  struct Release {
    Py_buffer* view;
    ~Release() {
      if (view) PyBuffer_Release(view);
    }
  } release{&view};

  if (view.readonly) {
    throw ValueError("from_numpy: the array is read-only; give a copy", Location::deferred());
  }
  const DType dtype = dtype_of_format(view);
  Dims shape, strides;
  for (int d = 0; d < view.ndim; ++d) {
    if (view.strides[d] < 0 || view.strides[d] % view.itemsize != 0) {
      throw ValueError(
          "from_numpy: strides must be multiples of the element's size and not "
          "negative; give a copy",
          Location::deferred());
    }
    shape.push_back(view.shape[d]);
    strides.push_back(view.strides[d] / view.itemsize);
  }
  Tensor tensor = from_blob(view.buf, dtype, shape, strides, &give_back, borrowed.get(), kCPU,
                            Location::deferred());
  release.view = nullptr;
  borrowed.release();
  return tensor;
}

void bind_arrays(nb::module_& m, nb::class_<Tensor>& tensor) {
  m.def(
      "from_numpy", [](const named::BufferLike& array) { return from_numpy(array); },
      nb::arg("array"),
      "A tensor that shares the memory of a NumPy array, or of anything else with a buffer.");
  tensor.def("numpy", &to_numpy, "A NumPy array that shares the memory.")
      .def("__array__", &to_array, nb::arg("dtype") = nb::none(), nb::arg("copy") = nb::none());
}

}  // namespace entasis::python
