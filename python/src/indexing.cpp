// Subscripts: x[2, 1:, ..., None, mask], read and assigned.
#include <optional>
#include <string>
#include <vector>

#include <entasis/ops/copy.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/methods.h>
#include <entasis/python/src/named.h>
#include <entasis/python/src/tensor.h>
#include <entasis/python/src/values.h>

namespace entasis::python {
namespace {

std::optional<int64_t> bound_of(nb::handle object) {
  if (object.is_none()) return {};
  const nb::object index = nb::steal(PyNumber_Index(object.ptr()));
  if (!index.is_valid()) throw nb::python_error();
  return nb::cast<int64_t>(index);
}

Slice slice_of(nb::handle slice) {
  return {bound_of(slice.attr("start")), bound_of(slice.attr("stop")),
          bound_of(slice.attr("step")).value_or(1)};
}

Index entry_of(nb::handle object) {
  const Location at = Location::deferred();
  PyObject* const o = object.ptr();
  if (is_tensor(o)) return Index(tensor_of(o), at);
  if (object.is_none()) return Index(kNewAxis, at);
  if (o == Py_Ellipsis) return Index(kEllipsis, at);
  if (PySlice_Check(o)) return Index(slice_of(object), at);
  if (PyBool_Check(o)) return Index(scalar_tensor(o == Py_True), at);
  if (is_sequence(o) || nb::hasattr(object, "__array__")) {
    return Index(tensor_of_data(object), at);
  }
  if (PyIndex_Check(o)) return Index(*bound_of(object), at);
  throw nb::type_error(
      ("a tensor is subscripted by integers, slices, ..., None, lists and tensors, "
       "not " +
       std::string(nb::str(object.type().attr("__name__")).c_str()))
          .c_str());
}

std::vector<Index> entries_of(nb::handle subscript) {
  std::vector<Index> entries;
  if (PyTuple_Check(subscript.ptr())) {
    for (nb::handle entry : nb::borrow<nb::tuple>(subscript)) entries.push_back(entry_of(entry));
  } else {
    entries.push_back(entry_of(subscript));
  }
  return entries;
}

Tensor get_item(const Tensor& self, const named::Subscript& subscript) {
  return index(self, entries_of(subscript), Location::deferred());
}

// ---- Assignment

// NumPy's arrays, but for its numbers.
bool is_array(nb::handle object) {
  return nb::hasattr(object, "__array__") && nb::cast<int>(object.attr("ndim")) > 0;
}

Tensor source_of(const Tensor& self, nb::handle value) {
  if (is_tensor(value.ptr())) return tensor_of(value.ptr());
  if (!is_array(value)) {
    if (const auto number = number_of_object(value.ptr())) {
      return scalar_tensor(*number, {self.dtype(), self.device()}, Location::deferred());
    }
  }
  return to_device(to(tensor_of_data(value), self.dtype()), self.device());
}

void set_item(Tensor& self, const named::Subscript& subscript, const named::ArrayLike& value) {
  const Location at = Location::deferred();
  const std::vector<Index> entries = entries_of(subscript);
  index_put_(self, entries, source_of(self, value), false, at);
}

}  // namespace

void bind_indexing(nb::class_<Tensor>& tensor) {
  tensor.def("__getitem__", &get_item, nb::arg("subscript").none())
      .def("__setitem__", &set_item, nb::arg("subscript").none(), nb::arg("value"))
      .def("__iter__", [](nb::handle self) -> nb::typed<nb::iterator, Tensor> {
        const Tensor& t = tensor_of(self.ptr());
        if (t.dim() == 0) throw nb::type_error("a 0-d tensor has no elements to walk over");
        nb::list parts;
        for (int64_t i = 0; i < t.shape()[0]; ++i) {
          parts.append(to_object(t.select(0, i, Location::deferred())));
        }
        return nb::iter(parts);
      });
}

}  // namespace entasis::python
