// Every row as a Python function: a callable type of its own over CPython's vectorcall, which binds
// as a method where it stands in a class. Names, defaults, documentation and signature come from
// the row.
#include <cstring>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <nanobind/stl/string.h>

#include <entasis/python/src/values.h>

#if PY_VERSION_HEX < 0x030C0000
#include <structmember.h>
#define Py_T_PYSSIZET T_PYSSIZET
#define Py_READONLY READONLY
#endif

namespace entasis::python {
namespace {

// Inputs of more elements than this are worked on without the GIL: some ten microseconds of work,
// against which giving it up and taking it again costs nothing.
constexpr int64_t kReleaseAbove = 32768;

// As what an op stands in the module or in a class.
enum class Form : uint8_t {
  kFunction,
  kMethod,
  kOperator,   // gives NotImplemented for what it does not take, as Python expects
  kReflected,  // takes its two arguments the other way round: 2 - x
};

struct Op {
  PyObject_HEAD vectorcallfunc call;
  const Row* row;
  PyObject* names[kMaxArguments];  // interned
  int dims_argument;               // takes the rest of the positional arguments; -1: none does
  PyTypeObject* results;           // the named tuple of several results, or null
  Form form;

  bool is_operator() const { return form == Form::kOperator || form == Form::kReflected; }
};

PyTypeObject* op_type;

// ---- Arguments

// NumPy's names, and the short one for the input.
const char* alias_of(const char* name) {
  if (!std::strcmp(name, "input")) return "x";
  if (!std::strcmp(name, "dim")) return "axis";
  if (!std::strcmp(name, "keepdim")) return "keepdims";
  return nullptr;
}

int find_name(const Op& op, PyObject* name) {
  for (int i = 0; i < op.row->count; ++i) {
    if (op.names[i] == name) return i;
  }
  const char* text = PyUnicode_AsUTF8AndSize(name, nullptr);
  if (!text) throw nb::python_error();
  for (int i = 0; i < op.row->count; ++i) {
    const char* own = op.row->arguments()[size_t(i)].name;
    const char* alias = alias_of(own);
    if (!std::strcmp(own, text) || (alias && !std::strcmp(alias, text))) return i;
  }
  const std::string message = std::string(op.row->name) + "() has no argument named '" + text + "'";
  throw nb::type_error(message.c_str());
}

[[noreturn]] void throw_unfit(const Op& op, int index, PyObject* object) {
  const Argument& argument = op.row->arguments()[size_t(index)];
  const nb::object type = nb::borrow(reinterpret_cast<PyObject*>(Py_TYPE(object)));
  const std::string message = std::string(op.row->name) + "(): argument '" + argument.name +
                              "' must be " + describe(argument.type) + ", not " +
                              nb::cast<std::string>(type.attr("__name__"));
  throw nb::type_error(message.c_str());
}

// The arguments of one call, in the order of the row.
class Arguments {
 public:
  Arguments(const Op& op, PyObject* const* given, Py_ssize_t count, PyObject* keywords) : op_(op) {
    values_.resize(op.row->count);
    const std::span<const Argument> wanted = op.row->arguments();
    Py_ssize_t taken = count;
    const bool gathers = op.dims_argument >= 0 && count > op.dims_argument + 1 &&
                         PyLong_CheckExact(given[op.dims_argument]);
    if (gathers) taken = op.dims_argument;
    if (op.row->options.variadic && count > 0 && is_tensor(given[0])) {
      gather_tensors(given, count);
      taken = 0;
    }
    if (taken > op.row->count) throw_too_many(taken);
    for (Py_ssize_t i = 0; i < taken; ++i) set(int(i), given[i]);
    if (gathers) gather(given + taken, count - taken);
    if (keywords) {
      const Py_ssize_t named = PyTuple_Size(keywords);
      for (Py_ssize_t k = 0; k < named; ++k) {
        const int i = find_name(op, PyTuple_GetItem(keywords, k));
        if (is_set(i)) throw_twice(i);
        set(i, given[count + k]);
      }
    }
    for (int i = 0; i < op.row->count; ++i) {
      if (is_set(i)) continue;
      if (op.row->options.variadic && i == 0) {
        values_[0] = Tensors();
        continue;
      }
      if (wanted[size_t(i)].fallback.kind == Default::Kind::kRequired) throw_missing(i);
      values_[i] = wanted[size_t(i)].fallback.value();
    }
  }

  std::span<const Value> values() const { return {values_.data(), size_t(values_.size())}; }
  int64_t elements() const { return elements_; }

 private:
  bool is_set(int i) const { return set_ >> i & 1; }

  void set(int i, PyObject* object) {
    const Kind kind = op_.row->storage[size_t(i)].type.kind;
    set_ |= 1u << i;
    if ((kind == Kind::kTensor || kind == Kind::kOperand) && is_tensor(object)) {
      const Tensor& tensor = values_[i].emplace<Tensor>(tensor_of(object));
      elements_ += tensor.numel();
      return;
    }
    if (!to_value(object, op_.row->arguments()[size_t(i)].type, values_[i])) {
      throw_unfit(op_, i, object);
    }
    if (const auto* tensors = std::get_if<Tensors>(&values_[i])) {
      for (const Tensor& t : *tensors) elements_ += t.numel();
    }
  }

  void gather(PyObject* const* given, Py_ssize_t count) {
    Dims dims;
    for (Py_ssize_t k = 0; k < count; ++k) {
      const auto one = PyLong_CheckExact(given[k]) ? dims_of_object(given[k]) : std::nullopt;
      if (!one) throw_unfit(op_, op_.dims_argument, given[k]);
      dims.push_back((*one)[0]);
    }
    values_[op_.dims_argument] = dims;
    set_ |= 1u << op_.dims_argument;
  }

  // meshgrid(x, y) for meshgrid([x, y]).
  void gather_tensors(PyObject* const* given, Py_ssize_t count) {
    Tensors tensors;
    for (Py_ssize_t k = 0; k < count; ++k) {
      if (!is_tensor(given[k])) throw_unfit(op_, 0, given[k]);
      elements_ += tensors.emplace_back(tensor_of(given[k])).numel();
    }
    values_[0] = std::move(tensors);
    set_ |= 1u;
  }

  [[noreturn]] void throw_too_many(Py_ssize_t count) const {
    const std::string message = std::string(op_.row->name) + "() takes at most " +
                                std::to_string(op_.row->count) + " arguments, got " +
                                std::to_string(count);
    throw nb::type_error(message.c_str());
  }
  [[noreturn]] void throw_twice(int i) const {
    const std::string message = std::string(op_.row->name) + "() got argument '" +
                                op_.row->arguments()[size_t(i)].name + "' twice";
    throw nb::type_error(message.c_str());
  }
  [[noreturn]] void throw_missing(int i) const {
    const std::string message = std::string(op_.row->name) + "(): argument '" +
                                op_.row->arguments()[size_t(i)].name + "' is missing";
    throw nb::type_error(message.c_str());
  }

  const Op& op_;
  SmallVector<Value, 4> values_;  // most rows take as many, without an allocation
  uint32_t set_ = 0;
  int64_t elements_ = 0;
};

// ---- The call

PyObject* from_results(const Op& op, Results& results, PyObject* const* given, Py_ssize_t count) {
  if (results.size() == 1) {
    // What changes its argument returns it: the same object, as PyTorch does.
    auto* tensor = std::get_if<Tensor>(&results[0]);
    if (!tensor) return from_value(std::move(results[0]));
    if (count > 0 && is_tensor(given[0]) && tensor_of(given[0]).same(*tensor)) {
      return Py_NewRef(given[0]);
    }
    return wrap(std::move(*tensor));
  }
  PyObject* tuple =
      op.results ? PyStructSequence_New(op.results) : PyTuple_New(Py_ssize_t(results.size()));
  for (int i = 0; tuple && i < results.size(); ++i) {
    PyObject* item = from_value(std::move(results[i]));
    if (!item) {
      Py_DECREF(tuple);
      return nullptr;
    }
    if (op.results) {
      PyStructSequence_SetItem(tuple, i, item);
    } else {
      PyTuple_SetItem(tuple, i, item);
    }
  }
  return tuple;
}

PyObject* call_op(PyObject* self, PyObject* const* given, size_t flags, PyObject* keywords) {
  const Op& op = *reinterpret_cast<Op*>(self);
  const Py_ssize_t count = PyVectorcall_NARGS(flags);
  PyObject* swapped[2];
  if (op.form == Form::kReflected && count == 2) {
    swapped[0] = given[1];
    swapped[1] = given[0];
    given = swapped;
  }
  try {
    const Arguments arguments(op, given, count, keywords);
    std::optional<nb::gil_scoped_release> release;
    if (arguments.elements() > kReleaseAbove) release.emplace();
    Results results = op.row->call(*op.row, arguments.values(), Location::deferred());
    release.reset();
    return from_results(op, results, given, count);
  } catch (Error& error) {
    error.place(op.row->name, Location::deferred());
    set_python_error();
  } catch (const nb::builtin_exception& error) {
    if (op.is_operator()) return Py_NewRef(Py_NotImplemented);
    set_python_error();
  } catch (...) {
    set_python_error();
  }
  return nullptr;
}

// ---- What inspect, help and pickle ask for

std::string default_text(const Argument& argument) {
  const Default& d = argument.fallback;
  switch (d.kind) {
    case Default::Kind::kBool:
      return d.integer ? "True" : "False";
    case Default::Kind::kInt:
      return std::to_string(d.integer);
    case Default::Kind::kFloat: {
      return nb::cast<std::string>(nb::repr(nb::float_(d.real)));
    }
    case Default::Kind::kDims: {
      std::string text = "(";
      for (int64_t i = 0; i < d.integer; ++i) text += std::to_string(d.dims[i]) + ", ";
      if (d.integer > 1) text.resize(text.size() - 2);
      if (d.integer == 1) text.resize(text.size() - 1);
      return text + ")";
    }
    case Default::Kind::kEnum:
      return "'" + std::string(argument.type.names[size_t(d.integer)]) + "'";
    default:
      return "None";
  }
}

std::string signature_of(const Row& row, Form form) {
  if (form == Form::kOperator || form == Form::kReflected) {
    return row.count == 1 ? "(self, /)" : "(self, other, /)";
  }
  std::string text = "(";
  for (const Argument& argument : row.arguments()) {
    const bool is_self = form == Form::kMethod && text.size() == 1;
    if (text.size() > 1) text += ", ";
    text += is_self ? "self" : argument.name;
    if (argument.fallback.kind != Default::Kind::kRequired) text += "=" + default_text(argument);
  }
  return text + ")";
}

const Row& row_of(PyObject* self) { return *reinterpret_cast<Op*>(self)->row; }
PyObject* string_object(const std::string& text) {
  return PyUnicode_FromStringAndSize(text.data(), Py_ssize_t(text.size()));
}

PyObject* get_name(PyObject* self, void*) { return string_object(row_of(self).name); }
PyObject* get_doc(PyObject* self, void*) { return string_object(row_of(self).doc); }
PyObject* get_signature(PyObject* self, void*) {
  return string_object(signature_of(row_of(self), reinterpret_cast<Op*>(self)->form));
}
PyObject* repr_op(PyObject* self) {
  return string_object(std::string("<function entasis.") + row_of(self).name + ">");
}
PyObject* reduce_op(PyObject* self, PyObject*) { return string_object(row_of(self).name); }

#ifdef Py_LIMITED_API
// The stable ABI makes methods only by calling their type.
PyObject* method_of(PyObject* self, PyObject* object) {
  static const nb::object* const type =
      new nb::object(nb::module_::import_("types").attr("MethodType"));
  return PyObject_CallFunctionObjArgs(type->ptr(), self, object, nullptr);
}
#else
PyObject* method_of(PyObject* self, PyObject* object) { return PyMethod_New(self, object); }
#endif

PyObject* bind_op(PyObject* self, PyObject* object, PyObject*) {
  return object && object != Py_None ? method_of(self, object) : Py_NewRef(self);
}

PyGetSetDef getters[] = {
    {"__name__", get_name, nullptr, nullptr, nullptr},
    {"__doc__", get_doc, nullptr, nullptr, nullptr},
    {"__text_signature__", get_signature, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyMethodDef methods[] = {
    {"__reduce__", reduce_op, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyMemberDef members[] = {
    {"__vectorcalloffset__", Py_T_PYSSIZET, offsetof(Op, call), Py_READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};
PyType_Slot slots[] = {
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_descr_get, reinterpret_cast<void*>(bind_op)},
    {Py_tp_repr, reinterpret_cast<void*>(repr_op)},
    {Py_tp_getset, getters},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {0, nullptr},
};
PyType_Spec spec = {"entasis.op", sizeof(Op), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR |
                        Py_TPFLAGS_DISALLOW_INSTANTIATION,
                    slots};

// A named tuple for a row of several results. Its parts live for ever, as the rows do.
PyTypeObject* make_results_type(const Row& row) {
  auto* fields = new std::vector<PyStructSequence_Field>;
  std::string names = row.options.results;
  size_t begin = 0;
  while (begin < names.size()) {
    const size_t end = std::min(names.find(' ', begin), names.size());
    auto* name = new std::string(names.substr(begin, end - begin));
    fields->push_back({name->c_str(), nullptr});
    begin = end + 1;
  }
  const int count = int(fields->size());
  fields->push_back({nullptr, nullptr});
  auto* name = new std::string(std::string("entasis.") + row.name + "_results");
  PyStructSequence_Desc description = {name->c_str(), row.doc, fields->data(), count};
  return PyStructSequence_NewType(&description);
}

// One type for all forms of a row.
PyTypeObject* results_type(const Row& row) {
  static auto* types = new std::unordered_map<const Row*, PyTypeObject*>;
  if (!row.options.results) return nullptr;
  PyTypeObject*& type = (*types)[&row];
  if (!type) type = make_results_type(row);
  return type;
}

// The argument that takes the rest of the positional ones: x.reshape(2, 3) for x.reshape((2, 3)).
int dims_argument_of(const Row& row) {
  const Argument& last = row.arguments().back();
  const bool required = last.fallback.kind == Default::Kind::kRequired;
  return last.type.kind == Kind::kDims && required ? row.count - 1 : -1;
}

nb::object make_op(const Row& row, Form form) {
  auto* op = reinterpret_cast<Op*>(PyType_GenericAlloc(op_type, 0));
  if (!op) nb::raise_python_error();
  op->call = &call_op;
  op->row = &row;
  op->dims_argument = dims_argument_of(row);
  op->results = results_type(row);
  op->form = form;
  for (int i = 0; i < row.count; ++i) {
    op->names[i] = PyUnicode_InternFromString(row.arguments()[size_t(i)].name);
  }
  return nb::steal(reinterpret_cast<PyObject*>(op));
}

// ---- Operators

struct Operator {
  const char* method;
  const char* row;
  Form form;
};
constexpr Operator kOperators[] = {
    {"__add__", "add", Form::kOperator},
    {"__radd__", "add", Form::kReflected},
    {"__sub__", "sub", Form::kOperator},
    {"__rsub__", "sub", Form::kReflected},
    {"__mul__", "mul", Form::kOperator},
    {"__rmul__", "mul", Form::kReflected},
    {"__truediv__", "div", Form::kOperator},
    {"__rtruediv__", "div", Form::kReflected},
    {"__floordiv__", "floor_divide", Form::kOperator},
    {"__rfloordiv__", "floor_divide", Form::kReflected},
    {"__mod__", "remainder", Form::kOperator},
    {"__rmod__", "remainder", Form::kReflected},
    {"__pow__", "pow", Form::kOperator},
    {"__rpow__", "pow", Form::kReflected},
    {"__matmul__", "matmul", Form::kOperator},
    {"__and__", "bitwise_and", Form::kOperator},
    {"__rand__", "bitwise_and", Form::kReflected},
    {"__or__", "bitwise_or", Form::kOperator},
    {"__ror__", "bitwise_or", Form::kReflected},
    {"__xor__", "bitwise_xor", Form::kOperator},
    {"__rxor__", "bitwise_xor", Form::kReflected},
    {"__lshift__", "bitwise_left_shift", Form::kOperator},
    {"__rlshift__", "bitwise_left_shift", Form::kReflected},
    {"__rshift__", "bitwise_right_shift", Form::kOperator},
    {"__rrshift__", "bitwise_right_shift", Form::kReflected},
    {"__neg__", "neg", Form::kOperator},
    {"__abs__", "abs", Form::kOperator},
    {"__invert__", "bitwise_not", Form::kOperator},
    {"__pos__", "positive", Form::kOperator},
    {"__iadd__", "add_", Form::kOperator},
    {"__isub__", "sub_", Form::kOperator},
    {"__imul__", "mul_", Form::kOperator},
    {"__itruediv__", "div_", Form::kOperator},
    {"__ifloordiv__", "floor_divide_", Form::kOperator},
    {"__imod__", "remainder_", Form::kOperator},
    {"__ipow__", "pow_", Form::kOperator},
    {"__iand__", "bitwise_and_", Form::kOperator},
    {"__ior__", "bitwise_or_", Form::kOperator},
    {"__ixor__", "bitwise_xor_", Form::kOperator},
    {"__ilshift__", "bitwise_left_shift_", Form::kOperator},
    {"__irshift__", "bitwise_right_shift_", Form::kOperator},
    {"__eq__", "eq", Form::kOperator},
    {"__ne__", "ne", Form::kOperator},
    {"__lt__", "lt", Form::kOperator},
    {"__le__", "le", Form::kOperator},
    {"__gt__", "gt", Form::kOperator},
    {"__ge__", "ge", Form::kOperator},
};

// ---- The rows, for stubs, documentation and tests

nb::dict describe_row(const Row& row) {
  nb::dict result;
  result["name"] = row.name;
  result["doc"] = row.doc;
  result["torch"] = row.options.torch ? nb::cast(row.options.torch) : nb::none();
  result["why_no_torch"] =
      row.options.why_no_torch ? nb::cast(row.options.why_no_torch) : nb::none();
  result["method"] = row.options.method;
  result["deterministic"] = row.options.deterministic;
  result["results"] = row.options.results ? nb::cast(row.options.results) : nb::none();
  result["returns"] = describe(row.returns);
  result["signature"] = signature_of(row, Form::kFunction);
  result["dims_argument"] = dims_argument_of(row);
  result["variadic"] = row.options.variadic;
  nb::list arguments;
  for (const Argument& a : row.arguments()) {
    nb::dict argument;
    argument["name"] = a.name;
    argument["alias"] = alias_of(a.name);
    argument["type"] = describe(a.type);
    argument["required"] = a.fallback.kind == Default::Kind::kRequired;
    argument["default"] = default_text(a);
    arguments.append(argument);
  }
  result["arguments"] = arguments;
  return result;
}

}  // namespace

void bind_ops(nb::module_& m) {
  op_type = reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(m.ptr(), &spec, nullptr));
  if (!op_type) nb::raise_python_error();
  const nb::object tensor = m.attr("Tensor");
  nb::list rows;
  for (const Row* row : all_rows()) {
    m.attr(row->name) = make_op(*row, Form::kFunction);
    if (row->options.method && !nb::hasattr(tensor, row->name)) {
      tensor.attr(row->name) = make_op(*row, Form::kMethod);
    }
    rows.append(describe_row(*row));
  }
  m.attr("_rows") = rows;
  const nb::object hash = tensor.attr("__hash__");
  for (const Operator& o : kOperators) {
    if (const Row* row = find_row(o.row)) tensor.attr(o.method) = make_op(*row, o.form);
  }
  tensor.attr("__hash__") = hash;
}

}  // namespace entasis::python
