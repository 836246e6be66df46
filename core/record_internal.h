// Recording: how a run of an op becomes a node of the graph.
#pragma once

#include <entasis/core/op.h>

namespace entasis {

// Makes a node for an op that ran and hangs it on its outputs.
void record(const OpInfo& op, const void* attributes, Inputs inputs, Outputs outputs, Location at);
// The same for an op that wrote over inputs[0], after the write was counted. Bumps recorded_writes,
// so that every other alias of the storage has a stale history from here on. `before` holds what
// the target was, for gradients that read it; undefined if none does.
void record_in_place(const OpInfo& op, const void* attributes, Inputs inputs, Tensor& target,
                     const Tensor& before, Location at);
// After such a record of a view that knows its base: makes the base the result of an update where
// the view lies, and the view a view of that (rule 1). Other views follow when they are next used.
void record_view_update(TensorImpl& view, Location at);
// What the gradients of those inputs that need one read of inputs and outputs.
SaveMask saves_of(const OpInfo& op, Inputs inputs);
// Gives a new node its number, place and stream.
void stamp(Node& node, const OpInfo& op, Location at);
void connect(Edge& edge, const TensorImpl& input);
// Makes `output` the result `slot` of `node`.
void hang(Node& node, TensorImpl& output, int slot);
// Leaves `tensor` without a history, as its storage is now.
void forget_history(TensorImpl& tensor);
// A tensor whose gradient is to be kept asks another node for it from now on.
void move_retained(Node& from, Node& to, const TensorImpl& tensor, int slot);
// Gives `to`, which has none, the history of `from`.
void copy_history(const TensorImpl& from, TensorImpl& to);
void save(Node& node, const TensorImpl& tensor, int index, bool is_output, bool as_alias);

}  // namespace entasis
