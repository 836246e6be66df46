// The property `grad` of tensors. A tensor's gradient has no Python object of its own; so that
// `w.grad is w.grad` holds, the objects that were handed out are known for as long as they live.
#include <unordered_map>

#include <entasis/python/src/tensor.h>

namespace entasis::python {
namespace {

// Weak references to the objects, by the address of what they hold. Guarded by the GIL.
class KnownObjects {
 public:
  // None if there is none that lives.
  nb::object find(const TensorImpl* impl) const {
    const auto found = references_.find(impl);
    return found == references_.end() ? nb::none() : found->second();
  }

  void add(PyObject* object) {
    if (references_.size() >= limit_) sweep();
    nb::object reference = nb::steal(PyWeakref_NewRef(object, nullptr));
    if (!reference.is_valid()) throw nb::python_error();
    references_[tensor_of(object).impl()] = std::move(reference);
  }

 private:
  // Takes out what lives no more, each time that the number has doubled: constant time an object.
  void sweep() {
    std::erase_if(references_, [](const auto& entry) { return entry.second().is_none(); });
    limit_ = std::max<size_t>(64, 2 * references_.size());
  }

  std::unordered_map<const TensorImpl*, nb::object> references_;
  size_t limit_ = 64;
};

KnownObjects& known_objects() {
  static auto* objects = new KnownObjects;
  return *objects;
}

}  // namespace

named::OptionalTensor get_grad(const Tensor& tensor) {
  Tensor grad = tensor.grad();
  if (!grad.defined()) return nb::borrow<named::OptionalTensor>(Py_None);
  nb::object object = known_objects().find(grad.impl());
  if (object.is_none()) {
    object = to_object(std::move(grad));
    known_objects().add(object.ptr());
  }
  return nb::borrow<named::OptionalTensor>(object);
}

void set_grad(Tensor& tensor, const named::OptionalTensor& grad) {
  if (grad.is_none()) return tensor.zero_grad();
  if (!is_tensor(grad.ptr())) throw nb::type_error("a gradient must be a Tensor or None");
  const Tensor& given = tensor_of(grad.ptr());
  tensor.set_grad(given, Location::deferred());
  if (tensor.grad().same(given)) known_objects().add(grad.ptr());
}

}  // namespace entasis::python
