// The backward engine. One pass: find the reachable nodes, run them by descending creation number
// (rule 6), deliver each leaf's gradient when its last use has arrived. Nothing recurses and
// nothing is hashed: nodes and leaves carry the pass's index for them, put back when the pass ends,
// so passes nest (a hook or a rule may call grad()).
#include <algorithm>
#include <atomic>
#include <vector>

#include <entasis/core/autograd.h>
#include <entasis/core/engine_internal.h>
#include <entasis/core/error.h>
#include <entasis/core/leaf_internal.h>
#include <entasis/core/op.h>
#include <entasis/core/thread_state_internal.h>

namespace entasis {
namespace {

// A gradient on its way, and whether the engine alone holds its memory.
struct Pending {
  Tensor gradient;
  bool owned = false;
};

struct NodeRecord {
  Ref<Node> node;
  uint64_t outer_pass;  // the node's mark before this pass
  uint32_t outer_index;
  bool needed = true;
  SmallVector<Pending, 1> gradients;  // one per output
};

struct LeafRecord {
  Ref<TensorImpl> leaf;
  uint64_t outer_pass;
  uint32_t outer_index;
  uint32_t uses = 0;  // edges that have not delivered yet
  bool needed = true;
  Pending sum;
};

// An input of grad() that is not a leaf: its gradient is read where its node starts.
struct WantedOutput {
  const Node* node;
  int slot;
  int result;
};

// While a node's rule runs, ops and errors carry the forward op's place.
class BackwardScope {
 public:
  explicit BackwardScope(const Node& node)
      : node_(std::exchange(thread_state.backward_node, &node)),
        inner_(std::exchange(thread_state.frame, nullptr)),
        outermost_(std::exchange(thread_state.outermost_frame, nullptr)),
        module_(std::exchange(thread_state.module, nullptr)),
        frame_(node.frame ? node.frame : node.op->name, node.at) {}
  ~BackwardScope() {
    thread_state.backward_node = node_;
    thread_state.module = module_;
    restore_ = {inner_, outermost_};
  }

 private:
  // Runs after frame_'s destructor, which clears both.
  struct Restore {
    const Frame* inner = nullptr;
    const Frame* outermost = nullptr;
    ~Restore() {
      thread_state.frame = inner;
      thread_state.outermost_frame = outermost;
    }
  };
  const Node* node_;
  const Frame* inner_;
  const Frame* outermost_;
  const ModuleScope* module_;
  Restore restore_;
  Frame frame_;
};

class Pass {
 public:
  Pass(const Tensors& inputs, const GradOptions& options, bool accumulate, Location at)
      : inputs_(inputs),
        options_(options),
        accumulate_(accumulate),
        at_(at),
        results_(inputs.size()) {
    static constinit std::atomic<uint64_t> next{1};
    id_ = next.fetch_add(1, std::memory_order_relaxed);
  }
  ~Pass() {
    for (NodeRecord& r : nodes_) {
      r.node->pass = r.outer_pass;
      r.node->pass_index = r.outer_index;
    }
    for (LeafRecord& r : leaves_) {
      r.leaf->leaf->pass = r.outer_pass;
      r.leaf->leaf->pass_index = r.outer_index;
    }
  }

  Tensors run(const Tensors& outputs) {
    const GradMode mode(options_.create_graph);
    for (const Tensor& output : outputs) discover(output);
    find_wanted();
    std::vector<uint32_t> order = execution_order();
    if (!accumulate_) mark_needed(order);
    for (size_t i = 0; i < outputs.size(); ++i) seed(outputs[i], i);
    for (uint32_t index : order) {
      if (nodes_[index].needed) run_node(nodes_[index]);
    }
    for (size_t i = 0; i < results_.size(); ++i) take_leaf_result(i);
    return std::move(results_);
  }

 private:
  // ---- Before: which nodes and leaves take part
  void discover(const Tensor& output) {
    std::vector<Node*> stack;
    if (Node* node = output.impl()->grad_fn) {
      if (add_node(node)) stack.push_back(node);
    } else {
      ++add_leaf(output.ref()).uses;
    }
    while (!stack.empty()) {
      Node* node = stack.back();
      stack.pop_back();
      for (const Edge& edge : node->edges) {
        if (edge.node) {
          if (add_node(edge.node.get())) stack.push_back(edge.node.get());
        } else if (edge.leaf) {
          ++add_leaf(edge.leaf).uses;
        }
      }
    }
  }

  bool add_node(Node* node) {
    if (node->pass == id_) return false;
    NodeRecord& r = nodes_.emplace_back();
    r.node = Ref<Node>(node);
    r.outer_pass = node->pass;
    r.outer_index = node->pass_index;
    node->pass = id_;
    node->pass_index = uint32_t(nodes_.size() - 1);
    return true;
  }

  LeafRecord& add_leaf(const Ref<TensorImpl>& leaf) {
    LeafState& state = leaf_state(*leaf);
    if (state.pass == id_) return leaves_[state.pass_index];
    LeafRecord& r = leaves_.emplace_back();
    r.leaf = leaf;
    r.outer_pass = state.pass;
    r.outer_index = state.pass_index;
    r.needed = accumulate_;
    state.pass = id_;
    state.pass_index = uint32_t(leaves_.size() - 1);
    return r;
  }

  void find_wanted() {
    for (size_t i = 0; i < inputs_.size(); ++i) {
      const Tensor& input = inputs_[i];
      if (!input.defined() || !input.requires_grad()) {
        throw AutogradError("grad: input " + std::to_string(i) + " does not need a gradient", at_);
      }
      if (Node* node = input.impl()->grad_fn) {
        if (node->pass == id_) wanted_.push_back({node, input.impl()->slot, int(i)});
      } else {
        LeafState& state = leaf_state(*input.impl());
        if (state.pass == id_) leaves_[state.pass_index].needed = true;
      }
    }
  }

  // Creation numbers fall along every edge, so this is a topological order.
  std::vector<uint32_t> execution_order() const {
    std::vector<uint32_t> order(nodes_.size());
    for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    auto later = [this](uint32_t a, uint32_t b) {
      return nodes_[a].node->sequence > nodes_[b].node->sequence;
    };
    if (!std::is_sorted(order.begin(), order.end(), later))
      std::sort(order.begin(), order.end(), later);
    return order;
  }

  // For grad(): only nodes that lead to a wanted input run.
  void mark_needed(const std::vector<uint32_t>& order) {
    for (auto it = order.rbegin(); it != order.rend(); ++it) {
      NodeRecord& r = nodes_[*it];
      r.needed = false;
      for (const Edge& edge : r.node->edges) r.needed |= is_needed(edge);
      for (const WantedOutput& w : wanted_) r.needed |= w.node == r.node.get();
    }
  }

  bool is_needed(const Edge& edge) const {
    if (edge.node) return nodes_[edge.node->pass_index].needed;
    return edge.leaf && leaves_[edge.leaf->leaf->pass_index].needed;
  }

  // ---- The start
  void seed(const Tensor& output, size_t i) {
    Tensor gradient = i < options_.grad_outputs.size() ? options_.grad_outputs[i] : Tensor();
    if (!gradient.defined()) {
      if (output.numel() != 1) {
        throw ShapeError("backward: an output of shape " + to_string(output.shape()) +
                             " needs its gradient given; only one-element outputs default to 1",
                         at_);
      }
      gradient = engine::ones_like(output, at_);
    } else if (!(gradient.shape() == output.shape())) {
      throw ShapeError("backward: the gradient has shape " + to_string(gradient.shape()) +
                           ", its output " + to_string(output.shape()),
                       at_);
    } else if (!(gradient.device() == output.device())) {
      throw DeviceError("backward: the gradient is on " + to_string(gradient.device()) +
                            ", its output on " + to_string(output.device()),
                        at_);
    } else if (gradient.dtype() != output.dtype()) {
      gradient = engine::cast(gradient, output.dtype(), at_);
    }
    if (Node* node = output.impl()->grad_fn) {
      deliver(nodes_[node->pass_index], output.impl()->slot, std::move(gradient));
    } else {
      deliver(leaves_[output.impl()->leaf->pass_index], std::move(gradient));
    }
  }

  // ---- Gradients on their way
  void add_to(Pending& sum, Tensor gradient) {
    if (!sum.gradient.defined()) {
      sum = {std::move(gradient), false};
    } else if (sum.owned && !options_.create_graph) {
      engine::add_in_place(sum.gradient, gradient, at_);
    } else {
      sum = {engine::add(sum.gradient, gradient, at_), true};
    }
  }

  void deliver(NodeRecord& record, int slot, Tensor gradient) {
    if (record.gradients.empty()) record.gradients.resize(record.node->outputs);
    add_to(record.gradients[slot], std::move(gradient));
  }

  void deliver(LeafRecord& record, Tensor gradient) {
    if (gradient.defined() && record.needed) add_to(record.sum, std::move(gradient));
    if (--record.uses == 0 && accumulate_) finish_leaf(record);
  }

  // The sum is complete: hooks, then the leaf's grad(), then its completion hooks.
  void finish_leaf(LeafRecord& record) {
    Tensor gradient = std::move(record.sum.gradient);
    record.sum = {};
    if (!gradient.defined()) return;
    LeafState& state = *record.leaf->leaf;
    gradient = run_leaf_hooks(state, std::move(gradient));
    const Tensor leaf(record.leaf);
    if (!state.grad.defined()) {
      state.grad =
          may_take(gradient, leaf) ? std::move(gradient) : engine::copy_like(gradient, leaf, at_);
    } else if (options_.create_graph || state.grad.requires_grad()) {
      state.grad = engine::add(state.grad, gradient, at_);
    } else {
      engine::add_in_place(state.grad, gradient, at_);
    }
    for (const auto& [id, hook] : SmallVector(state.completion_hooks)) hook(leaf);
  }

  static Tensor run_leaf_hooks(LeafState& state, Tensor gradient) {
    // A copy of the list: a hook may remove itself.
    for (const auto& [id, hook] : SmallVector(state.hooks)) {
      Tensor replaced = hook(gradient);
      if (replaced.defined()) gradient = std::move(replaced);
    }
    return gradient;
  }

  // Rule 2: a leaf's gradient never aliases anything and has the leaf's strides.
  static bool may_take(const Tensor& gradient, const Tensor& leaf) {
    const TensorImpl& g = *gradient.impl();
    return g.references() == 1 && g.storage->references() == 1 && !g.storage->deleter &&
           g.strides == leaf.strides();
  }

  // ---- One node
  void run_node(NodeRecord& record) {
    Node& node = *record.node;
    SmallVector<Pending, 1> pending = std::move(record.gradients);
    pending.resize(node.outputs);
    Grads gy;
    bool any = false;
    for (Pending& p : pending) {
      gy.push_back(std::move(p.gradient));
      any |= gy.back().defined();
    }
    if (node.watchers && any) notify(node, gy);
    for (const WantedOutput& w : wanted_) {
      if (w.node == &node) results_[size_t(w.result)] = gy[w.slot];
    }

    uint64_t needed = 0;
    for (int i = 0; i < node.edges.size(); ++i) {
      if (is_needed(node.edges[i])) needed |= uint64_t{1} << std::min(i, 63);
    }
    Grads gx;
    if (any && needed) {
      const BackwardScope scope(node);
      try {
        gx = node.op->vjp(node, Saved(node, needed), std::move(gy));
        check(node, gx);
      } catch (Error& error) {
        error.place(node.op->name, node.at);
        throw;
      }
    }
    if (!options_.retain_graph && !options_.create_graph) {
      node.saved.clear();
      node.released = true;
    }
    send(node, gx);
  }

  void notify(Node& node, Grads& gy) {
    for (const Node::OutputHook& h : SmallVector(node.watchers->hooks)) {
      if (!gy[h.slot].defined()) continue;
      Tensor replaced = h.hook(gy[h.slot]);
      if (replaced.defined()) gy[h.slot] = std::move(replaced);
    }
    if (!accumulate_) return;
    for (const Node::RetainedOutput& r : node.watchers->retained) {
      if (!gy[r.slot].defined()) continue;
      LeafState& state = leaf_state(*r.tensor);
      state.grad = state.grad.defined() ? engine::add(state.grad, gy[r.slot], at_)
                                        : engine::copy_like(gy[r.slot], gy[r.slot], at_);
    }
  }

  static void check(const Node& node, const Grads& gx) {
    if (gx.size() > node.edges.size()) {
      throw AutogradError("its rule returned " + std::to_string(gx.size()) + " gradients for " +
                          std::to_string(node.edges.size()) + " inputs");
    }
    if (!thread_state.anomaly) return;
    for (int i = 0; i < gx.size(); ++i) {
      if (gx[i].defined() && engine::has_nan(gx[i])) {
        throw AutogradError("the gradient of input " + std::to_string(i) + " contains NaN");
      }
    }
  }

  void send(Node& node, Grads& gx) {
    for (int i = 0; i < node.edges.size(); ++i) {
      const Edge& edge = node.edges[i];
      if (!edge.needed()) continue;
      Tensor gradient = i < gx.size() && is_needed(edge) ? std::move(gx[i]) : Tensor();
      if (gradient.defined()) {
        if (!(gradient.shape() == edge.shape)) gradient = engine::sum_to(gradient, edge.shape, at_);
        if (gradient.dtype() != edge.dtype) gradient = engine::cast(gradient, edge.dtype, at_);
      }
      if (edge.leaf) {
        deliver(leaves_[edge.leaf->leaf->pass_index], std::move(gradient));
      } else if (gradient.defined()) {
        deliver(nodes_[edge.node->pass_index], edge.slot, std::move(gradient));
      }
    }
  }

  // ---- The end
  void take_leaf_result(size_t i) {
    const TensorImpl& input = *inputs_[i].impl();
    if (input.grad_fn == nullptr && input.leaf->pass == id_) {
      Tensor& sum = leaves_[input.leaf->pass_index].sum.gradient;
      if (sum.defined()) results_[i] = sum;
    }
    if (!results_[i].defined() && !options_.allow_unused) {
      throw AutogradError("grad: no output depends on input " + std::to_string(i) +
                              "; allow_unused gives an undefined tensor instead",
                          at_);
    }
  }

  const Tensors& inputs_;
  const GradOptions& options_;
  const bool accumulate_;
  const Location at_;
  uint64_t id_;
  Tensors results_;
  std::vector<NodeRecord> nodes_;
  std::vector<LeafRecord> leaves_;
  std::vector<WantedOutput> wanted_;
};

void check_outputs(const char* what, const Tensors& outputs, Location at) {
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs[i].defined() || !outputs[i].requires_grad()) {
      throw AutogradError(
          std::string(what) + ": output " + std::to_string(i) +
              " needs no gradient: no input of it does, or it was made under NoGrad",
          at);
    }
    const TensorImpl& t = *outputs[i].impl();
    if (t.history != t.storage->recorded_writes) {
      throw AutogradError(std::string(what) + ": output " + std::to_string(i) +
                              " has a stale history: its storage was changed in place since",
                          at);
    }
  }
}

}  // namespace

void Tensor::backward(const Tensor& gradient, bool retain_graph, bool create_graph,
                      Location at) const {
  const Tensors outputs = {*this};
  check_outputs("backward", outputs, at);
  const Tensors inputs;
  GradOptions options;
  options.grad_outputs = {gradient};
  options.retain_graph = retain_graph;
  options.create_graph = create_graph;
  Pass(inputs, options, true, at).run(outputs);
}

Tensors grad(const Tensors& outputs, const Tensors& inputs, const GradOptions& options,
             Location at) {
  check_outputs("grad", outputs, at);
  return Pass(inputs, options, false, at).run(outputs);
}

}  // namespace entasis
