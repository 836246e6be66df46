// Asks the backends that are there; for one that is not, the places where its parts would lie.
#include <entasis/train/device.h>

#include <unistd.h>

#include <entasis/core/backend.h>
#include <entasis/core/error.h>
#include <entasis/core/plugin.h>

namespace entasis::train {
namespace {

constexpr const char* kCudaPlugin = "entasis_cuda";
constexpr Device kFirstGpu{DeviceType::kCUDA, 0};

bool has_nvidia_driver() {
  return ::access("/proc/driver/nvidia/version", F_OK) == 0 || ::access("/dev/dxg", F_OK) == 0;
}

}  // namespace

std::string why_no_cuda() {
  if (device_count(DeviceType::kCUDA) > 0) return {};
  const std::string driver = has_nvidia_driver() ? "" : "no NVIDIA driver is loaded";
  if (find_backend(DeviceType::kCUDA) != nullptr) {
    return driver.empty() ? "the NVIDIA driver shows no GPU to this process" : driver;
  }
  const std::string plugin = find_plugin(kCudaPlugin);
  const std::string backend =
      plugin.empty() ? "this installation of Entasis has no CUDA backend (no libentasis_cuda.so)"
                     : "the CUDA backend " + plugin + " is not loaded";
  return backend + (driver.empty() ? "" : ", and " + driver);
}

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
