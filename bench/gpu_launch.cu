// entasis-bench-launch: what a kernel launch costs the host without any library. Speaks the
// language of gpu_ours.cpp; its one workload, launch/f32/1, adds two numbers by a kernel of one
// block.
#include <cuda_runtime.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <sstream>
#include <string>

namespace {

using Clock = std::chrono::steady_clock;
constexpr long kBatch = 256;  // as in gpu_ours.cpp: fewer than the device's queue has room for

__global__ void add(const float* a, const float* b, float* out, int n) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) out[i] = a[i] + b[i];
}

void check(cudaError_t status) {
  if (status == cudaSuccess) return;
  std::cout << R"({"error": ")" << cudaGetErrorString(status) << R"(", "fatal": true})"
            << std::endl;
  std::exit(1);
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void run(const std::string& name, long times, const float* a, const float* b, float* out) {
  int n = 1;
  void* arguments[] = {&a, &b, &out, &n};
  const auto began = Clock::now();
  double seconds = 0;
  for (long done = 0; done < times; done += kBatch) {
    const long batch = std::min(kBatch, times - done);
    const auto start = Clock::now();
    for (long i = 0; i < batch; ++i) {
      check(cudaLaunchKernel(reinterpret_cast<const void*>(add), dim3(1), dim3(128), arguments, 0,
                             nullptr));
    }
    seconds += seconds_since(start);
    check(cudaDeviceSynchronize());
  }
  std::cout << R"({"name": ")" << name << R"(", "seconds": )" << seconds / double(times)
            << R"(, "wall": )" << seconds_since(began) / double(times) << "}" << std::endl;
}

}  // namespace

int main() {
  float* data = nullptr;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command, name;
    long times = 1;
    words >> command >> name >> times;
    if (command == "run" && name == "launch/f32/1" && times > 0) {
      if (data == nullptr) {
        check(cudaMalloc(&data, 3 * sizeof(float)));
        check(cudaMemset(data, 0, 3 * sizeof(float)));
      }
      run(name, times, data, data + 1, data + 2);
    } else if (command == "list") {
      std::cout << R"({"ops": ["launch"]})" << std::endl;
    } else if (command == "drop") {
      std::cout << R"({"name": ")" << name << R"("})" << std::endl;
    } else {
      std::cout << R"({"error": "only launch/f32/1 is known here"})" << std::endl;
    }
  }
  return 0;
}
