#include <entasis/kernels/cpu/internal/packed_weights.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <mutex>
#include <string>

#include <entasis/core/error.h>
#include <entasis/core/small_vector.h>

namespace entasis::cpu {
namespace {

constinit std::atomic<int64_t> kept_bytes{0};

struct Packed {
  PackedForm form;
  uint32_t writes = 0;  // of the storage when the form was used last
  Ref<Storage> matrix = {};
};

// Several layers may have parts of one storage as their weights.
constexpr int kMostForms = 4;

struct PackedForms final : Storage::Companion {
  ~PackedForms() override {
    for (Packed& p : forms) drop(p);
  }
  static void drop(Packed& p) {
    if (p.matrix) kept_bytes -= p.form.bytes;
    p.matrix = nullptr;
  }
  // The entry of a form; a new one if there is none.
  Packed& entry(const PackedForm& form) {
    const auto found =
        std::find_if(forms.begin(), forms.end(), [&](const Packed& p) { return p.form == form; });
    if (found != forms.end()) return *found;
    if (forms.size() == kMostForms) {
      drop(forms[next]);
      forms[next] = {form, kNever};
      return forms[std::exchange(next, (next + 1) % kMostForms)];
    }
    forms.push_back({form, kNever});
    return forms.back();
  }

  static constexpr uint32_t kNever = ~uint32_t{0};
  SmallVector<Packed, kMostForms> forms;
  int next = 0;  // to be replaced
};

int64_t most_bytes() {
  static const int64_t bytes = [] {
    const char* text = std::getenv("ENTASIS_PACKED_WEIGHTS_MB");
    if (text == nullptr) return int64_t{256} << 20;
    char* end = nullptr;
    errno = 0;
    const long long megabytes = std::strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || megabytes < 0 || megabytes > 1'000'000'000) {
      throw ValueError(
          std::string("ENTASIS_PACKED_WEIGHTS_MB must be a whole number of megabytes, got \"") +
          text + "\"");
    }
    return int64_t{megabytes} << 20;
  }();
  return bytes;
}

// Memory for a packed matrix, within the bound; null if there is none.
Ref<Storage> allocate_within_bound(int64_t bytes) {
  if ((kept_bytes += bytes) <= most_bytes()) {
    try {
      return Storage::allocate(size_t(bytes), kCPU);
    } catch (const OutOfMemoryError&) {  // the product works without
    }
  }
  kept_bytes -= bytes;
  return nullptr;
}

}  // namespace

Ref<Storage> packed_weight(Storage& weight, const PackedForm& form, PackWeight pack,
                           const void* argument) {
  if (weight.exposed) return nullptr;
  static constinit std::mutex mutex;  // threads may share a weight
  const std::lock_guard lock(mutex);
  if (weight.companion == nullptr) weight.companion = new PackedForms;
  Packed& packed = static_cast<PackedForms*>(weight.companion)->entry(form);
  if (packed.writes != weight.writes) {
    packed.writes = weight.writes;
    PackedForms::drop(packed);
  } else if (!packed.matrix) {
    packed.matrix = allocate_within_bound(form.bytes);
    if (packed.matrix) pack(argument, packed.matrix->data);
  }
  return packed.matrix;
}

}  // namespace entasis::cpu
