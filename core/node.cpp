// Nodes: their memory, their death without recursion, and what rules read of them.
#include <entasis/core/node.h>

#include <string>

#include <entasis/core/error.h>
#include <entasis/core/free_list_internal.h>
#include <entasis/core/leaf_internal.h>
#include <entasis/core/op.h>

namespace entasis {
namespace {

constinit thread_local Node* first_buried = nullptr;
constinit thread_local bool burying = false;

}  // namespace

PackedTensor::~PackedTensor() = default;
Node::~Node() { delete watchers; }

void* Node::operator new(size_t bytes) { return allocate_object(bytes); }
void Node::operator delete(void* memory, size_t bytes) { free_object(memory, bytes); }

void Node::bury() {
  next_buried_ = first_buried;
  first_buried = this;
  if (burying) return;  // the loop below is already running further up this stack
  burying = true;
  while (Node* node = first_buried) {
    first_buried = node->next_buried_;
    delete node;
  }
  burying = false;
}

const SavedTensor& Saved::find(int i, bool is_output) const {
  const std::string what = std::string(is_output ? "output " : "input ") + std::to_string(i);
  if (node_.released) {
    throw AutogradError(std::string("the graph of ") + node_.op->name +
                        " was already used by a backward pass; keep it with retain_graph");
  }
  for (const SavedTensor& s : node_.saved) {
    if (s.index == i && s.is_output == is_output) return s;
  }
  throw AutogradError(std::string("the rule of ") + node_.op->name + " reads " + what +
                      ", which its `saves` does not name");
}

namespace {

// Whether what was saved still has the values it had.
void check_unwritten(const Node& node, const SavedTensor& saved) {
  if (saved.tensor->storage->writes == saved.writes) return;
  throw AutogradError(
      std::string(saved.is_output ? "output " : "input ") + std::to_string(saved.index) + " of " +
      node.op->name + ", of shape " + to_string(saved.tensor->shape) +
      ", was saved for the gradient and then overwritten (writes: " + std::to_string(saved.writes) +
      ", now " + std::to_string(saved.tensor->storage->writes) +
      "); clone() it before the in-place op");
}

}  // namespace

Tensor Saved::in(int i) const {
  const SavedTensor& saved = find(i, false);
  if (saved.packed) return saved.packed->unpack();
  check_unwritten(node_, saved);
  return Tensor(saved.tensor);
}

bool Saved::was_given(int i) const {
  for (const SavedTensor& s : node_.saved) {
    if (s.index == i && !s.is_output) return true;
  }
  return false;
}

Tensor Saved::out(int i) const {
  const SavedTensor& saved = find(i, true);
  Ref<TensorImpl> t;
  if (saved.packed) {
    t = alias_impl(*saved.packed->unpack().impl());
  } else {
    check_unwritten(node_, saved);
    t = alias_impl(*saved.tensor);
  }
  const bool carries = is_floating_point(t->dtype) && !(node_.op->not_differentiable >> i & 1);
  if (!carries) return Tensor(std::move(t));
  // As the op's own output: second gradients flow back through this node.
  t->requires_grad = true;
  t->slot = uint16_t(i);
  t->grad_fn = const_cast<Node*>(&node_);
  t->grad_fn->retain();
  return Tensor(std::move(t));
}

SavedOperand Saved::operand(int i) const {
  const Edge& edge = node_.edges[i];
  return edge.is_number ? SavedOperand(edge.number) : SavedOperand(in(i));
}

}  // namespace entasis
