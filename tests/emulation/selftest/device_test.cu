// The fake runtime's machine: devices, versions, memory, errors and the faults that tests order.
#include <cstring>
#include <string>
#include <thread>

#include <entasis/core/error.h>

#include "runtime_case.h"
#include "sanitizers.h"

namespace entasis::emulation {
namespace {

using cuda::check;
using cuda::launch;

class Machine : public RuntimeCase {};

TEST_F(Machine, HasOneDevice) {
  int count = 0, device = -1;
  EXPECT_EQ(cudaGetDeviceCount(&count), cudaSuccess);
  EXPECT_EQ(count, 1);
  EXPECT_EQ(cudaGetDevice(&device), cudaSuccess);
  EXPECT_EQ(device, 0);
  EXPECT_EQ(cudaSetDevice(1), cudaErrorInvalidDevice);
  cudaDeviceProp properties;
  EXPECT_EQ(cudaGetDeviceProperties(&properties, 0), cudaSuccess);
  EXPECT_STREQ(properties.name, "CUDA emulated on the CPU");
  EXPECT_EQ(properties.warpSize, 32);
  int shared = 0;
  EXPECT_EQ(cudaDeviceGetAttribute(&shared, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0),
            cudaSuccess);
  EXPECT_EQ(shared, 227 * 1024);
}

TEST_F(Machine, HasAsManyDevicesAsAsked) {
  set_device_count(2);
  int count = 0, peers = 0;
  EXPECT_EQ(cudaGetDeviceCount(&count), cudaSuccess);
  EXPECT_EQ(count, 2);
  EXPECT_EQ(cudaDeviceCanAccessPeer(&peers, 0, 1), cudaSuccess);
  EXPECT_EQ(peers, 1);
  DeviceArray<int> here({1}, stream);
  EXPECT_EQ(cudaSetDevice(1), cudaSuccess);
  // The stream is the other device's.
  EXPECT_THROW(launch(add_number, 1, 1, 0, stream, here.data(), 1), DeviceError);
  const cudaStream_t there_stream = make_stream();
  {
    DeviceArray<int> there({0}, there_stream);
    check(cudaStreamSynchronize(stream), "copy");
    check(cudaMemcpyPeerAsync(there.data(), 1, here.data(), 0, sizeof(int), there_stream), "copy");
    EXPECT_EQ(there.host()[0], 1);
    cudaPointerAttributes attributes;
    EXPECT_EQ(cudaPointerGetAttributes(&attributes, there.data()), cudaSuccess);
    EXPECT_EQ(attributes.device, 1);
    EXPECT_EQ(attributes.type, cudaMemoryTypeDevice);
  }
  EXPECT_EQ(cudaSetDevice(0), cudaSuccess);
  int device = -1;  // the current device is the thread's
  std::thread([&] {
    (void)cudaSetDevice(1);
    (void)cudaGetDevice(&device);
  }).join();
  EXPECT_EQ(device, 1);
  EXPECT_EQ(cudaGetDevice(&device), cudaSuccess);
  EXPECT_EQ(device, 0);
}

TEST_F(Machine, MayLackDeviceOrDriver) {
  int count = -1, version = -1;
  void* memory = nullptr;
  set_device_count(0);
  EXPECT_EQ(cudaGetDeviceCount(&count), cudaErrorNoDevice);
  EXPECT_EQ(count, 0);
  EXPECT_EQ(cudaMalloc(&memory, 4), cudaErrorNoDevice);
  set_driver_version(11080);
  EXPECT_EQ(cudaGetDeviceCount(&count), cudaErrorInsufficientDriver);
  EXPECT_EQ(cudaDriverGetVersion(&version), cudaSuccess);
  EXPECT_EQ(version, 11080);
  set_driver_version(0);
  EXPECT_EQ(cudaGetDeviceCount(&count), cudaErrorInsufficientDriver);
  EXPECT_EQ(cudaRuntimeGetVersion(&version), cudaSuccess);
  EXPECT_EQ(version, CUDART_VERSION);
}

TEST_F(Machine, RunsOutOfMemory) {
  set_device_memory(1000);
  void *first = nullptr, *second = nullptr;
  size_t free_bytes = 0, total_bytes = 0;
  EXPECT_EQ(cudaMalloc(&first, 600), cudaSuccess);
  EXPECT_EQ(cudaMemGetInfo(&free_bytes, &total_bytes), cudaSuccess);
  EXPECT_EQ(free_bytes, 400u);
  EXPECT_EQ(total_bytes, 1000u);
  EXPECT_EQ(cudaMalloc(&second, 401), cudaErrorMemoryAllocation);
  EXPECT_EQ(second, nullptr);
  EXPECT_EQ(memory_use().device_bytes, 600);
  // Such an error does not stick.
  EXPECT_EQ(cudaMalloc(&second, 400), cudaSuccess);
  EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_EQ(cudaFree(first), cudaSuccess);
  EXPECT_EQ(cudaFree(second), cudaSuccess);
  EXPECT_EQ(cudaFree(nullptr), cudaSuccess);
}

TEST_F(Machine, RefusesWhatIsNotMemory) {
  int host = 0;
  EXPECT_EQ(cudaFree(&host), cudaErrorInvalidValue);
  DeviceArray<int> array(10, stream);
  EXPECT_EQ(cudaFree(array.data() + 1), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFreeHost(array.data()), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemsetAsync(array.data(), 0, 41, stream), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemsetAsync(&host, 0, 4, stream), cudaErrorInvalidValue);
  std::vector<int> many(11);
  EXPECT_EQ(cudaMemcpyAsync(array.data(), many.data(), 44, cudaMemcpyHostToDevice, stream),
            cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpyAsync(many.data(), array.data(), 40, cudaMemcpyHostToDevice, stream),
            cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpyAsync(many.data(), array.data(), 40, cudaMemcpyDefault, stream), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
}

TEST_F(Machine, FindsWritesPastTheEndWhenMemoryIsFreed) {
  if (kAddressSanitizer) GTEST_SKIP() << "the address sanitizer is faster";
  void* memory = nullptr;
  EXPECT_EQ(cudaMalloc(&memory, 4), cudaSuccess);
  launch(add_number, 1, 1, 0, stream, static_cast<int*>(memory) + 1, 1);
  EXPECT_EQ(cudaFree(memory), cudaErrorIllegalAddress);
  EXPECT_NE(last_failure().find("outside of the 4 bytes"), std::string::npos);
  reset();
}

// ---- Faults

TEST_F(Machine, FailsTheCallThatTheTestNames) {
  void* memory = nullptr;
  fail_call("cudaMalloc", cudaErrorMemoryAllocation, 1);
  EXPECT_EQ(cudaMalloc(&memory, 4), cudaSuccess);
  EXPECT_EQ(cudaFree(memory), cudaSuccess);
  EXPECT_EQ(cudaMalloc(&memory, 4), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaMalloc(&memory, 4), cudaSuccess);
  EXPECT_EQ(cudaFree(memory), cudaSuccess);
  EXPECT_EQ(calls("cudaMalloc"), 3);
  fail_call("cudaLaunchKernel", cudaErrorInvalidValue);
  EXPECT_THROW(launch(add_number, 1, 1, 0, stream, nullptr, 1), DeviceError);
}

TEST_F(Machine, KeepsTheErrorOfBrokenWork) {
  DeviceArray<int> number({0}, stream);
  check(cudaStreamSynchronize(stream), "copy");
  fail_work(cudaErrorIllegalAddress, 1);
  launch(add_number, 1, 1, 0, stream, number.data(), 1);
  launch(add_number, 1, 1, 0, stream, number.data(), 1);  // this one breaks
  launch(add_number, 1, 1, 0, stream, number.data(), 1);
  EXPECT_EQ(cudaPeekAtLastError(), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorIllegalAddress);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorIllegalAddress);
  EXPECT_EQ(cudaGetLastError(), cudaErrorIllegalAddress);
  EXPECT_EQ(cudaGetLastError(), cudaErrorIllegalAddress);
  void* memory = nullptr;
  EXPECT_EQ(cudaMalloc(&memory, 4), cudaErrorIllegalAddress);
  reset();
  EXPECT_EQ(number.host()[0], 1);
}

__global__ void meet_some() {
  if (threadIdx.x < 16) __syncthreads();
  __syncthreads();
}

TEST_F(Machine, TellsWhatAKernelDidWrong) {
  launch(meet_some, 1, 32, 0, stream);
  EXPECT_EQ(last_failure(), "");
  try {
    check(cudaStreamSynchronize(stream), "end");
    FAIL();
  } catch (const DeviceError& error) {
    EXPECT_NE(std::string(error.what()).find("cudaErrorLaunchFailure"), std::string::npos);
  }
  const std::string text = last_failure();
  EXPECT_NE(text.find("divergent barrier"), std::string::npos) << text;
  EXPECT_NE(text.find("device_test.cu:"), std::string::npos) << text;
  EXPECT_NE(text.find("meet_some"), std::string::npos) << text;
  // A device that is reset runs kernels again.
  reset();
  DeviceArray<int> number({0}, stream);
  launch(add_number, 1, 1, 0, stream, number.data(), 5);
  EXPECT_EQ(number.host()[0], 5);
}

TEST_F(Machine, RefusesImpossibleLaunches) {
  const auto refused = [&](dim3 grid, dim3 block, size_t shared_bytes) {
    EXPECT_THROW(launch(meet_some, grid, block, shared_bytes, stream), DeviceError);
    EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidConfiguration);
    EXPECT_NE(last_failure().find("meet_some"), std::string::npos);
  };
  refused(0, 32, 0);
  refused(1, 0, 0);
  refused(1, 1025, 0);
  refused(1, dim3(1, 1, 65), 0);
  refused(dim3(1, 65536), 1, 0);
  refused(1, 32, 227 * 1024 + 1);
  EXPECT_EQ(pending_work(), 0);
}

TEST_F(Machine, NamesErrors) {
  EXPECT_STREQ(cudaGetErrorName(cudaErrorMemoryAllocation), "cudaErrorMemoryAllocation");
  EXPECT_STREQ(cudaGetErrorString(cudaErrorMemoryAllocation), "out of memory");
  EXPECT_STREQ(cudaGetErrorName(static_cast<cudaError_t>(12345)), "unrecognized error code");
}

}  // namespace
}  // namespace entasis::emulation
