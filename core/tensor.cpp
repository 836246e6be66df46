// Tensor headers: creation, aliases, reading elements, and the gradient's side of a tensor.
#include <entasis/core/tensor.h>

#include <algorithm>
#include <new>

#include <entasis/core/autograd.h>
#include <entasis/core/backend.h>
#include <entasis/core/error.h>
#include <entasis/core/free_list_internal.h>
#include <entasis/core/leaf_internal.h>
#include <entasis/core/node.h>
#include <entasis/core/op_note_internal.h>
#include <entasis/core/record_internal.h>
#include <entasis/core/thread_state_internal.h>

namespace entasis {
namespace {

int next_hook_id() {
  static constinit std::atomic<int> next{1};
  return next.fetch_add(1, std::memory_order_relaxed);
}

template <class List, class Match>
void remove_if(List& list, Match match) {
  auto kept = std::remove_if(list.begin(), list.end(), match);
  while (list.end() != kept) list.pop_back();
}

void forget_retained(Node& node, const TensorImpl* tensor) {
  remove_if(node.watchers->retained, [&](const auto& entry) { return entry.tensor == tensor; });
}

}  // namespace

bool has_strides(const TensorImpl& t, const Dims& strides) {
  for (int i = 0; i < strides.size(); ++i) {
    if (t.shape[i] != 1 && t.strides[i] != strides[i]) return false;
  }
  return true;
}

void move_retained(Node& from, Node& to, const TensorImpl& tensor, int slot) {
  for (const Node::RetainedOutput& entry : from.watchers->retained) {
    if (entry.tensor != &tensor) continue;
    to.make_watchers().retained.push_back({uint16_t(slot), entry.tensor});
    return forget_retained(from, &tensor);
  }
}

Ref<TensorImpl> new_tensor_impl() {
  return Ref<TensorImpl>::adopt(new (allocate_object(sizeof(TensorImpl))) TensorImpl);
}

Ref<TensorImpl> alias_impl(const TensorImpl& from) {
  Ref<TensorImpl> t = new_tensor_impl();
  t->dtype = from.dtype;
  t->device = from.device;
  t->numel = from.numel;
  t->offset = from.offset;
  t->shape = from.shape;
  t->strides = from.strides;
  t->storage = from.storage;
  t->inference = from.inference;
  t->history = from.storage->recorded_writes;
  return t;
}

void TensorImpl::destroy() {
  if (grad_fn) {
    if (grad_fn->watchers) [[unlikely]]
      forget_retained(*grad_fn, this);
    grad_fn->release();
  }
  delete leaf;
  this->~TensorImpl();
  free_object(this, sizeof(TensorImpl));
}

LeafState& leaf_state(TensorImpl& tensor) {
  if (tensor.leaf == nullptr) tensor.leaf = new LeafState;
  return *tensor.leaf;
}

namespace {

// Elements from the first to the last that the strides reach, both included.
int64_t reach_of(const Spec& spec) {
  int64_t extent = 1;
  for (int i = 0; i < spec.shape.size(); ++i) {
    int64_t reach;
    if (spec.strides[i] < 0 || __builtin_mul_overflow(spec.shape[i] - 1, spec.strides[i], &reach) ||
        __builtin_add_overflow(extent, reach, &extent)) {
      throw ShapeError("strides " + to_string(spec.strides) + " of shape " + to_string(spec.shape) +
                       " reach too far");
    }
  }
  return extent;
}

// `extent` elements of memory under the spec.
Tensor allocate(const Spec& spec, Device device, int64_t numel, int64_t extent,
                bool pinned = false) {
  int64_t bytes;
  if (__builtin_mul_overflow(extent, int64_t(size_of(spec.dtype)), &bytes)) {
    throw ShapeError("shape " + to_string(spec.shape) + " needs more than 2^63 bytes");
  }
  if (int(spec.dtype) >= kDTypes) throw_unsupported_dtype(spec.dtype);
  Ref<TensorImpl> t = new_tensor_impl();
  t->dtype = spec.dtype;
  t->device = device;
  t->numel = numel;
  t->shape = spec.shape;
  t->strides = spec.strides;
  t->inference = thread_state.inference;
  t->storage =
      pinned ? Storage::allocate_pinned(size_t(bytes)) : Storage::allocate(size_t(bytes), device);
  return Tensor(std::move(t));
}

}  // namespace

Tensor empty_strided(const Spec& spec, Device device) {
  const int64_t numel = count_elements(spec.shape);
  return allocate(spec, device, numel, numel == 0 ? 0 : reach_of(spec));
}

Tensor empty_pinned(const Spec& spec) {
  const int64_t numel = count_elements(spec.shape);
  return allocate(spec, kCPU, numel, numel == 0 ? 0 : reach_of(spec), true);
}

Tensor empty_dense(const Spec& spec, Device device) {
  const int64_t numel = count_elements(spec.shape);
  return allocate(spec, device, numel, numel);
}

Tensor alias(const Tensor& base, const Geometry& geometry) {
  const int64_t numel = count_elements(geometry.shape);
  const DType dtype = geometry.dtype.value_or(base.dtype());
  if (numel > 0) {
    int64_t low = geometry.offset, high = geometry.offset;
    bool overflow = false;
    for (int i = 0; i < geometry.shape.size(); ++i) {
      int64_t reach;
      overflow |= __builtin_mul_overflow(geometry.shape[i] - 1, geometry.strides[i], &reach);
      int64_t& end = reach < 0 ? low : high;
      overflow |= __builtin_add_overflow(end, reach, &end);
    }
    const int64_t capacity = int64_t(base.impl()->storage->bytes) / size_of(dtype);
    if (overflow || low < 0 || high >= capacity) {
      throw ShapeError("a view of shape " + to_string(geometry.shape) + ", strides " +
                       to_string(geometry.strides) + " at offset " +
                       std::to_string(geometry.offset) + " leaves the storage of " +
                       std::to_string(capacity) + " elements");
    }
  }
  Ref<TensorImpl> t = alias_impl(*base.impl());
  t->dtype = dtype;
  t->numel = numel;
  t->offset = numel == 0 ? 0 : geometry.offset;  // nothing lies there, perhaps not even memory
  t->shape = geometry.shape;
  t->strides = geometry.strides;
  return Tensor(std::move(t));
}

int64_t Tensor::size(int64_t dim, Location at) const {
  const int rank = this->dim();
  if (dim < -rank || dim >= rank) {
    throw IndexError(
        "size: dim " + std::to_string(dim) + " is out of range for shape " + to_string(shape()),
        at);
  }
  return impl_->shape[int(dim < 0 ? dim + rank : dim)];
}

bool Tensor::is_contiguous() const {
  if (numel() == 0) return true;
  int64_t expected = 1;
  for (int i = dim() - 1; i >= 0; --i) {
    if (impl_->shape[i] != 1 && impl_->strides[i] != expected) return false;
    expected *= impl_->shape[i];
  }
  return true;
}

bool Tensor::is_channels_last() const {
  return dim() == 4 && (numel() == 0 || has_strides(*impl_, channels_last_strides(shape())));
}

void Tensor::throw_bad_data(DType expected, Location at) const {
  if (!device().is_cpu()) {
    throw DeviceError("data: the tensor is on " + to_string(device()) +
                          "; bring it to the CPU with to(kCPU) first",
                      at);
  }
  throw DtypeError(
      std::string("data: asked for ") + name_of(expected) + ", the tensor is " + name_of(dtype()),
      at);
}

Number Tensor::item_number(Location at) const {
  if (!defined()) throw ValueError("item: the tensor is undefined", at);
  if (numel() != 1) {
    throw ShapeError("item: needs exactly one element, the shape is " + to_string(shape()), at);
  }
  if (device().is_meta()) throw DeviceError("item: a meta tensor has no values", at);
  alignas(8) char element[8];
  const char* source = static_cast<const char*>(raw());
  if (!device().is_cpu()) {
    Backend& backend = backend_of(device().type);
    const StreamId stream = backend.begin_op(device().index, note_op("item", at));
    backend.use_on_stream(*impl_->storage, stream, false);
    backend.copy(element, kCPU, source, device(), size_t(size_of(dtype())), stream, false);
    backend.synchronize_stream(stream);
    source = element;
  }
  return dispatch_dtype(dtype(), [&]<class T>(TypeTag<T>) {
    const T value = *reinterpret_cast<const T*>(source);
    if constexpr (std::is_same_v<T, bool>) {
      return Number(value);
    } else if constexpr (std::is_integral_v<T>) {
      return Number(value);
    } else {
      return Number(convert<double>(value));
    }
  });
}

// ---- Gradient

Tensor& Tensor::requires_grad_(bool on, Location at) {
  if (!is_leaf() && !on) {
    throw AutogradError("requires_grad_: only leaves can stop needing a gradient; use detach()",
                        at);
  }
  if (on && !is_floating_point(dtype())) {
    throw DtypeError(
        std::string("requires_grad_: only floating-point tensors have gradients, this one is ") +
            name_of(dtype()),
        at);
  }
  if (on && impl_->inference) {
    throw AutogradError("requires_grad_: the tensor was made in inference mode", at);
  }
  if (on && is_leaf()) impl_->base = nullptr;  // a leaf of its own from now on
  impl_->requires_grad = on;
  return *this;
}

Tensor Tensor::grad() const { return impl_->leaf ? impl_->leaf->grad : Tensor(); }

void Tensor::set_grad(const Tensor& grad, Location at) {
  if (grad.defined() && !(grad.shape() == shape() && grad.device() == device())) {
    throw ShapeError("set_grad: the gradient is " + to_string(grad.shape()) + " on " +
                         to_string(grad.device()) + ", the tensor " + to_string(shape()) + " on " +
                         to_string(device()),
                     at);
  }
  leaf_state(*impl_).grad = grad;
}

void Tensor::zero_grad() {
  if (impl_->leaf) impl_->leaf->grad = {};
}

Tensor Tensor::detach() const { return Tensor(alias_impl(*impl_)); }

void Tensor::set_data(const Tensor& source) {
  TensorImpl& to = *impl_;
  const TensorImpl& from = *source.impl_;
  // Above both counts, so that no saved tensor of either storage can match by chance.
  const uint32_t writes = std::max(to.storage->writes, from.storage->writes);
  to.dtype = from.dtype;
  to.device = from.device;
  to.numel = from.numel;
  to.offset = from.offset;
  to.shape = from.shape;
  to.strides = from.strides;
  to.storage = from.storage;
  to.storage->writes = writes + 1;
  to.history = to.storage->recorded_writes;
  to.base = nullptr;
}

void forget_history(TensorImpl& tensor) {
  if (Node* node = std::exchange(tensor.grad_fn, nullptr)) {
    if (node->watchers) forget_retained(*node, &tensor);
    node->release();
  }
  tensor.requires_grad = false;
  tensor.slot = 0;
  tensor.history = tensor.storage->recorded_writes;
}

Tensor& Tensor::detach_() {
  forget_history(*impl_);
  return *this;
}

void Tensor::retain_grad(Location at) {
  if (!requires_grad()) throw AutogradError("retain_grad: the tensor needs no gradient", at);
  if (Node* node = impl_->grad_fn) {
    Node::Watchers& watchers = node->make_watchers();
    forget_retained(*node, impl_.get());
    watchers.retained.push_back({impl_->slot, impl_.get()});
  }
}

int Tensor::register_hook(TensorHook hook, Location at) {
  if (!requires_grad()) throw AutogradError("register_hook: the tensor needs no gradient", at);
  const int id = next_hook_id();
  if (Node* node = impl_->grad_fn) {
    node->make_watchers().hooks.push_back({impl_->slot, id, std::move(hook)});
  } else {
    leaf_state(*impl_).hooks.emplace_back(id, std::move(hook));
  }
  return id;
}

int Tensor::register_completion_hook(CompletionHook hook, Location at) {
  if (!requires_grad() || !is_leaf()) {
    throw AutogradError("register_completion_hook: only for leaves that need a gradient", at);
  }
  const int id = next_hook_id();
  leaf_state(*impl_).completion_hooks.emplace_back(id, std::move(hook));
  return id;
}

void Tensor::remove_hook(int id) {
  if (Node* node = impl_->grad_fn; node && node->watchers) {
    remove_if(node->watchers->hooks, [id](const auto& entry) { return entry.id == id; });
  }
  if (LeafState* leaf = impl_->leaf) {
    auto matches = [id](const auto& entry) { return entry.first == id; };
    remove_if(leaf->hooks, matches);
    remove_if(leaf->completion_hooks, matches);
  }
}

}  // namespace entasis
