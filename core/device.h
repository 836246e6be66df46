// Which machine a tensor lives on.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <entasis/core/export.h>

namespace entasis {

// `kMeta` has shapes and no memory: ops run their rules alone.
enum class DeviceType : uint8_t { kCPU, kCUDA, kMeta };
inline constexpr int kDeviceTypes = 3;

struct Device {
  DeviceType type = DeviceType::kCPU;
  uint8_t index = 0;

  constexpr Device() = default;
  constexpr Device(DeviceType type, int index = 0) : type(type), index(uint8_t(index)) {}
  // "cpu", "cuda", "cuda:1", "meta"; "cuda" is the thread's current device. Throws ValueError.
  ENTASIS_API static Device parse(std::string_view text);

  bool operator==(const Device&) const = default;
  bool is_cpu() const { return type == DeviceType::kCPU; }
  bool is_cuda() const { return type == DeviceType::kCUDA; }
  bool is_meta() const { return type == DeviceType::kMeta; }
};

inline constexpr Device kCPU{DeviceType::kCPU};
inline constexpr Device kMeta{DeviceType::kMeta};

ENTASIS_API const char* name_of(DeviceType type);
ENTASIS_API std::string to_string(Device device);  // "cpu", "cuda:0", "meta"

// Which of several devices a name without a number means to this thread. Every thread starts with
// number 0.
ENTASIS_API Device current_device(DeviceType type);
// Throws DeviceError unless there is such a device.
ENTASIS_API void set_current_device(Device device);

// Makes `device` current while the guard lives.
class ENTASIS_API DeviceGuard {
 public:
  explicit DeviceGuard(Device device);
  ~DeviceGuard();
  DeviceGuard(const DeviceGuard&) = delete;
  DeviceGuard& operator=(const DeviceGuard&) = delete;

 private:
  Device previous_;
};

}  // namespace entasis
