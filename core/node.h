// Graph nodes: what an op leaves behind so that its gradient can be computed.
#pragma once

#include <cstdint>
#include <utility>

#include <entasis/core/operand.h>
#include <entasis/core/tensor.h>

namespace entasis {

struct OpInfo;

// For the gradient of one input: which inputs and outputs of the op to keep. `saves_in(1) |
// saves_out(0)` keeps input 1 and output 0.
using SaveMask = uint32_t;
constexpr SaveMask saves_in(int i) { return 1u << i; }
constexpr SaveMask saves_out(int i) { return 1u << (16 + i); }
inline constexpr SaveMask saves_nothing = 0;

using Grads = SmallVector<Tensor, 2>;

// From a node to where the gradient of one input goes: another node's output slot, a leaf, or
// nowhere.
struct Edge {
  Ref<Node> node;
  Ref<TensorImpl> leaf;
  uint16_t slot = 0;
  DType dtype = kF32;  // of the input; the engine casts a gradient to it
  Device device;
  bool is_number = false;
  Number number;  // the operand itself, if it is one
  Dims shape;     // of the input; the engine sums a broadcast gradient to it

  bool needed() const { return node || leaf; }
};

// Keeps a tensor in another form while the graph waits: activation checkpointing, offloading.
class ENTASIS_API PackedTensor : public Counted {
 public:
  virtual ~PackedTensor();
  virtual Tensor unpack() = 0;
  void release() {
    if (drop()) delete this;
  }
};

struct SavedTensor {
  Ref<TensorImpl> tensor;  // a saved output is a detached alias: the output itself would be a cycle
  Ref<PackedTensor> packed;  // instead, if a pack hook took it
  uint32_t writes = 0;       // the storage's counter when it was saved
  uint8_t index = 0;
  bool is_output = false;
};

class ENTASIS_API Node : public Counted {
 public:
  const OpInfo* op = nullptr;
  uint64_t sequence = 0;  // creation number, process-wide: backward runs it downwards (rule 6)
  Location at{"", 0};
  const char* frame = nullptr;  // the composite that the user called, if any
  StreamId stream = 0;
  uint16_t outputs = 1;
  bool released = false;  // its saved tensors have been given up
  SmallVector<Edge, 2> edges;
  SmallVector<SavedTensor, 2> saved;

  // Hooks on this node's outputs, and outputs whose grad() is wanted; rare, so apart.
  struct OutputHook {
    uint16_t slot;
    int id;
    TensorHook hook;
  };
  struct RetainedOutput {
    uint16_t slot;
    TensorImpl* tensor;  // takes itself out when it dies
  };
  struct Watchers {
    SmallVector<OutputHook, 2> hooks;
    SmallVector<RetainedOutput, 2> retained;
  };
  Watchers* watchers = nullptr;
  Watchers& make_watchers() { return watchers ? *watchers : *(watchers = new Watchers); }

  // The engine's: which backward pass knows this node, and where.
  uint64_t pass = 0;
  uint32_t pass_index = 0;

  Node() = default;
  virtual ~Node();
  void release() {
    if (drop()) bury();
  }
  static void* operator new(size_t bytes);
  static void operator delete(void* memory, size_t bytes);

 private:
  // Destroys without recursion: a chain of any length dies on a fixed stack.
  void bury();
  Node* next_buried_ = nullptr;
};

// An operand that a graph kept: a tensor or a number.
class SavedOperand {
 public:
  explicit SavedOperand(Tensor tensor) : tensor_(std::move(tensor)) {}
  explicit SavedOperand(Number number) : number_(number), is_number_(true) {}
  operator Operand() const { return is_number_ ? Operand(number_) : Operand(tensor_); }
  operator In() const { return is_number_ ? In(number_) : In(tensor_); }

 private:
  Tensor tensor_;
  Number number_;
  bool is_number_ = false;
};

// What a rule's vjp may read of its node.
class ENTASIS_API Saved {
 public:
  Saved(const Node& node, uint64_t needed) : node_(node), needed_(needed) {}
  // The saved input or output, with its history. Throws AutogradError if the rule's `saves` does
  // not name it or if it was overwritten meanwhile.
  Tensor in(int i) const;
  Tensor out(int i) const;
  // For an optional input that `saves` names: undefined if it was not given.
  Tensor in_if_given(int i) const { return was_given(i) ? in(i) : Tensor(); }
  bool was_given(int i) const;
  // Input i whether it was a tensor (which `saves` must name) or a number (always known).
  SavedOperand operand(int i) const;
  // Whether the op had an operand i with these properties; always known.
  const Dims& shape(int i) const { return node_.edges[i].shape; }
  DType dtype(int i) const { return node_.edges[i].dtype; }
  int inputs() const { return node_.edges.size(); }
  // Whether this pass wants the gradient of input i.
  bool needs(int i) const { return i < 64 ? (needed_ >> i & 1) != 0 : node_.edges[i].needed(); }
  template <class F>
  Tensor if_needed(int i, F f) const {
    return needs(i) ? f() : Tensor();
  }
  const Node& node() const { return node_; }

 private:
  const SavedTensor& find(int i, bool is_output) const;
  const Node& node_;
  uint64_t needed_;
};

}  // namespace entasis
