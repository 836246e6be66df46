// What a tensor needs besides its header once it takes part in gradients: the gradient and the
// hooks.
#pragma once

#include <cstdint>
#include <utility>

#include <entasis/core/tensor.h>

namespace entasis {

struct LeafState {
  Tensor grad;
  SmallVector<std::pair<int, TensorHook>, 1> hooks;
  SmallVector<std::pair<int, CompletionHook>, 1> completion_hooks;
  // The engine's: which backward pass knows this leaf, and where.
  uint64_t pass = 0;
  uint32_t pass_index = 0;
};

// The tensor's leaf state, made if needed.
LeafState& leaf_state(TensorImpl& tensor);
// A new header of zero references but the caller's one.
Ref<TensorImpl> new_tensor_impl();
// empty_strided() for strides that are known to be dense, as those of a rule are.
Tensor empty_dense(const Spec& spec, Device device);
// A header on the same storage and geometry as `from`, without history.
Ref<TensorImpl> alias_impl(const TensorImpl& from);
// Whether `t` has these strides, where its sizes make them matter.
bool has_strides(const TensorImpl& t, const Dims& strides);

}  // namespace entasis
