// Errors as Python exceptions, and the Python line that they name.
#include <array>
#include <set>
#include <string>
#include <string_view>

#include <nanobind/stl/string.h>

#include <entasis/python/src/bind.h>

namespace entasis::python {
namespace {

enum Class {
  kError,
  kShape,
  kDtype,
  kDevice,
  kIndex,
  kValue,
  kAutograd,
  kMemory,
  kIo,
  kDistributed,
  kClasses
};
PyObject* classes[kClasses];

PyObject* class_of(const Error& error) {
  if (dynamic_cast<const ShapeError*>(&error)) return classes[kShape];
  if (dynamic_cast<const DtypeError*>(&error)) return classes[kDtype];
  if (dynamic_cast<const DeviceError*>(&error)) return classes[kDevice];
  if (dynamic_cast<const IndexError*>(&error)) return classes[kIndex];
  if (dynamic_cast<const ValueError*>(&error)) return classes[kValue];
  if (dynamic_cast<const AutogradError*>(&error)) return classes[kAutograd];
  if (dynamic_cast<const OutOfMemoryError*>(&error)) return classes[kMemory];
  if (dynamic_cast<const IoError*>(&error)) return classes[kIo];
  if (dynamic_cast<const DistributedError*>(&error)) return classes[kDistributed];
  return classes[kError];
}

PyObject* class_of(nb::exception_type type) {
  switch (type) {
    case nb::exception_type::type_error:
      return PyExc_TypeError;
    case nb::exception_type::value_error:
      return PyExc_ValueError;
    case nb::exception_type::index_error:
      return PyExc_IndexError;
    case nb::exception_type::key_error:
      return PyExc_KeyError;
    case nb::exception_type::stop_iteration:
      return PyExc_StopIteration;
    default:
      return PyExc_RuntimeError;
  }
}

void define(nb::module_& m, Class which, const char* name, PyObject* also, const char* doc) {
  const nb::object bases = which == kError ? nb::steal(PyTuple_Pack(1, also))
                           : also          ? nb::steal(PyTuple_Pack(2, classes[kError], also))
                                           : nb::steal(PyTuple_Pack(1, classes[kError]));
  const std::string full = std::string("entasis.") + name;
  classes[which] = PyErr_NewExceptionWithDoc(full.c_str(), doc, bases.ptr(), nullptr);
  if (!classes[which]) nb::raise_python_error();
  m.attr(name) = nb::borrow(classes[which]);
}

// ---- Places. Line tables are searched in time linear in their length, so what they say is kept:
// direct-mapped by code object and instruction. An entry owns its code object, whose address can so
// not come to mean another.
struct Place {
  PyObject* code = nullptr;
  int instruction = -1;
  bool inside = false;  // this package's own code
  Location at{"", 0};
};
constexpr size_t kPlaces = 2048;

std::string package_folder;  // with the slash at its end

const char* interned(std::string_view file) {
  static auto* files = new std::set<std::string, std::less<>>;
  auto found = files->find(file);
  if (found == files->end()) found = files->emplace(file).first;
  return found->c_str();
}

// The stable ABI reaches these two by their attributes only.
#ifdef Py_LIMITED_API
nb::object attribute(PyFrameObject* frame, PyObject* name) {
  return nb::steal(PyObject_GetAttr(reinterpret_cast<PyObject*>(frame), name));
}

int instruction_of(PyFrameObject* frame) {
  static PyObject* const name = PyUnicode_InternFromString("f_lasti");
  return int(PyLong_AsLong(attribute(frame, name).ptr()));
}

PyFrameObject* caller_of(PyFrameObject* frame) {
  static PyObject* const name = PyUnicode_InternFromString("f_back");
  const nb::object caller = attribute(frame, name);
  return caller.is_none() ? nullptr : reinterpret_cast<PyFrameObject*>(caller.inc_ref().ptr());
}
#else
int instruction_of(PyFrameObject* frame) { return PyFrame_GetLasti(frame); }
PyFrameObject* caller_of(PyFrameObject* frame) { return PyFrame_GetBack(frame); }
#endif

std::string file_of(PyObject* code) {
  const nb::object name = nb::steal(PyObject_GetAttrString(code, "co_filename"));
  const char* text = name.is_valid() ? PyUnicode_AsUTF8AndSize(name.ptr(), nullptr) : nullptr;
  if (!text) PyErr_Clear();
  return text ? text : "unknown";
}

const Place& place_of(PyFrameObject* frame) {
  static auto* places = new std::array<Place, kPlaces>;
  const nb::object code = nb::steal(reinterpret_cast<PyObject*>(PyFrame_GetCode(frame)));
  const int instruction = instruction_of(frame);
  const size_t hash = reinterpret_cast<size_t>(code.ptr()) / 64 * 31 + size_t(instruction) / 2;
  Place& place = (*places)[hash % kPlaces];
  if (place.code != code.ptr() || place.instruction != instruction) {
    const std::string file = file_of(code.ptr());
    const Location at(interned(file), PyFrame_GetLineNumber(frame));
    PyObject* previous = place.code;
    place = {code.inc_ref().ptr(), instruction, file.starts_with(package_folder), at};
    Py_XDECREF(previous);
  }
  return place;
}

Location innermost_place() {
  PyFrameObject* frame = PyEval_GetFrame();
  if (!frame) return {"python", 0};
  nb::object held = nb::borrow(reinterpret_cast<PyObject*>(frame));
  Location at("python", 0);
  while (frame) {
    const Place& place = place_of(frame);
    at = place.at;
    if (!place.inside) break;
    frame = caller_of(frame);
    held = nb::steal(reinterpret_cast<PyObject*>(frame));
  }
  return at;
}

}  // namespace

Location python_place() {
  const nb::gil_scoped_acquire gil;
  // An error may be on its way already: looking must not disturb it.
  PyObject *type, *value, *trace;
  PyErr_Fetch(&type, &value, &trace);
  const Location at = innermost_place();
  PyErr_Restore(type, value, trace);
  return at;
}

void set_python_error() noexcept {
  try {
    throw;
  } catch (nb::python_error& error) {
    error.restore();
  } catch (const Error& error) {
    PyErr_SetString(class_of(error), error.what());
  } catch (const nb::builtin_exception& error) {
    PyErr_SetString(class_of(error.type()), error.what());
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  } catch (...) {
    PyErr_SetString(PyExc_RuntimeError, "unknown C++ exception");
  }
}

void bind_errors(nb::module_& m) {
  define(m, kError, "Error", PyExc_RuntimeError, "What entasis raises; the others derive from it.");
  define(m, kShape, "ShapeError", nullptr, "Shapes that do not fit an op.");
  define(m, kDtype, "DtypeError", PyExc_TypeError, "Dtypes that do not fit an op.");
  define(m, kDevice, "DeviceError", nullptr, "A device that is absent or does not fit.");
  define(m, kIndex, "IndexError", PyExc_IndexError, "An index outside of its range.");
  define(m, kValue, "ValueError", PyExc_ValueError, "An argument outside of its range.");
  define(m, kAutograd, "AutogradError", nullptr, "Misuse of the graph.");
  define(m, kMemory, "OutOfMemoryError", PyExc_MemoryError, "No memory left on a device.");
  define(m, kIo, "IoError", PyExc_OSError, "A file that cannot be read or written.");
  define(m, kDistributed, "DistributedError", nullptr, "A failure among processes.");
  nb::register_exception_translator([](const std::exception_ptr& pointer, void*) {
    try {
      std::rethrow_exception(pointer);
    } catch (const Error& error) {
      // What no op has placed, such as a dtype's name that is none, is placed here.
      const Error placed = error.placed() ? error : Error(error.what(), Location::deferred());
      PyErr_SetString(class_of(error), placed.what());
    }
  });
  m.def("_set_package_folder", [](const std::string& folder) { package_folder = folder; });
  set_location_resolver(&python_place);
}

}  // namespace entasis::python
