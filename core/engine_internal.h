// The only symbols that core needs from a floor above: what the engine does with gradients.
// Declared here, defined in ops/.
#pragma once

#include <entasis/core/node.h>
#include <entasis/core/tensor.h>

namespace entasis::engine {

// Sum of two gradients of the same shape.
Tensor add(const Tensor& a, const Tensor& b, Location at);
// Adds into `target`, a buffer that only the engine holds.
void add_in_place(Tensor& target, const Tensor& other, Location at);
// Sums a broadcast gradient back to `shape`.
Tensor sum_to(const Tensor& gradient, const Dims& shape, Location at);
Tensor ones_like(const Tensor& like, Location at);
// A dense copy with the strides of `like`.
Tensor copy_like(const Tensor& gradient, const Tensor& like, Location at);
Tensor cast(const Tensor& gradient, DType dtype, Location at);
bool has_nan(const Tensor& gradient);

// Nodes of what happens through views (rule 1), with their attributes and nothing else: the view
// `view` of `base`, and the change of `base` where `view` lies.
struct ViewNode {
  const OpInfo* op;
  Ref<Node> node;
};
ViewNode view_node(const TensorImpl& base, const TensorImpl& view);
ViewNode view_update_node(const TensorImpl& base, const TensorImpl& view);

}  // namespace entasis::engine
