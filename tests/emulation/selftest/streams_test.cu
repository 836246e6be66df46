// The fake runtime's streams: work runs late, in stream order, after the events it waits for, and
// otherwise in any order.
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "runtime_case.h"

namespace entasis::emulation {
namespace {

using cuda::check;
using cuda::launch;

class Streams : public RuntimeCase {};

TEST_F(Streams, RunLate) {
  DeviceArray<int> number({1}, stream);
  launch(double_number, 1, 1, 0, stream, number.data());
  int host = 0;
  check(cudaMemcpyAsync(&host, number.data(), sizeof host, cudaMemcpyDeviceToHost, stream), "copy");
  EXPECT_EQ(pending_work(), 3);
  EXPECT_EQ(host, 0);
  check(cudaStreamSynchronize(stream), "end");
  EXPECT_EQ(pending_work(), 0);
  EXPECT_EQ(host, 2);
}

TEST_F(Streams, RunInTheirOwnOrder) {
  in_many_orders([&] {
    DeviceArray<int> number({3}, stream);
    launch(add_number, 1, 1, 0, stream, number.data(), 4);
    launch(double_number, 1, 1, 0, stream, number.data());
    check(cudaMemsetAsync(number.data(), 0, 1, stream), "set");
    launch(add_number, 1, 1, 0, stream, number.data(), 1);
    EXPECT_EQ(number.host()[0], 1);
  });
}

TEST_F(Streams, GetSomewhereWhenAsked) {
  in_many_orders([&] {
    DeviceArray<int> number({0}, stream);
    for (int i = 0; i < 5; ++i) launch(add_number, 1, 1, 0, stream, number.data(), 1);
    int asked = 0;
    while (cudaStreamQuery(stream) == cudaErrorNotReady) ++asked;
    EXPECT_LE(asked, 6);
    EXPECT_EQ(cudaGetLastError(), asked > 0 ? cudaErrorNotReady : cudaSuccess);
    EXPECT_EQ(cudaStreamQuery(stream), cudaSuccess);
  });
}

TEST_F(Streams, RaceEachOther) {
  const cudaStream_t other = make_stream();
  std::set<int> results;
  in_many_orders([&] {
    DeviceArray<int> number({1}, stream);
    check(cudaStreamSynchronize(stream), "copy");
    launch(add_number, 1, 1, 0, stream, number.data(), 1);
    launch(double_number, 1, 1, 0, other, number.data());
    check(cudaDeviceSynchronize(), "end");
    results.insert(number.host()[0]);
  });
  EXPECT_EQ(results, (std::set<int>{3, 4}));
}

TEST_F(Streams, WaitForEvents) {
  const cudaStream_t other = make_stream();
  const cudaEvent_t event = make_event();
  in_many_orders([&] {
    DeviceArray<int> number({1}, stream);
    launch(add_number, 1, 1, 0, stream, number.data(), 1);
    check(cudaEventRecord(event, stream), "record");
    check(cudaStreamWaitEvent(other, event, 0), "wait");
    launch(double_number, 1, 1, 0, other, number.data());
    check(cudaEventRecord(event, other), "record");  // the wait above keeps its meaning
    check(cudaStreamWaitEvent(stream, event, 0), "wait");
    launch(add_number, 1, 1, 0, stream, number.data(), 1);
    EXPECT_EQ(number.host()[0], 5);
  });
}

TEST_F(Streams, EventsEndWithTheWorkBeforeThem) {
  const cudaEvent_t event = make_event();
  DeviceArray<int> number({0}, stream);
  EXPECT_EQ(cudaEventQuery(event), cudaSuccess);  // never recorded
  launch(add_number, 1, 1, 0, stream, number.data(), 1);
  check(cudaEventRecord(event, stream), "record");
  launch(add_number, 1, 1, 0, stream, number.data(), 1);
  EXPECT_EQ(cudaEventQuery(event), cudaErrorNotReady);
  check(cudaEventSynchronize(event), "event");
  EXPECT_EQ(cudaEventQuery(event), cudaSuccess);
  EXPECT_EQ(pending_work(), 1);
  EXPECT_EQ(number.host()[0], 2);
}

TEST_F(Streams, EventsMeasureTime) {
  const cudaEvent_t start = make_event(cudaEventDefault), end = make_event(cudaEventDefault);
  const cudaEvent_t untimed = make_event();
  float milliseconds = -1;
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, start, end), cudaErrorInvalidResourceHandle);
  for (const cudaEvent_t event : {start, end, untimed}) check(cudaEventRecord(event, stream), "");
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, start, end), cudaErrorNotReady);
  check(cudaStreamSynchronize(stream), "end");
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, start, end), cudaSuccess);
  EXPECT_GE(milliseconds, 0);
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, start, untimed), cudaErrorInvalidResourceHandle);
}

TEST_F(Streams, BlockingOnesAndTheDefaultStreamWaitForEachOther) {
  const cudaStream_t blocking = make_stream(cudaStreamDefault);
  in_many_orders([&] {
    DeviceArray<int> number({1}, nullptr);
    launch(add_number, 1, 1, 0, blocking, number.data(), 1);
    launch(double_number, 1, 1, 0, nullptr, number.data());
    launch(add_number, 1, 1, 0, blocking, number.data(), 1);
    int host = 0;
    check(cudaMemcpy(&host, number.data(), sizeof host, cudaMemcpyDeviceToHost), "copy");
    EXPECT_EQ(host, 5);
  });
}

TEST_F(Streams, FinishTheirWorkAfterTheyAreDestroyed) {
  DeviceArray<int> number({1}, stream);
  check(cudaStreamSynchronize(stream), "copy");
  cudaStream_t brief = nullptr;
  check(cudaStreamCreateWithPriority(&brief, cudaStreamNonBlocking, -1), "stream");
  int priority = 0;
  EXPECT_EQ(cudaStreamGetPriority(brief, &priority), cudaSuccess);
  EXPECT_EQ(priority, -1);
  launch(double_number, 1, 1, 0, brief, number.data());
  check(cudaStreamDestroy(brief), "stream");
  EXPECT_EQ(cudaStreamSynchronize(brief), cudaErrorInvalidResourceHandle);
  check(cudaDeviceSynchronize(), "end");
  EXPECT_EQ(number.host()[0], 2);
}

// ---- Copies

TEST_F(Streams, ReadPageableMemoryAtOnceAndPinnedMemoryLate) {
  void* memory = nullptr;
  check(cudaHostAlloc(&memory, sizeof(int), cudaHostAllocDefault), "pinned");
  auto* const pinned = static_cast<int*>(memory);
  int pageable = 1;
  *pinned = 1;
  DeviceArray<int> first(1, stream), second(1, stream);
  constexpr auto kKind = cudaMemcpyHostToDevice;
  check(cudaMemcpyAsync(first.data(), &pageable, sizeof(int), kKind, stream), "copy");
  check(cudaMemcpyAsync(second.data(), pinned, sizeof(int), kKind, stream), "copy");
  pageable = *pinned = 2;
  EXPECT_EQ(first.host()[0], 1);
  EXPECT_EQ(second.host()[0], 2);
  cudaPointerAttributes attributes;
  EXPECT_EQ(cudaPointerGetAttributes(&attributes, pinned), cudaSuccess);
  EXPECT_EQ(attributes.type, cudaMemoryTypeHost);
  EXPECT_EQ(cudaPointerGetAttributes(&attributes, &pageable), cudaSuccess);
  EXPECT_EQ(attributes.type, cudaMemoryTypeUnregistered);
  check(cudaFreeHost(pinned), "pinned");
}

TEST_F(Streams, NoticeCopiesOfMemoryThatIsGone) {
  void* memory = nullptr;
  check(cudaMallocHost(&memory, sizeof(int)), "pinned");
  DeviceArray<int> number(1, stream);
  check(cudaMemcpyAsync(number.data(), memory, sizeof(int), cudaMemcpyHostToDevice, stream), "");
  check(cudaFreeHost(memory), "pinned");
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorIllegalAddress);
  EXPECT_NE(last_failure().find("after its memory was freed"), std::string::npos);
  reset();
}

TEST_F(Streams, MemoryBeginsUninitialised) {
  DeviceArray<int> number(2, stream);
  EXPECT_EQ(number.host(), (std::vector<int>{-1, -1}));
}

// ---- Host functions and threads

TEST_F(Streams, CallHostFunctionsInTheirTurn) {
  struct Seen {
    int* number;
    int value = 0;
    cudaError_t error = cudaSuccess;
  };
  DeviceArray<int> number({1}, stream);
  int host = 0;
  Seen seen{&host};
  launch(double_number, 1, 1, 0, stream, number.data());
  check(cudaMemcpyAsync(&host, number.data(), sizeof host, cudaMemcpyDeviceToHost, stream), "");
  check(cudaLaunchHostFunc(
            stream,
            [](void* data) {
              auto& s = *static_cast<Seen*>(data);
              s.value = *s.number;
              s.error = cudaDeviceSynchronize();  // not allowed here
            },
            &seen),
        "host function");
  EXPECT_EQ(seen.value, 0);
  check(cudaStreamSynchronize(stream), "end");
  EXPECT_EQ(seen.value, 2);
  EXPECT_EQ(seen.error, cudaErrorNotPermitted);
}

TEST_F(Streams, ServeManyThreads) {
  std::vector<int> results(4);
  std::vector<std::thread> threads;
  for (int& result : results) {
    threads.emplace_back([&] {
      cudaStream_t own = nullptr;
      check(cudaStreamCreateWithFlags(&own, cudaStreamNonBlocking), "stream");
      {
        DeviceArray<int> number({0}, own);
        for (int i = 0; i < 20; ++i) launch(add_number, 1, 1, 0, own, number.data(), i);
        result = number.host()[0];
      }
      check(cudaStreamDestroy(own), "stream");
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(results, std::vector<int>(4, 190));
}

}  // namespace
}  // namespace entasis::emulation
