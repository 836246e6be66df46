// The registry of rows, ops and kernels. Filled once from the lists that the build generated, then
// by programs and plugins; looked at by name, never on an op's hot path.
#include <algorithm>
#include <map>
#include <mutex>

#include <entasis/core/error.h>
#include <entasis/core/registration_internal.h>
#include <entasis/core/row.h>

namespace entasis {
namespace {

struct Registry {
  std::recursive_mutex mutex;
  bool filled = false;
  std::map<std::string_view, const Row*> rows;
  std::map<std::string_view, OpInfo*> ops;
  std::vector<const Row*> sorted_rows;

  void add(const RowList& list) {
    for (const Row& row : list.rows) {
      if (rows.count(row.name)) {
        throw ValueError(std::string("a row named '") + row.name + "' is already registered");
      }
    }
    for (OpInfo* op : list.ops) {
      if (ops.count(op->name)) {
        throw ValueError(std::string("an op named '") + op->name + "' is already registered");
      }
    }
    for (const Row& row : list.rows) rows.emplace(row.name, &row);
    for (OpInfo* op : list.ops) ops.emplace(op->name, op);
    sorted_rows.clear();
    for (const auto& [name, row] : rows) sorted_rows.push_back(row);
  }
};

// Never destroyed: ops may run while statics die.
Registry& registry() {
  static auto* r = new Registry;
  return *r;
}

// The registry, locked and filled.
class Locked {
 public:
  Locked() : lock_(registry().mutex) {
    if (registry().filled) return;
    registry().filled = true;  // first, so that registration itself may look things up
    for (const RowList* list : library_row_lists()) registry().add(*list);
    register_library_backends();
    Kernels cpu(DeviceType::kCPU);
    register_library_kernels_cpu(cpu);
  }
  Registry* operator->() { return &registry(); }

 private:
  std::lock_guard<std::recursive_mutex> lock_;
};

}  // namespace

void ensure_registered() { Locked(); }

std::span<const Row* const> all_rows() { return Locked()->sorted_rows; }

const Row* find_row(std::string_view name) {
  Locked r;
  const auto it = r->rows.find(name);
  return it == r->rows.end() ? nullptr : it->second;
}

std::vector<OpInfo*> all_ops() {
  Locked r;
  std::vector<OpInfo*> ops;
  for (const auto& [name, op] : r->ops) ops.push_back(op);
  return ops;
}

OpInfo* find_op(std::string_view name) {
  Locked r;
  const auto it = r->ops.find(name);
  return it == r->ops.end() ? nullptr : it->second;
}

void register_rows(const RowList& list) { Locked()->add(list); }

void Kernels::add_slot(const char* op, KernelSlot slot) {
  Locked r;
  const auto it = r->ops.find(op);
  if (it == r->ops.end()) {
    throw ValueError(std::string("a kernel for '") + op + "': no op has this name");
  }
  KernelSlot& place = it->second->kernels[int(device_)];
  if (place.run != nullptr) {
    throw ValueError(std::string("'") + op + "' already has a kernel for " + name_of(device_));
  }
  place = slot;
}

}  // namespace entasis
