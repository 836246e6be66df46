// Tensor: a counted handle to shape, strides and a shared storage. Copying a Tensor copies the
// handle, as in PyTorch; `clone()` copies the elements.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <entasis/core/callback.h>
#include <entasis/core/device.h>
#include <entasis/core/dims.h>
#include <entasis/core/dtype.h>
#include <entasis/core/export.h>
#include <entasis/core/ints.h>
#include <entasis/core/location.h>
#include <entasis/core/number.h>
#include <entasis/core/ref.h>
#include <entasis/core/small_vector.h>
#include <entasis/core/spec.h>
#include <entasis/core/storage.h>

namespace entasis {

class Node;
class Operand;
class Tensor;
class Index;
struct LeafState;

// What a Tensor points to. Public for backends and bindings; users go through Tensor.
struct TensorImpl final : Counted {
  DType dtype = kF32;
  Device device;
  bool requires_grad = false;
  bool inference = false;  // made in inference mode: may not be saved for a gradient
  bool is_view = false;    // made by a view op
  uint16_t slot = 0;       // which output of `grad_fn` this is
  uint32_t history = 0;    // the storage's recorded_writes when this tensor's history was made
  int64_t numel = 0;
  int64_t offset = 0;  // in elements
  Dims shape;
  Dims strides;  // in elements
  Ref<Storage> storage;
  // What this is a view of: no view itself. Known where gradients may have to go through (rule 1).
  Ref<TensorImpl> base;
  Node* grad_fn = nullptr;    // counted; Node is incomplete here
  LeafState* leaf = nullptr;  // gradient and hooks; made when first needed

  // Whether elements were changed by a recorded op through another tensor since this one's history
  // was made.
  bool is_stale() const { return history != storage->recorded_writes; }

  void release() {
    if (drop()) destroy();
  }

 private:
  ENTASIS_API void destroy();
};

// A stale view gets its history anew from its base, if that knows what happened (rule 1). Counts as
// a write of the tensor, not of its elements: threads that share one must not race for it.
ENTASIS_API void refresh_history(TensorImpl& tensor);

using TensorHook = Callback<Tensor(const Tensor& grad)>;
using CompletionHook = Callback<void(const Tensor& leaf)>;
using Tensors = std::vector<Tensor>;

class ENTASIS_API Tensor {
 public:
  Tensor() = default;  // undefined: "no tensor"
  explicit Tensor(Ref<TensorImpl> impl) : impl_(std::move(impl)) {}

  // ---- What it is. On an undefined tensor only `defined()` may be called.
  bool defined() const { return bool(impl_); }
  explicit operator bool() const = delete;  // ambiguous: use defined() or item<bool>()
  const Dims& shape() const { return impl_->shape; }
  const Dims& strides() const { return impl_->strides; }
  int dim() const { return impl_->shape.size(); }
  // Size along `dim`, which may be negative. Throws IndexError.
  int64_t size(int64_t dim, Location at = {}) const;
  int64_t numel() const { return impl_->numel; }
  int64_t storage_offset() const { return impl_->offset; }
  DType dtype() const { return impl_->dtype; }
  Device device() const { return impl_->device; }
  Spec spec() const { return {dtype(), shape(), strides()}; }
  // Dense in row-major order; sizes of 1 do not count.
  bool is_contiguous() const;
  // Dense in NHWC order, 4-d only.
  bool is_channels_last() const;
  // Whether it lies in page-locked memory of the host that pin_memory() or a factory has made.
  bool is_pinned() const { return impl_->storage->is_pinned(); }
  // Whether both handles name the same tensor.
  bool same(const Tensor& other) const { return impl_ == other.impl_; }

  // ---- Elements. CPU only: a tensor on another device raises DeviceError.
  // Address of the first element; T must match the dtype (DtypeError). Elements follow strides().
  template <class T>
  const T* data(Location at = {}) const {
    check_data(dtype_of<T>, at);
    return static_cast<const T*>(raw());
  }
  // The same for writing. Counts as a write: tensors saved for a gradient notice (rule 1).
  template <class T>
  T* mutable_data(Location at = {}) {
    check_data(dtype_of<T>, at);
    ++impl_->storage->writes;
    return static_cast<T*>(exposed_raw());
  }
  // Address for others than kernels, who may write there unseen from now on.
  void* exposed_raw() const {
    impl_->storage->exposed = true;
    return raw();
  }
  // Address without checks, for kernels.
  void* raw() const {
    return static_cast<char*>(impl_->storage->data) + impl_->offset * size_of(impl_->dtype);
  }
  template <class T>
  T* raw_as() const {
    return static_cast<T*>(raw());
  }
  // The only element, converted to T. Waits for the device. Throws ShapeError unless numel is 1.
  template <class T = double>
  T item(Location at = {}) const {
    return item_number(at).to<T>();
  }
  Number item_number(Location at = {}) const;

  // ---- Gradient
  bool requires_grad() const { return fresh().requires_grad; }
  // Floating-point leaves only (AutogradError). Returns *this.
  Tensor& requires_grad_(bool on = true, Location at = {});
  bool is_leaf() const { return fresh().grad_fn == nullptr; }
  Node* grad_fn() const { return fresh().grad_fn; }
  // The accumulated gradient; undefined if there is none.
  Tensor grad() const;
  void set_grad(const Tensor& grad, Location at = {});
  void zero_grad();  // drops the gradient
  // Gradients of this tensor with respect to every leaf that it depends on, added into theirs.
  // `gradient` defaults to 1 for a one-element tensor. Throws AutogradError, ShapeError.
  void backward(const Tensor& gradient = {}, bool retain_graph = false, bool create_graph = false,
                Location at = {}) const;
  // An alias without history.
  Tensor detach() const;
  Tensor& detach_();
  // Gives this tensor the dtype, device, shape and memory of `source`, so that every handle on it
  // sees them. Nothing is recorded; graphs that saved the old contents notice, as of a write. An
  // accumulated gradient stays as it is.
  void set_data(const Tensor& source);
  // Keeps the gradient of a non-leaf in grad().
  void retain_grad(Location at = {});
  // Runs when this tensor's gradient is known; may return a replacement or an undefined tensor to
  // keep it. Returns an id for remove_hook().
  int register_hook(TensorHook hook, Location at = {});
  // Leaves only: runs in mid-backward, as soon as the last use of the leaf has delivered and grad()
  // is final for this pass.
  int register_completion_hook(CompletionHook hook, Location at = {});
  void remove_hook(int id);

  // ---- Ops as methods; documented with the functions of the same name.
  // (Defined inline in <entasis/ops/methods.h>, so that core declares and ops defines.)
  Tensor operator[](const Index& index) const;
  Tensor index(std::initializer_list<Index> indices, Location at = {}) const;
  Tensor& index_put_(std::initializer_list<Index> indices, const Tensor& values,
                     bool accumulate = false, Location at = {});
  Tensor& index_put_(std::initializer_list<Index> indices, Number value, bool accumulate = false,
                     Location at = {});
  Tensor to(DType dtype, Location at = {}) const;
  Tensor to(Device device, bool non_blocking = false, Location at = {}) const;
  Tensor clone(Location at = {}) const;
  Tensor contiguous(Location at = {}) const;
  Tensor pin_memory(Location at = {}) const;
  Tensor& copy_(const Tensor& source, bool non_blocking = false, Location at = {});
  Tensor& fill_(Number value, Location at = {});
  Tensor& zero_(Location at = {});
  Tensor reshape(const Dims& shape, Location at = {}) const;
  Tensor flatten(int64_t start_dim = 0, int64_t end_dim = -1, Location at = {}) const;
  Tensor unflatten(int64_t dim, const Dims& sizes, Location at = {}) const;
  Tensor ravel(Location at = {}) const;
  Tensor view(const Dims& shape, Location at = {}) const;
  Tensor view(DType dtype, Location at = {}) const;
  Tensor transpose(int64_t dim0, int64_t dim1, Location at = {}) const;
  Tensor t(Location at = {}) const;
  Tensor permute(const Dims& dims, Location at = {}) const;
  Tensor movedim(const Dims& source, const Dims& destination, Location at = {}) const;
  Tensor swapaxes(int64_t axis0, int64_t axis1, Location at = {}) const;
  Tensor expand(const Dims& shape, Location at = {}) const;
  Tensor broadcast_to(const Dims& shape, Location at = {}) const;
  Tensor diagonal(int64_t offset = 0, int64_t dim1 = 0, int64_t dim2 = 1, Location at = {}) const;
  Tensor unfold(int64_t dimension, int64_t size, int64_t step, Location at = {}) const;
  Tensor as_strided(const Dims& size, const Dims& stride,
                    std::optional<int64_t> storage_offset = {}, Location at = {}) const;
  Tensor flip(const Dims& dims, Location at = {}) const;
  Tensor roll(const Dims& shifts, const Dims& dims = {}, Location at = {}) const;
  Tensor repeat(const Dims& repeats, Location at = {}) const;
  Tensor tile(const Dims& dims, Location at = {}) const;
  Tensor repeat_interleave(const Operand& repeats, std::optional<int64_t> dim = {},
                           Location at = {}) const;
  Tensor tril(int64_t diagonal = 0, Location at = {}) const;
  Tensor triu(int64_t diagonal = 0, Location at = {}) const;
  Tensors split(const Ints& split_size_or_sections, int64_t dim = 0, Location at = {}) const;
  Tensors chunk(int64_t chunks, int64_t dim = 0, Location at = {}) const;
  Tensors tensor_split(const Ints& indices_or_sections, int64_t dim = 0, Location at = {}) const;
  Tensors unbind(int64_t dim = 0, Location at = {}) const;
  Tensor slice(int64_t dim, int64_t start, int64_t end, int64_t step = 1, Location at = {}) const;
  Tensor narrow(int64_t dim, int64_t start, int64_t length, Location at = {}) const;
  Tensor select(int64_t dim, int64_t index, Location at = {}) const;
  Tensor squeeze(Location at = {}) const;
  Tensor squeeze(int64_t dim, Location at = {}) const;
  Tensor unsqueeze(int64_t dim, Location at = {}) const;
  Tensor sum(const Dims& dim = {}, bool keepdim = false, Location at = {}) const;
  Tensor mean(const Dims& dim = {}, bool keepdim = false, Location at = {}) const;
  Tensor var(const Dims& dim = {}, double correction = 1, bool keepdim = false,
             Location at = {}) const;
  Tensor amax(const Dims& dim = {}, bool keepdim = false, Location at = {}) const;
  Tensor argmax(Location at = {}) const;
  Tensor argmax(int64_t dim, bool keepdim = false, Location at = {}) const;
  Tensor matmul(const Tensor& other, Location at = {}) const;
  Tensor abs(Location at = {}) const;
  Tensor exp(Location at = {}) const;
  Tensor log(Location at = {}) const;
  Tensor sqrt(Location at = {}) const;
  Tensor tanh(Location at = {}) const;
  Tensor sigmoid(Location at = {}) const;
  Tensor relu(Location at = {}) const;
  Tensor softmax(int64_t dim, Location at = {}) const;
  Tensor& add_(const Operand& other, Location at = {});
  Tensor& sub_(const Operand& other, Location at = {});
  Tensor& mul_(const Operand& other, Location at = {});
  Tensor& div_(const Operand& other, Location at = {});

  TensorImpl* impl() const { return impl_.get(); }
  const Ref<TensorImpl>& ref() const { return impl_; }

 private:
  const TensorImpl& fresh() const {
    if (impl_->is_stale()) [[unlikely]]
      refresh_history(*impl_);
    return *impl_;
  }
  void check_data(DType expected, Location at) const {
    if (!impl_->device.is_cpu() || impl_->dtype != expected) throw_bad_data(expected, at);
  }
  [[noreturn]] void throw_bad_data(DType expected, Location at) const;

  Ref<TensorImpl> impl_;
};

// A tensor over memory of its own, elements unset. The building block of factories and of
// `apply()`.
ENTASIS_API Tensor empty_strided(const Spec& spec, Device device);
// The same in page-locked memory of the host. Throws DeviceError without a CUDA device.
ENTASIS_API Tensor empty_pinned(const Spec& spec);
// A tensor that looks into the storage of `base`, without history. Throws ShapeError if the
// geometry leaves the storage.
ENTASIS_API Tensor alias(const Tensor& base, const Geometry& geometry);

}  // namespace entasis
