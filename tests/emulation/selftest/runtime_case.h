// The fixture of tests of the fake runtime: a fresh device for each, in a known order.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>

#include <cuda_runtime_api.h>

#include <entasis/backends/cuda/error.h>
#include <entasis/kernels/cuda/internal/launch.h>

#include "control.h"
#include "device_array.h"

namespace entasis::emulation {

class RuntimeCase : public testing::Test {
 protected:
  void SetUp() override {
    reset();
    set_order({Order::kAscending});
    stream = make_stream();
  }
  void TearDown() override {
    reset();
    for (cudaStream_t made : streams_) (void)cudaStreamDestroy(made);
    for (cudaEvent_t made : events_) (void)cudaEventDestroy(made);
    reset();
    EXPECT_EQ(memory_use().device_blocks, 0);
    EXPECT_EQ(memory_use().pinned_blocks, 0);
  }

  // Destroyed with the test.
  cudaStream_t make_stream(unsigned flags = cudaStreamNonBlocking) {
    streams_.emplace_back();
    cuda::check(cudaStreamCreateWithFlags(&streams_.back(), flags), "stream");
    return streams_.back();
  }
  cudaEvent_t make_event(unsigned flags = cudaEventDisableTiming) {
    events_.emplace_back();
    cuda::check(cudaEventCreateWithFlags(&events_.back(), flags), "event");
    return events_.back();
  }

  // Calls `test` with the device running in many orders.
  template <class Test>
  static void in_many_orders(Test test) {
    for (const Order order : {Order{Order::kAscending}, Order{Order::kDescending}}) {
      set_order(order);
      SCOPED_TRACE(to_text(order));
      test();
    }
    for (uint64_t seed = 0; seed < 20; ++seed) {
      const Order order = {Order::kRandom, seed};
      set_order(order);
      SCOPED_TRACE(to_text(order));
      test();
    }
  }

  cudaStream_t stream = nullptr;  // not blocking

 private:
  std::vector<cudaStream_t> streams_;
  std::vector<cudaEvent_t> events_;
};

inline __global__ void add_number(int* to, int number) { *to += number; }
inline __global__ void double_number(int* number) { *number *= 2; }
inline __global__ void add_numbers(int* to, const int* from) { *to += *from; }

}  // namespace entasis::emulation
