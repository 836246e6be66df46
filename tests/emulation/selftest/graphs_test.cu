// The fake runtime's capture of streams and its graphs: what is recorded, what is replayed, and
// what CUDA forbids meanwhile.
#include <thread>
#include <vector>

#include "runtime_case.h"

namespace entasis::emulation {
namespace {

using cuda::check;
using cuda::launch;

class Graphs : public RuntimeCase {
 protected:
  void begin(cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal) {
    check(cudaStreamBeginCapture(stream, mode), "capture");
  }
  cudaGraphExec_t end() {
    cudaGraph_t graph = nullptr;
    check(cudaStreamEndCapture(stream, &graph), "capture");
    cudaGraphExec_t instance = nullptr;
    check(cudaGraphInstantiate(&instance, graph, 0), "graph");
    check(cudaGraphDestroy(graph), "graph");
    return instance;
  }
  // Ends a capture that something has spoilt.
  void expect_spoilt() {
    cudaStreamCaptureStatus status;
    EXPECT_EQ(cudaStreamIsCapturing(stream, &status), cudaSuccess);
    EXPECT_EQ(status, cudaStreamCaptureStatusInvalidated);
    cudaGraph_t graph = nullptr;
    EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
    EXPECT_EQ(graph, nullptr);
    EXPECT_EQ(cudaStreamIsCapturing(stream, &status), cudaSuccess);
    EXPECT_EQ(status, cudaStreamCaptureStatusNone);
  }
};

TEST_F(Graphs, RecordNowAndRunOnReplay) {
  DeviceArray<int> number({1}, stream);
  begin();
  launch(add_number, 1, 1, 0, stream, number.data(), 1);
  launch(double_number, 1, 1, 0, stream, number.data());
  const cudaGraphExec_t instance = end();
  EXPECT_EQ(number.host()[0], 1);
  for (int i = 0; i < 3; ++i) check(cudaGraphLaunch(instance, stream), "replay");
  check(cudaGraphExecDestroy(instance), "graph");  // replays go on
  EXPECT_EQ(number.host()[0], 22);
  EXPECT_EQ(launched_kernels().size(), 2u);
}

TEST_F(Graphs, ReplayCopiesFromWhereTheyWereCaptured) {
  void* memory = nullptr;
  check(cudaMallocHost(&memory, sizeof(int)), "pinned");
  auto* const pinned = static_cast<int*>(memory);
  DeviceArray<int> number({0}, stream), sum({0}, stream);
  begin();
  check(cudaMemcpyAsync(number.data(), pinned, sizeof(int), cudaMemcpyHostToDevice, stream), "");
  launch(add_numbers, 1, 1, 0, stream, sum.data(), number.data());
  const cudaGraphExec_t instance = end();
  for (const int value : {5, 7}) {
    *pinned = value;
    check(cudaGraphLaunch(instance, stream), "replay");
    check(cudaStreamSynchronize(stream), "replay");
  }
  EXPECT_EQ(sum.host()[0], 12);
  check(cudaGraphExecDestroy(instance), "graph");
  check(cudaFreeHost(memory), "pinned");
}

TEST_F(Graphs, ForkAndJoinByEvents) {
  const cudaStream_t other = make_stream();
  const cudaEvent_t fork = make_event(), join = make_event();
  in_many_orders([&] {
    DeviceArray<int> a({1}, stream), b({10}, stream), sum({0}, stream);
    begin();
    launch(double_number, 1, 1, 0, stream, a.data());
    check(cudaEventRecord(fork, stream), "fork");
    check(cudaStreamWaitEvent(other, fork, 0), "fork");
    cudaStreamCaptureStatus status;
    EXPECT_EQ(cudaStreamIsCapturing(other, &status), cudaSuccess);
    EXPECT_EQ(status, cudaStreamCaptureStatusActive);
    launch(add_numbers, 1, 1, 0, other, b.data(), a.data());
    launch(add_number, 1, 1, 0, stream, sum.data(), 100);
    check(cudaEventRecord(join, other), "join");
    check(cudaStreamWaitEvent(stream, join, 0), "join");
    launch(add_numbers, 1, 1, 0, stream, sum.data(), b.data());
    const cudaGraphExec_t instance = end();
    EXPECT_EQ(cudaStreamIsCapturing(other, &status), cudaSuccess);
    EXPECT_EQ(status, cudaStreamCaptureStatusNone);
    check(cudaGraphLaunch(instance, stream), "replay");
    check(cudaGraphLaunch(instance, stream), "replay");
    // b: 12, then 16; sum: 112, then 228.
    EXPECT_EQ(sum.host()[0], 228);
    check(cudaGraphExecDestroy(instance), "graph");
  });
}

TEST_F(Graphs, TellOfACaptureInProgress) {
  DeviceArray<int> number({0}, stream);
  check(cudaStreamSynchronize(stream), "copy");
  cudaStreamCaptureStatus status;
  unsigned long long first = 0, second = 0;
  cudaGraph_t graph = nullptr;
  const cudaGraphNode_t* nodes = nullptr;
  size_t count = 0;
  begin();
  launch(double_number, 1, 1, 0, stream, number.data());
  launch(double_number, 1, 1, 0, stream, number.data());
  check(cudaStreamGetCaptureInfo(stream, &status, &first, &graph, &nodes, nullptr, &count), "");
  EXPECT_EQ(status, cudaStreamCaptureStatusActive);
  EXPECT_EQ(count, 1u);
  size_t all = 0;
  EXPECT_EQ(cudaGraphGetNodes(graph, nullptr, &all), cudaSuccess);
  EXPECT_EQ(all, 2u);
  check(cudaGraphExecDestroy(end()), "graph");
  begin();
  check(cudaStreamGetCaptureInfo(stream, &status, &second, nullptr, nullptr, nullptr, nullptr), "");
  EXPECT_NE(first, second);
  check(cudaGraphExecDestroy(end()), "graph");
  check(cudaStreamGetCaptureInfo(stream, &status, &second, nullptr, nullptr, nullptr, nullptr), "");
  EXPECT_EQ(status, cudaStreamCaptureStatusNone);
}

// ---- What is forbidden

TEST_F(Graphs, AreSpoiltByWaiting) {
  begin();
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorStreamCaptureUnsupported);
  expect_spoilt();
  begin();
  EXPECT_EQ(cudaStreamQuery(stream), cudaErrorStreamCaptureUnsupported);
  expect_spoilt();
  begin();
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorStreamCaptureUnsupported);
  expect_spoilt();
  begin(cudaStreamCaptureModeRelaxed);  // which still forbids to wait for the stream itself
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorStreamCaptureUnsupported);
  expect_spoilt();
}

TEST_F(Graphs, AreSpoiltByAllocation) {
  void* memory = nullptr;
  begin();
  EXPECT_EQ(cudaMalloc(&memory, 4), cudaErrorStreamCaptureUnsupported);
  expect_spoilt();
  // A thread may say that it knows what it does.
  begin();
  cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed;
  check(cudaThreadExchangeStreamCaptureMode(&mode), "mode");
  EXPECT_EQ(mode, cudaStreamCaptureModeGlobal);
  EXPECT_EQ(cudaMalloc(&memory, 4), cudaSuccess);
  check(cudaThreadExchangeStreamCaptureMode(&mode), "mode");
  check(cudaGraphExecDestroy(end()), "graph");
  EXPECT_EQ(cudaFree(memory), cudaSuccess);
}

TEST_F(Graphs, OfOneThreadAreSpoiltByAnotherUnlessLocal) {
  const auto allocate_elsewhere = [] {
    cudaError_t error = cudaSuccess;
    std::thread([&] {
      void* memory = nullptr;
      error = cudaMalloc(&memory, 4);
      (void)cudaFree(memory);
    }).join();
    return error;
  };
  begin(cudaStreamCaptureModeGlobal);
  EXPECT_EQ(allocate_elsewhere(), cudaErrorStreamCaptureUnsupported);
  expect_spoilt();
  begin(cudaStreamCaptureModeThreadLocal);
  EXPECT_EQ(allocate_elsewhere(), cudaSuccess);
  check(cudaGraphExecDestroy(end()), "graph");
  begin(cudaStreamCaptureModeThreadLocal);
  cudaError_t error = cudaSuccess;
  std::thread([&] {
    cudaGraph_t graph = nullptr;
    error = cudaStreamEndCapture(stream, &graph);
  }).join();
  EXPECT_EQ(error, cudaErrorStreamCaptureWrongThread);
  check(cudaGraphExecDestroy(end()), "graph");
}

TEST_F(Graphs, DoNotWaitForWorkOutside) {
  const cudaStream_t other = make_stream();
  const cudaEvent_t event = make_event();
  check(cudaEventRecord(event, other), "record");
  begin();
  EXPECT_EQ(cudaStreamWaitEvent(stream, event, 0), cudaErrorStreamCaptureIsolation);
  expect_spoilt();
}

TEST_F(Graphs, KeepTheirEventsToThemselves) {
  const cudaEvent_t event = make_event();
  begin();
  check(cudaEventRecord(event, stream), "record");
  EXPECT_EQ(cudaEventQuery(event), cudaErrorStreamCaptureUnsupported);
  expect_spoilt();
  EXPECT_EQ(cudaEventQuery(event), cudaErrorCapturedEvent);
  EXPECT_EQ(cudaEventSynchronize(event), cudaErrorCapturedEvent);
  EXPECT_EQ(cudaStreamWaitEvent(stream, event, 0), cudaErrorCapturedEvent);
  check(cudaEventRecord(event, stream), "record");
  EXPECT_EQ(cudaEventSynchronize(event), cudaSuccess);
}

TEST_F(Graphs, AreNotMerged) {
  const cudaStream_t other = make_stream();
  const cudaEvent_t event = make_event();
  begin();
  check(cudaStreamBeginCapture(other, cudaStreamCaptureModeGlobal), "capture");
  check(cudaEventRecord(event, other), "record");
  EXPECT_EQ(cudaStreamWaitEvent(stream, event, 0), cudaErrorStreamCaptureMerge);
  expect_spoilt();
  cudaGraph_t graph = nullptr;
  EXPECT_EQ(cudaStreamEndCapture(other, &graph), cudaErrorStreamCaptureInvalidated);
}

TEST_F(Graphs, EndWhereTheyBeganWithAllJoined) {
  DeviceArray<int> number({0}, stream);
  check(cudaStreamSynchronize(stream), "copy");
  const cudaStream_t other = make_stream();
  const cudaEvent_t fork = make_event();
  cudaGraph_t graph = nullptr;
  EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaErrorIllegalState);
  begin();
  EXPECT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaErrorIllegalState);
  check(cudaEventRecord(fork, stream), "fork");
  check(cudaStreamWaitEvent(other, fork, 0), "fork");
  launch(double_number, 1, 1, 0, other, number.data());
  EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureUnjoined);
  begin();
  check(cudaEventRecord(fork, stream), "fork");
  check(cudaStreamWaitEvent(other, fork, 0), "fork");
  EXPECT_EQ(cudaStreamEndCapture(other, &graph), cudaErrorStreamCaptureUnmatched);
  expect_spoilt();
}

TEST_F(Graphs, KeepTheDefaultStreamOut) {
  EXPECT_EQ(cudaStreamBeginCapture(nullptr, cudaStreamCaptureModeGlobal),
            cudaErrorStreamCaptureUnsupported);
  const cudaStream_t blocking = make_stream(cudaStreamDefault);
  DeviceArray<int> number({0}, stream);
  check(cudaStreamSynchronize(stream), "copy");
  check(cudaStreamBeginCapture(blocking, cudaStreamCaptureModeRelaxed), "capture");
  EXPECT_EQ(cudaMemsetAsync(number.data(), 0, sizeof(int), nullptr),
            cudaErrorStreamCaptureImplicit);
  EXPECT_EQ(cudaMemsetAsync(number.data(), 0, sizeof(int), stream), cudaSuccess);
  cudaGraph_t graph = nullptr;
  check(cudaStreamEndCapture(blocking, &graph), "capture");
  check(cudaGraphDestroy(graph), "graph");
  EXPECT_EQ(cudaMemsetAsync(number.data(), 0, sizeof(int), nullptr), cudaSuccess);
}

}  // namespace
}  // namespace entasis::emulation
