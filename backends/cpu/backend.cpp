// The CPU as a backend: one device, one stream.
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <string>

#include <entasis/backends/cpu/memory.h>
#include <entasis/backends/cpu/parallel.h>
#include <entasis/backends/cpu/simd_info.h>
#include <entasis/core/backend.h>

namespace entasis {
namespace {

std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    const size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "CPU";
}

class CpuBackend final : public Backend {
 public:
  int device_count() const override { return 1; }
  DeviceProperties properties(int) const override {
    DeviceProperties p;
    p.name = processor_name();
    p.memory_bytes = device_memory(0).total;
    p.compute_units = num_threads();
    p.instruction_set = simd_info().in_use;
    return p;
  }
  DeviceMemory device_memory(int) const override {
    const auto page = size_t(sysconf(_SC_PAGESIZE));
    return {size_t(sysconf(_SC_AVPHYS_PAGES)) * page, size_t(sysconf(_SC_PHYS_PAGES)) * page};
  }
  void* allocate(size_t bytes, int, StreamId) override { return cpu::allocate(bytes); }
  void deallocate(void* data, size_t bytes, int, StreamId, uint64_t) noexcept override {
    cpu::deallocate(data, bytes);
  }
  void copy(void* to, Device, const void* from, Device, size_t bytes, StreamId, bool) override {
    if (bytes) std::memcpy(to, from, bytes);
  }
  void fill_zero(void* data, size_t bytes, int, StreamId) override {
    if (bytes) std::memset(data, 0, bytes);
  }
  MemoryStats memory_stats(int) const override { return cpu::memory_stats(); }
  void reset_peak_memory(int) override { cpu::reset_peak_memory(); }
  void release_cache(int) override { cpu::release_cache(); }
};

}  // namespace

void register_cpu_backend() {
  static auto* backend = new CpuBackend;  // never destroyed: tensors may outlive statics
  register_backend(DeviceType::kCPU, backend);
}

}  // namespace entasis
