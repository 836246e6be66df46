// Storages: allocation, lifetime, weak handles.
#include <entasis/core/storage.h>

#include <new>
#include <utility>

#include <entasis/core/backend_internal.h>
#include <entasis/core/error.h>
#include <entasis/core/free_list_internal.h>

namespace entasis {
namespace {

// Ids are handed out to threads in blocks, so that a new storage costs no shared cache line.
uint64_t next_storage_id() {
  constexpr uint64_t kBlock = 1024;
  static constinit std::atomic<uint64_t> next_block{0};
  static constinit thread_local uint64_t next = 0, end = 0;
  if (next == end) {
    next = next_block.fetch_add(1, std::memory_order_relaxed) * kBlock + 1;
    end = next + kBlock;
  }
  return next++;
}

// Also the mark of pinned storages.
void free_pinned(void*, void* data) { quick_backend_of(DeviceType::kCUDA).deallocate_pinned(data); }

}  // namespace

Ref<Storage> Storage::allocate(size_t bytes, Device device) {
  auto storage = Ref<Storage>::adopt(new (allocate_object(sizeof(Storage))) Storage);
  storage->device = device;
  storage->id = next_storage_id();
  if (!device.is_meta()) {
    Backend& backend = quick_backend_of(device.type);
    const StreamId stream = device.is_cpu() ? 0 : backend.current_stream(device.index);
    storage->data = backend.allocate(bytes, device.index, stream);
    storage->last_writer = stream;
  }
  storage->bytes = bytes;
  return storage;
}

Ref<Storage> Storage::allocate_pinned(size_t bytes) {
  void* data = quick_backend_of(DeviceType::kCUDA).allocate_pinned(bytes);
  return borrow(data, bytes, kCPU, &free_pinned, nullptr);
}

bool Storage::is_pinned() const { return deleter == &free_pinned; }

Ref<Storage> Storage::borrow(void* data, size_t bytes, Device device, Deleter deleter,
                             void* context) {
  auto storage = Ref<Storage>::adopt(new (allocate_object(sizeof(Storage))) Storage);
  storage->data = data;
  storage->bytes = bytes;
  storage->device = device;
  storage->id = next_storage_id();
  // A borrowed block always has a deleter, so that destroy() can tell it from an allocated one.
  storage->deleter = deleter ? deleter : [](void*, void*) {};
  storage->deleter_context = context;
  storage->exposed = true;
  if (!device.is_cpu()) {
    storage->last_writer = quick_backend_of(device.type).current_stream(device.index);
  }
  return storage;
}

void Storage::destroy() {
  delete companion;
  if (deleter && device.is_cpu()) {
    deleter(deleter_context, data);
  } else if (deleter) {
    quick_backend_of(device.type)
        .give_back(deleter, deleter_context, data, device.index, last_writer, other_users);
  } else if (data != nullptr) {
    quick_backend_of(device.type).deallocate(data, bytes, device.index, last_writer, other_users);
  }
  data = nullptr;
  release_header();
}

void Storage::release_header() {
  if (weak_.load(std::memory_order_acquire) == 1 ||
      weak_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    this->~Storage();
    free_object(this, sizeof(Storage));
  }
}

WeakStorage::WeakStorage(const Ref<Storage>& storage) : storage_(storage.get()) {
  if (storage_) storage_->weak_.fetch_add(1, std::memory_order_relaxed);
}
WeakStorage::WeakStorage(const WeakStorage& other) : storage_(other.storage_) {
  if (storage_) storage_->weak_.fetch_add(1, std::memory_order_relaxed);
}
WeakStorage::WeakStorage(WeakStorage&& other) noexcept
    : storage_(std::exchange(other.storage_, nullptr)) {}
WeakStorage& WeakStorage::operator=(WeakStorage other) noexcept {
  std::swap(storage_, other.storage_);
  return *this;
}
WeakStorage::~WeakStorage() {
  if (storage_) storage_->release_header();
}

Ref<Storage> WeakStorage::lock() const {
  if (storage_ == nullptr || !storage_->revive()) return {};
  return Ref<Storage>::adopt(storage_);
}

}  // namespace entasis
