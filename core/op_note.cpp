// Notes of ops for devices. The path of modules is a chain of scopes on the stack; its text is made
// once for each chain and kept, and the thread remembers the last one.
#include <entasis/core/op_note_internal.h>

#include <array>
#include <map>
#include <mutex>
#include <string>

#include <entasis/core/error.h>
#include <entasis/core/node.h>
#include <entasis/core/op.h>
#include <entasis/core/thread_state_internal.h>

namespace entasis {
namespace {

constexpr int kMaxDepth = 16;  // deeper paths lose their outermost steps

// Names from the innermost scope outwards, ended by null.
using Chain = std::array<const char*, kMaxDepth + 1>;

const char* path_of(const Chain& chain) {
  std::string text;
  for (int i = 0; chain[size_t(i)] != nullptr; ++i) {
    text = text.empty() ? chain[size_t(i)] : std::string(chain[size_t(i)]) + "." + text;
  }
  // Never freed: notes point into it.
  static auto* mutex = new std::mutex;
  static auto* texts = new std::map<std::string, std::string>;
  const std::lock_guard lock(*mutex);
  return texts->try_emplace(text, text).first->second.c_str();
}

// A module's name may be freed and its address come back with another text: the thread remembers
// one chain only, and the risk is a wrong name in a message.
const char* module_path_now() {
  const ModuleScope* scope = thread_state.module;
  if (scope == nullptr) return nullptr;
  thread_local Chain last_chain{};
  thread_local const char* last_path = nullptr;
  Chain chain{};
  for (int i = 0; i < kMaxDepth && scope != nullptr; ++i, scope = scope->outer()) {
    chain[size_t(i)] = scope->name();
  }
  if (last_path == nullptr || chain != last_chain) {
    last_path = path_of(chain);
    last_chain = chain;
  }
  return last_path;
}

}  // namespace

OpNote note_op(const char* op, Location at) {
  OpNote note;
  if (const Node* node = thread_state.backward_node) {
    note.op = op;
    note.at = node->at;
    note.gradient_of = node->frame ? node->frame : node->op->name;
    return note;
  }
  const Frame* frame = thread_state.outermost_frame;
  note.op = frame ? frame->op() : op;
  note.at = (frame ? frame->at() : at).resolved();
  note.module = module_path_now();
  return note;
}

}  // namespace entasis
