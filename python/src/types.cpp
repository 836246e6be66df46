// Functions of dtypes: which one a result has, what they hold.
#include <cstdio>
#include <string>

#include <entasis/core/operand.h>
#include <entasis/core/type_info.h>
#include <entasis/python/src/named.h>
#include <entasis/python/src/values.h>

namespace entasis::python {
namespace {

named::Dtype dtype_object(DType dtype) { return nb::borrow<named::Dtype>(object_of(dtype)); }

// A tensor or a number.
Operand operand_of(const named::Operand& object) {
  if (is_tensor(object.ptr())) return tensor_of(object.ptr());
  if (const auto number = number_of_object(object.ptr())) return *number;
  throw nb::type_error("result_type(): a tensor or a number is wanted");
}

// As Python's %g has it.
std::string short_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

std::string python_name(DType dtype) {
  return nb::cast<std::string>(object_of(dtype).attr("name"));
}

std::string text_of(const FloatInfo& info) {
  return "finfo(resolution=" + short_text(info.resolution) + ", min=" + short_text(info.min) +
         ", max=" + short_text(info.max) + ", eps=" + short_text(info.eps) +
         ", smallest_normal=" + short_text(info.smallest_normal) +
         ", tiny=" + short_text(info.tiny) + ", dtype=" + python_name(info.dtype) + ")";
}

std::string text_of(const IntegerInfo& info) {
  return "iinfo(min=" + std::to_string(info.min) + ", max=" + std::to_string(info.max) +
         ", dtype=" + python_name(info.dtype) + ")";
}

// What both have.
template <class Info>
nb::class_<Info> define_info(nb::module_& m, const char* name, const char* doc) {
  return nb::class_<Info>(m, name, doc)
      .def_ro("bits", &Info::bits)
      .def_ro("min", &Info::min)
      .def_ro("max", &Info::max)
      .def_prop_ro("dtype", [](const Info& info) { return python_name(info.dtype); })
      .def("__repr__", [](const Info& info) { return text_of(info); })
      .def(
          "__eq__",
          [](const Info& info, nb::handle other) {
            Info its{};
            return nb::try_cast(other, its) && its.dtype == info.dtype;
          },
          nb::arg("other").none())
      .def("__hash__", [](const Info& info) { return int(info.dtype); });
}

}  // namespace

void bind_types(nb::module_& m) {
  define_info<FloatInfo>(m, "finfo", "The limits of a floating-point dtype, by default float32.")
      .def(
          "__init__",
          [](FloatInfo* self, const named::DtypeLike& type) {
            new (self) FloatInfo(finfo(type.is_none() ? kF32 : dtype_of_object(type)));
          },
          nb::arg("type") = nb::none())
      .def_ro("eps", &FloatInfo::eps, "From 1 to the next larger number.")
      .def_ro("smallest_normal", &FloatInfo::smallest_normal)
      .def_ro("tiny", &FloatInfo::tiny, "The smallest normal number.")
      .def_ro("resolution", &FloatInfo::resolution,
              "10^-n for the n decimal digits that it holds.");
  define_info<IntegerInfo>(m, "iinfo", "The limits of an integer dtype.")
      .def(
          "__init__",
          [](IntegerInfo* self, const named::DtypeLike& type) {
            new (self) IntegerInfo(iinfo(dtype_of_object(type)));
          },
          nb::arg("type"));
  m.def(
      "result_type",
      [](const named::Operand& tensor, const named::Operand& other) {
        return dtype_object(result_type(operand_of(tensor), operand_of(other)));
      },
      nb::arg("tensor"), nb::arg("other"),
      "The dtype of a pointwise result of two tensors or numbers.");
  m.def(
      "promote_types",
      [](const named::DtypeLike& type1, const named::DtypeLike& type2) {
        return dtype_object(promote_types(dtype_of_object(type1), dtype_of_object(type2)));
      },
      nb::arg("type1"), nb::arg("type2"), "The smallest dtype that holds both.");
  m.def(
      "can_cast",
      [](const named::DtypeLike& from, const named::DtypeLike& to) {
        return can_cast(dtype_of_object(from), dtype_of_object(to));
      },
      nb::arg("from_"), nb::arg("to"),
      "Whether an in-place op may store one dtype into another: floats not into integers, numbers "
      "not into bool.");
  m.def(
      "is_floating_point", [](const Tensor& input) { return is_floating_point(input.dtype()); },
      nb::arg("input"), "Whether the tensor's dtype is a floating-point one.");
}

}  // namespace entasis::python
