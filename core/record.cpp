#include <entasis/core/record_internal.h>

#include <atomic>
#include <bit>

#include <entasis/core/autograd.h>
#include <entasis/core/engine_internal.h>
#include <entasis/core/leaf_internal.h>
#include <entasis/core/thread_state_internal.h>

namespace entasis {
namespace {

// Rule 6: one creation order for the whole process.
constinit std::atomic<uint64_t> next_sequence{1};

[[noreturn, gnu::cold, gnu::noinline]] void throw_inference(int index, bool is_output) {
  throw AutogradError(std::string(is_output ? "output " : "input ") + std::to_string(index) +
                      " was made in inference mode and cannot be saved for a gradient; clone() it "
                      "outside of inference mode");
}

// Edges and numbers of all inputs; returns what the wanted gradients need kept.
SaveMask connect_inputs(Node& node, const OpInfo& op, Inputs inputs) {
  node.edges.reserve(int(inputs.size()));
  for (const Operand& in : inputs) {
    Edge& edge = node.edges.emplace_back();
    if (in.is_number()) {
      edge.is_number = true;
      edge.number = in.number();
    } else if (const TensorImpl* t = in.tensor().impl()) {
      connect(edge, *t);
    }
  }
  return saves_of(op, inputs);
}

bool can_carry_gradient(const OpInfo& op, const Tensor& output, int i) {
  return !(op.not_differentiable >> i & 1) && is_floating_point(output.dtype());
}

}  // namespace

SaveMask saves_of(const OpInfo& op, Inputs inputs) {
  SaveMask mask = 0;
  int k = 0;
  for (const Operand& in : inputs) {
    const TensorImpl* t = in.is_tensor() ? in.tensor().impl() : nullptr;
    if (t && t->requires_grad) mask |= op.saves_for(k);
    ++k;
  }
  return mask;
}

void stamp(Node& node, const OpInfo& op, Location at) {
  node.op = &op;
  node.sequence = next_sequence.fetch_add(1, std::memory_order_relaxed);
  node.at = at.resolved();
  if (const Frame* frame = thread_state.outermost_frame) node.frame = frame->op();
}

void connect(Edge& edge, const TensorImpl& input) {
  edge.dtype = input.dtype;
  edge.device = input.device;
  edge.shape = input.shape;
  if (!input.requires_grad) return;
  edge.slot = input.slot;
  if (input.grad_fn) {
    edge.node = Ref<Node>(input.grad_fn);
  } else {
    edge.leaf = Ref<TensorImpl>(const_cast<TensorImpl*>(&input));
  }
}

void copy_history(const TensorImpl& from, TensorImpl& to) {
  to.requires_grad = from.requires_grad;
  to.slot = from.slot;
  to.grad_fn = from.grad_fn;
  if (to.grad_fn) to.grad_fn->retain();
}

void hang(Node& node, TensorImpl& output, int slot) {
  node.retain();
  if (Node* old = output.grad_fn) {
    if (old->watchers) move_retained(*old, node, output, slot);
    old->release();
  }
  output.grad_fn = &node;
  output.requires_grad = true;
  output.slot = uint16_t(slot);
  output.history = output.storage->recorded_writes;
}

void save(Node& node, const TensorImpl& tensor, int index, bool is_output, bool as_alias) {
  if (tensor.inference) [[unlikely]]
    throw_inference(index, is_output);
  SavedTensor& saved = node.saved.emplace_back();
  saved.index = uint8_t(index);
  saved.is_output = is_output;
  saved.writes = tensor.storage->writes;
  if (as_alias) {
    saved.tensor = alias_impl(tensor);
  } else if (tensor.base) {
    // The view itself knows its base, whose history may come to hold this node: a ring.
    saved.tensor = alias_impl(tensor);
    copy_history(tensor, *saved.tensor);
  } else {
    saved.tensor = Ref<TensorImpl>(const_cast<TensorImpl*>(&tensor));
  }
  if (const SavedTensorHooks* hooks = thread_state.saved_hooks) [[unlikely]] {
    saved.packed = hooks->pack(Tensor(saved.tensor));
    if (saved.packed) saved.tensor = {};
  }
}

void record(const OpInfo& op, const void* attributes, Inputs inputs, Outputs outputs, Location at) {
  bool any = false;
  for (size_t i = 0; i < outputs.size(); ++i) any |= can_carry_gradient(op, outputs[i], int(i));
  if (!any) return;

  Ref<Node> node = Ref<Node>::adopt(op.make_node(attributes));
  stamp(*node, op, at);
  node->outputs = uint16_t(outputs.size());
  const SaveMask mask = connect_inputs(*node, op, inputs);
  for (uint32_t bits = mask & 0xffff; bits; bits &= bits - 1) {
    const int i = std::countr_zero(bits);
    if (i >= int(inputs.size())) break;
    if (inputs[size_t(i)].is_tensor())
      save(*node, *inputs[size_t(i)].tensor().impl(), i, false, false);
  }
  for (uint32_t bits = mask >> 16; bits; bits &= bits - 1) {
    const int i = std::countr_zero(bits);
    if (i < int(outputs.size())) save(*node, *outputs[size_t(i)].impl(), i, true, true);
  }
  for (int i = 0; i < int(outputs.size()); ++i) {
    if (can_carry_gradient(op, outputs[size_t(i)], i)) hang(*node, *outputs[size_t(i)].impl(), i);
  }
}

namespace {

// Hangs `view` to its base as it is now.
void derive(TensorImpl& view) {
  const engine::ViewNode made = engine::view_node(*view.base, view);
  const Node* change = view.base->grad_fn;
  stamp(*made.node, *made.op, change ? change->at : Location());
  connect(made.node->edges.emplace_back(), *view.base);
  made.node->outputs = 1;
  hang(*made.node, view, 0);
}

}  // namespace

void refresh_history(TensorImpl& t) {
  if (!t.base || t.base->is_stale()) return;
  if (t.base->requires_grad) {
    derive(t);
  } else {
    forget_history(t);  // the base was detached
  }
}

void record_view_update(TensorImpl& view, Location at) {
  TensorImpl& base = *view.base;
  const engine::ViewNode made = engine::view_update_node(base, view);
  stamp(*made.node, *made.op, at);
  connect(made.node->edges.emplace_back(), base);
  connect(made.node->edges.emplace_back(), view);
  made.node->outputs = 1;
  hang(*made.node, base, 0);
  derive(view);
}

void record_in_place(const OpInfo& op, const void* attributes, Inputs inputs, Tensor& target,
                     const Tensor& before, Location at) {
  Ref<Node> node = Ref<Node>::adopt(op.make_node(attributes));
  stamp(*node, op, at);
  const SaveMask mask = connect_inputs(*node, op, inputs);
  for (int i = 0; i < int(inputs.size()) && i < 16; ++i) {
    if (!(mask & saves_in(i)) || !inputs[size_t(i)].is_tensor()) continue;
    const TensorImpl& t = *inputs[size_t(i)].tensor().impl();
    if (&t == target.impl()) {
      save(*node, *before.impl(), i, false, false);
      continue;
    }
    // An alias has lost its old values: keep the counter from before the write, so that reading
    // them raises.
    save(*node, t, i, false, false);
    if (t.storage.get() == target.impl()->storage.get()) --node->saved.back().writes;
  }
  if (mask & saves_out(0)) save(*node, *target.impl(), 0, true, true);
  ++target.impl()->storage->recorded_writes;
  hang(*node, *target.impl(), 0);
}

}  // namespace entasis
