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
// What the gradients of those inputs that need one read of inputs and outputs.
SaveMask saves_of(const OpInfo& op, Inputs inputs);
// Gives a new node its number, place and stream.
void stamp(Node& node, const OpInfo& op, Location at);
void connect(Edge& edge, const TensorImpl& input);
// Makes `output` the result `slot` of `node`.
void hang(Node& node, TensorImpl& output, int slot);
void save(Node& node, const TensorImpl& tensor, int index, bool is_output, bool as_alias);

}  // namespace entasis
