#include <entasis/backends/cuda/devices.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <memory>
#include <vector>

#include <entasis/backends/cuda/blas.h>
#include <entasis/backends/cuda/dnn.h>
#include <entasis/backends/cuda/error.h>
#include <entasis/backends/cuda/internal/environment.h>
#include <entasis/backends/cuda/internal/poison.h>
#include <entasis/backends/cuda/limits.h>

namespace entasis::cuda {
namespace {

struct Devices {
  std::vector<DeviceLimits> limits;
  std::vector<std::unique_ptr<Allocator>> allocators;
};
// Never destroyed: tensors may outlive statics.
Devices& devices() {
  static auto* d = new Devices;
  return *d;
}

std::string version_text(int version) {  // 13010 is 13.1
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

// "580.65.06", from the first line of a file of the kernel module, which calls it by several names.
std::string driver_release() {
  std::ifstream file("/proc/driver/nvidia/version");
  std::string line;
  std::getline(file, line);
  for (size_t begin = 0; begin < line.size();) {
    const size_t end = std::min(line.find(' ', begin), line.size());
    const std::string word = line.substr(begin, end - begin);
    if (word.find('.') != std::string::npos && std::isdigit(static_cast<unsigned char>(word[0]))) {
      return word;
    }
    begin = end + 1;
  }
  return {};
}

int attribute(int device, cudaDeviceAttr which) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, which, device), "cudaDeviceGetAttribute");
  return value;
}

}  // namespace

const bool kPoisons = switched_on("ENTASIS_POISON");

std::string find_devices() {
  int driver = 0, runtime = 0, count = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  if (driver == 0) return "no NVIDIA driver is loaded";
  const cudaError_t error = cudaGetDeviceCount(&count);
  cudaGetLastError();
  if (error == cudaErrorInsufficientDriver) {
    return "the NVIDIA driver supports CUDA " + version_text(driver) + ", this build needs " +
           version_text(runtime);
  }
  if (error == cudaErrorNoDevice || (error == cudaSuccess && count == 0)) {
    return "the NVIDIA driver shows no GPU to this process";
  }
  if (error != cudaSuccess) return cudaGetErrorString(error);
  for (int i = 0; i < count && i < kMaxDevices; ++i) {
    devices().limits.push_back({attribute(i, cudaDevAttrMultiProcessorCount),
                                attribute(i, cudaDevAttrMaxSharedMemoryPerBlockOptin),
                                10 * attribute(i, cudaDevAttrComputeCapabilityMajor) +
                                    attribute(i, cudaDevAttrComputeCapabilityMinor)});
    devices().allocators.push_back(std::make_unique<Allocator>(i));
  }
  return {};
}

std::vector<std::pair<std::string, std::string>> versions() {
  int driver = 0, runtime = 0;
  check(cudaDriverGetVersion(&driver), "cudaDriverGetVersion");
  check(cudaRuntimeGetVersion(&runtime), "cudaRuntimeGetVersion");
  std::vector<std::pair<std::string, std::string>> found;
  if (std::string release = driver_release(); !release.empty()) {
    found.emplace_back("NVIDIA driver", std::move(release));
  }
  found.emplace_back("CUDA driver", version_text(driver));
  found.emplace_back("CUDA runtime", version_text(runtime));
  found.emplace_back("cuBLASLt", blas_version());
  found.emplace_back("cuDNN", dnn_version());
  return found;
}

int device_count() { return int(devices().limits.size()); }
const DeviceLimits& limits_of(int device) { return devices().limits[size_t(device)]; }
Allocator& allocator_of(int device) { return *devices().allocators[size_t(device)]; }

}  // namespace entasis::cuda
