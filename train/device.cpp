// Asks the backends that are there.
#include <entasis/train/device.h>

#include <entasis/core/backend.h>
#include <entasis/core/error.h>

namespace entasis::train {
namespace {

constexpr Device kFirstGpu{DeviceType::kCUDA, 0};

}  // namespace

std::string why_no_cuda() { return why_no_device(DeviceType::kCUDA); }

Device choose_device(std::string_view name) {
  if (name == "auto") return device_count(DeviceType::kCUDA) > 0 ? kFirstGpu : kCPU;
  const Device device = Device::parse(name);
  if (device.is_meta()) throw ValueError("the device meta has no memory to train in");
  if (device.is_cuda()) {
    const std::string why = why_no_cuda();
    if (!why.empty()) throw DeviceError("no CUDA device: " + why);
  }
  check_device(device);
  return device;
}

std::string describe_device(Device device) {
  return to_string(device) + ", " + backend_of(device.type).properties(device.index).name;
}

}  // namespace entasis::train
