// New tensors from numbers, lists and arrays.
#include <optional>
#include <string>
#include <vector>

#include <entasis/ops/factory.h>
#include <entasis/ops/methods.h>
#include <entasis/ops/triangle.h>
#include <entasis/python/src/named.h>
#include <entasis/python/src/tensor.h>
#include <entasis/python/src/values.h>

namespace entasis::python {
namespace {

// ---- tensor([[1, 2], [3, 4]])

// The numbers of nested lists in row-major order, and their shape.
class NestedNumbers {
 public:
  explicit NestedNumbers(nb::handle data) { add(data.ptr(), 0); }

  const Dims& shape() const { return shape_; }
  DType dtype() const {
    return numbers_.empty() || category_ == Category::kFloating ? kF32
           : category_ == Category::kInteger                    ? kI64
                                                                : kBool;
  }

  Tensor tensor(DType dtype) const {
    Tensor result = empty(shape_, {dtype}, Location::deferred());
    dispatch_dtype(dtype, [&]<class T>(TypeTag<T>) {
      T* to = result.raw_as<T>();
      for (size_t i = 0; i < numbers_.size(); ++i) to[i] = numbers_[i].to<T>();
    });
    return result;
  }

 private:
  void add(PyObject* object, int depth) {
    if (is_sequence(object)) {
      add_sequence(object, depth);
      return;
    }
    if (depth != shape_.size()) throw_ragged();
    std::optional<Number> number;
    if (is_tensor(object)) {
      number = tensor_of(object).item_number(Location::deferred());
    } else {
      number = number_of_object(object);
    }
    if (!number) {
      const nb::object name = nb::handle(object).type().attr("__name__");
      if (PyComplex_Check(object)) {
        throw DtypeError(
            "tensor: there are no complex numbers yet; keep real and imaginary parts "
            "as two tensors",
            Location::deferred());
      }
      throw nb::type_error((std::string("tensor(): no number: ") + nb::str(name).c_str()).c_str());
    }
    category_ = std::max(category_, number->category());
    numbers_.push_back(*number);
  }

  void add_sequence(PyObject* object, int depth) {
    const Py_ssize_t count = PySequence_Size(object);
    if (depth == shape_.size()) {
      if (!numbers_.empty() || closed_) throw_ragged();
      shape_.push_back(count);
    } else if (shape_[depth] != count) {
      throw_ragged();
    }
    for (Py_ssize_t i = 0; i < count; ++i) {
      const nb::object item = nb::steal(PySequence_GetItem(object, i));
      add(item.ptr(), depth + 1);
    }
    if (depth + 1 == shape_.size()) closed_ = true;
  }

  [[noreturn]] void throw_ragged() const {
    throw ValueError("tensor: the lists differ in length or depth", Location::deferred());
  }

  Dims shape_;
  std::vector<Number> numbers_;
  Category category_ = Category::kBoolean;
  bool closed_ = false;  // the innermost lists are known: nothing may be deeper
};

Tensor borrowed_array(nb::handle data) {
  try {
    return from_numpy(data);
  } catch (const ValueError&) {  // read-only, or strides that a tensor cannot have
    return from_numpy(nb::module_::import_("numpy").attr("array")(data));
  }
}

Tensor make_tensor(const named::ArrayLike& data, const named::DtypeLike& dtype,
                   const named::DeviceLike& device, bool requires_grad, bool pin_memory) {
  std::optional<DType> wanted;
  if (!dtype.is_none()) wanted = dtype_of_object(dtype);
  Tensor result;
  if (is_tensor(data.ptr())) {
    result = tensor_of(data.ptr()).detach();
    result = wanted && *wanted != result.dtype() ? to(result, *wanted, Location::deferred())
                                                 : result.clone(Location::deferred());
  } else if (PyObject_CheckBuffer(data.ptr())) {
    const Tensor array = borrowed_array(data);
    result = wanted && *wanted != array.dtype() ? to(array, *wanted, Location::deferred())
                                                : array.clone(Location::deferred());
  } else {
    const NestedNumbers numbers(data);
    result = numbers.tensor(wanted.value_or(numbers.dtype()));
  }
  if (!device.is_none()) {
    result = to_device(result, device_of_object(device), false, Location::deferred());
  }
  if (pin_memory) result = entasis::pin_memory(result, Location::deferred());
  if (requires_grad) result.requires_grad_(true, Location::deferred());
  return result;
}

Tensor as_tensor(const named::ArrayLike& data, const named::DtypeLike& dtype,
                 const named::DeviceLike& device) {
  const bool shares = is_tensor(data.ptr()) || PyObject_CheckBuffer(data.ptr());
  if (!shares) return make_tensor(data, dtype, device, false, false);
  Tensor result = is_tensor(data.ptr()) ? tensor_of(data.ptr()) : borrowed_array(data);
  if (!dtype.is_none() && dtype_of_object(dtype) != result.dtype()) {
    result = to(result, dtype_of_object(dtype), Location::deferred());
  }
  if (!device.is_none()) {
    result = to_device(result, device_of_object(device), false, Location::deferred());
  }
  return result;
}

// ---- zeros(2, 3), zeros((2, 3), dtype=…)

TensorOptions options_of(const named::DtypeLike& dtype, const named::DeviceLike& device,
                         bool requires_grad, bool pin_memory) {
  TensorOptions options;
  if (!dtype.is_none()) options.dtype = dtype_of_object(dtype);
  if (!device.is_none()) options.device = device_of_object(device);
  options.requires_grad = requires_grad;
  options.pin_memory = pin_memory;
  return options;
}

Dims shape_of(const char* name, nb::handle sizes) {
  const auto dims = dims_of_object(sizes.ptr());
  if (!dims) throw nb::type_error((std::string(name) + "(): sizes must be ints").c_str());
  return *dims;
}

Number number_of(const char* name, nb::handle object) {
  const auto number = number_of_object(object.ptr());
  if (!number) throw nb::type_error((std::string(name) + "(): a number is wanted").c_str());
  return *number;
}

using ShapeFactory = Tensor (*)(const Dims&, const TensorOptions&, Location);

template <ShapeFactory F>
void define_shape_factory(nb::module_& m, const char* name, const char* doc) {
  const auto define = [&]<class Size>(std::type_identity<Size>, const auto&... more) {
    m.def(
        name,
        [name](const Size& size, const named::DtypeLike& dtype, const named::DeviceLike& device,
               bool requires_grad, bool pin_memory) {
          return F(shape_of(name, size), options_of(dtype, device, requires_grad, pin_memory),
                   Location::deferred());
        },
        nb::arg("size"), more..., nb::arg("dtype") = nb::none(), nb::arg("device") = nb::none(),
        nb::arg("requires_grad") = false, nb::arg("pin_memory") = false, doc);
  };
  const std::string several =
      "def " + std::string(name) +
      "(*size: int, dtype: DtypeLike | None = None, device: DeviceLike | None = None, "
      "requires_grad: bool = False, pin_memory: bool = False) -> Tensor";
  define(std::type_identity<named::Ints>(), nb::kw_only());
  define(std::type_identity<nb::args>(), nb::sig(several.c_str()));
}

Tensor make_full(const named::Ints& size, const named::Scalar& value, const named::DtypeLike& dtype,
                 const named::DeviceLike& device, bool requires_grad, bool pin_memory) {
  return full(shape_of("full", size), number_of("full", value),
              options_of(dtype, device, requires_grad, pin_memory), Location::deferred());
}

Tensor make_empty_strided(const named::Ints& size, const named::Ints& stride,
                          const named::DtypeLike& dtype, const named::DeviceLike& device,
                          bool requires_grad, bool pin_memory) {
  return empty_strided(shape_of("empty_strided", size), shape_of("empty_strided", stride),
                       options_of(dtype, device, requires_grad, pin_memory), Location::deferred());
}

Tensor make_arange(const named::Scalar& start, const named::Scalar& end, const named::Scalar& step,
                   const named::DtypeLike& dtype, const named::DeviceLike& device,
                   bool requires_grad, bool pin_memory) {
  const TensorOptions options = options_of(dtype, device, requires_grad, pin_memory);
  const Number first = number_of("arange", start);
  if (end.is_none())
    return arange(0, first, number_of("arange", step), options, Location::deferred());
  return arange(first, number_of("arange", end), number_of("arange", step), options,
                Location::deferred());
}

Tensor make_randint(int64_t low, int64_t high, const named::Ints& size,
                    const named::DtypeLike& dtype, const named::DeviceLike& device,
                    bool pin_memory) {
  return randint(low, high, shape_of("randint", size), options_of(dtype, device, false, pin_memory),
                 Location::deferred());
}

using TriangleIndices = Tensor (*)(int64_t, int64_t, int64_t, const TensorOptions&, Location);

template <TriangleIndices F>
void define_triangle_indices(nb::module_& m, const char* name, const char* doc) {
  m.def(
      name,
      [](int64_t row, int64_t col, int64_t offset, const named::DtypeLike& dtype,
         const named::DeviceLike& device) {
        return F(row, col, offset, options_of(dtype, device, false, false), Location::deferred());
      },
      nb::arg("row"), nb::arg("col"), nb::arg("offset") = 0, nb::kw_only(),
      nb::arg("dtype") = nb::none(), nb::arg("device") = nb::none(), doc);
}

// ---- Pickling: the elements as bytes, row-major

nb::bytes to_bytes(const Tensor& dense) {
  return nb::bytes(dense.raw(), size_t(dense.numel() * size_of(dense.dtype())));
}

Tensor from_bytes(const nb::bytes& bytes, const named::DtypeLike& dtype, const named::Ints& shape) {
  const DType type = dtype_of_object(dtype);
  const auto dims = dims_of_object(shape.ptr());
  if (!dims || count_elements(*dims) * size_of(type) != int64_t(bytes.size())) {
    throw ValueError("a pickled tensor's bytes do not fit its shape", Location::deferred());
  }
  return from_memory(bytes.data(), type, *dims, {}, Location::deferred());
}

}  // namespace

Tensor tensor_of_data(nb::handle data) {
  const nb::object none = nb::none();
  return make_tensor(nb::borrow<named::ArrayLike>(data), nb::borrow<named::DtypeLike>(none),
                     nb::borrow<named::DeviceLike>(none), false, false);
}

void bind_factories(nb::module_& m) {
  m.def("tensor", &make_tensor, nb::arg("data"), nb::arg("dtype") = nb::none(),
        nb::arg("device") = nb::none(), nb::arg("requires_grad") = false,
        nb::arg("pin_memory") = false,
        "A copy of a number, nested lists, a NumPy array or a tensor.");
  m.def("as_tensor", &as_tensor, nb::arg("data"), nb::arg("dtype") = nb::none(),
        nb::arg("device") = nb::none(), "The same without a copy where none is needed.");
  m.def("_to_bytes", &to_bytes);
  m.def("_from_bytes", &from_bytes);
  define_shape_factory<&empty>(m, "empty", "A tensor with unset elements.");
  define_shape_factory<&zeros>(m, "zeros", "A tensor of zeros.");
  define_shape_factory<&ones>(m, "ones", "A tensor of ones.");
  define_shape_factory<&rand>(m, "rand", "Uniform random numbers in [0, 1).");
  define_shape_factory<&randn>(m, "randn", "Standard normal random numbers.");
  m.def("full", &make_full, nb::arg("size"), nb::arg("fill_value"), nb::arg("dtype") = nb::none(),
        nb::arg("device") = nb::none(), nb::arg("requires_grad") = false,
        nb::arg("pin_memory") = false, "A tensor of one value.");
  m.def("empty_strided", &make_empty_strided, nb::arg("size"), nb::arg("stride"), nb::kw_only(),
        nb::arg("dtype") = nb::none(), nb::arg("device") = nb::none(),
        nb::arg("requires_grad") = false, nb::arg("pin_memory") = false,
        "A tensor with these strides, in elements, and unset elements.");
  m.def("arange", &make_arange, nb::arg("start"), nb::arg("end") = nb::none(), nb::arg("step") = 1,
        nb::arg("dtype") = nb::none(), nb::arg("device") = nb::none(),
        nb::arg("requires_grad") = false, nb::arg("pin_memory") = false,
        "start, start + step, ... below end.");
  m.def(
      "linspace",
      [](const named::Scalar& start, const named::Scalar& end, int64_t steps,
         const named::DtypeLike& dtype, const named::DeviceLike& device, bool requires_grad,
         bool pin_memory) {
        return linspace(number_of("linspace", start), number_of("linspace", end), steps,
                        options_of(dtype, device, requires_grad, pin_memory), Location::deferred());
      },
      nb::arg("start"), nb::arg("end"), nb::arg("steps"), nb::arg("dtype") = nb::none(),
      nb::arg("device") = nb::none(), nb::arg("requires_grad") = false,
      nb::arg("pin_memory") = false, "`steps` numbers from start to end, both included.");
  m.def(
      "logspace",
      [](const named::Scalar& start, const named::Scalar& end, int64_t steps, double base,
         const named::DtypeLike& dtype, const named::DeviceLike& device, bool requires_grad,
         bool pin_memory) {
        return logspace(number_of("logspace", start), number_of("logspace", end), steps, base,
                        options_of(dtype, device, requires_grad, pin_memory), Location::deferred());
      },
      nb::arg("start"), nb::arg("end"), nb::arg("steps"), nb::arg("base") = 10.0,
      nb::arg("dtype") = nb::none(), nb::arg("device") = nb::none(),
      nb::arg("requires_grad") = false, nb::arg("pin_memory") = false,
      "base to the power of `steps` numbers from start to end, both included.");
  define_triangle_indices<&tril_indices>(m, "tril_indices",
                                         "Rows and columns of the elements on and below a "
                                         "diagonal of a row x col matrix, [2, count].");
  define_triangle_indices<&triu_indices>(m, "triu_indices",
                                         "Rows and columns of the elements on and above a "
                                         "diagonal of a row x col matrix, [2, count].");
  m.def(
      "eye",
      [](int64_t n, std::optional<int64_t> m, const named::DtypeLike& dtype,
         const named::DeviceLike& device, bool requires_grad, bool pin_memory) {
        return eye(n, m, options_of(dtype, device, requires_grad, pin_memory),
                   Location::deferred());
      },
      nb::arg("n"), nb::arg("m") = nb::none(), nb::arg("dtype") = nb::none(),
      nb::arg("device") = nb::none(), nb::arg("requires_grad") = false,
      nb::arg("pin_memory") = false, "The identity.");
  m.def("randint", &make_randint, nb::arg("low"), nb::arg("high"), nb::arg("size"),
        nb::arg("dtype") = nb::none(), nb::arg("device") = nb::none(),
        nb::arg("pin_memory") = false, "Random integers in [low, high), of a size.");
  m.def(
      "randint",
      [](int64_t high, const named::Ints& size, const named::DtypeLike& dtype,
         const named::DeviceLike& device,
         bool pin_memory) { return make_randint(0, high, size, dtype, device, pin_memory); },
      nb::arg("high"), nb::arg("size"), nb::arg("dtype") = nb::none(),
      nb::arg("device") = nb::none(), nb::arg("pin_memory") = false,
      "Random integers in [0, high), of a size.");
  m.def(
      "randperm",
      [](int64_t n, const named::DtypeLike& dtype, const named::DeviceLike& device,
         bool pin_memory) {
        return randperm(n, options_of(dtype, device, false, pin_memory), Location::deferred());
      },
      nb::arg("n"), nb::arg("dtype") = nb::none(), nb::arg("device") = nb::none(),
      nb::arg("pin_memory") = false, "A random permutation of 0 ... n-1.");
}

}  // namespace entasis::python
