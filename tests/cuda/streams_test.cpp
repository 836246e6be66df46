// Streams, events, and storages that go from one to another (rule 13).
#include <cstring>
#include <random>
#include <vector>

#include <entasis/core/error.h>
#include <entasis/core/stream.h>

#include "device.h"

namespace entasis {
namespace {

using CudaStreams = CudaTest;

TEST_F(CudaStreams, EachThreadStartsWithTheSameOne) {
  const Stream first = Stream::current(kCuda);
  const Stream side(kCuda);
  EXPECT_FALSE(side == first);
  {
    const StreamGuard guard(side);
    EXPECT_TRUE(Stream::current(kCuda) == side);
  }
  EXPECT_TRUE(Stream::current(kCuda) == first);
}

TEST_F(CudaStreams, ThePoolComesRound) {
  std::vector<StreamId> seen;
  for (int i = 0; i < 200; ++i) seen.push_back(Stream(kCuda).id());
  EXPECT_EQ(seen[0], seen[31]);
  EXPECT_NE(Stream(kCuda, true).id(), seen[0]);
}

TEST_F(CudaStreams, AResultOfOneIsReadByAnother) {
  const Tensor a = ramp(5000);
  Tensor b;
  {
    const StreamGuard guard{Stream(kCuda)};
    b = mul(a, 2);
  }
  EXPECT_EQ(to_vector(add(b, a))[4999], 3 * 4999);
}

TEST_F(CudaStreams, AWriteWaitsForReadersElsewhere) {
  Tensor a = ramp(5000);
  Tensor read;
  {
    const StreamGuard guard{Stream(kCuda)};
    read = mul(a, 1);
  }
  a.zero_();
  EXPECT_EQ(to_vector(read)[4999], 4999);
  EXPECT_EQ(to_vector(a)[4999], 0);
}

TEST_F(CudaStreams, AFreedTensorOutlivesItsReadersElsewhere) {
  for (int round = 0; round < 20; ++round) {
    Tensor read;
    {
      const Tensor a = ramp(3000);
      const StreamGuard guard{Stream(kCuda)};
      read = mul(a, 1);
    }
    const Tensor other = fill_(empty_strided(Spec::dense(kF32, {3000}), kCuda), Number(-1));
    ASSERT_EQ(to_vector(read)[2999], 2999) << "round " << round;
  }
}

// Random programs of four streams over six tensors, against the same program on the host.
TEST_F(CudaStreams, RandomProgramsGiveWhatOneStreamGives) {
  std::mt19937 random(7);
  const auto pick = [&](int n) { return int(random() % unsigned(n)); };
  for (int program = 0; program < 20; ++program) {
    std::vector<Stream> streams;
    for (int i = 0; i < 4; ++i) streams.emplace_back(kCuda, i % 2 == 1);
    std::vector<Tensor> device;
    std::vector<std::vector<float>> host;
    for (int i = 0; i < 6; ++i) {
      device.push_back(ramp(700, i + 1));
      host.push_back(to_vector(device.back()));
    }
    for (int step = 0; step < 40; ++step) {
      const StreamGuard guard(streams[size_t(pick(4))]);
      const size_t to = size_t(pick(6)), a = size_t(pick(6)), b = size_t(pick(6));
      const int kind = pick(3);
      if (kind == 0) {
        device[to] = mul(add(device[a], device[b]), 0.5);
      } else if (kind == 1) {
        device[to].add_(device[a]).mul_(0.5);
      } else {
        device[to].copy_(device[a]);
      }
      for (size_t i = 0; i < 700; ++i) {
        const float other = kind == 0 ? host[b][i] : host[to][i];
        host[to][i] = kind == 2 ? host[a][i] : (host[a][i] + other) * 0.5f;
      }
    }
    for (size_t i = 0; i < 6; ++i)
      ASSERT_EQ(to_vector(device[i]), host[i]) << "program " << program;
  }
}

TEST_F(CudaStreams, EventsOrderAndTellTime) {
  Event start(kCuda, true), end(kCuda, true);
  start.record();
  const Tensor a = mul(ramp(100000), 2);
  end.record();
  end.synchronize();
  EXPECT_TRUE(end.query());
  EXPECT_GE(start.milliseconds_to(end), 0);
  const Stream side(kCuda);
  end.wait(side);
  side.wait(Stream::current(kCuda));
  side.synchronize();
  EXPECT_TRUE(side.query());
}

TEST_F(CudaStreams, HostMemoryMayChangeAtOnceAfterACopy) {
  // 20 MiB: several pieces of the staging pool.
  Tensor source = full({5 << 20}, 3.0);
  const Tensor copy = source.to(kCuda);
  source.fill_(4);
  const Tensor second = source.to(kCuda);
  source.fill_(5);
  EXPECT_EQ(copy.to(kCPU).amax().item(), 3);
  EXPECT_EQ(second.to(kCPU).sum().item(), 4.0 * (5 << 20));
}

TEST_F(CudaStreams, WrongOnesAreRefused) {
  EXPECT_THROW(Stream(Device(DeviceType::kCUDA, 15)), DeviceError);
  EXPECT_THROW(Stream::current(kCPU).wait(Stream::current(kCuda)), DeviceError);
}

}  // namespace
}  // namespace entasis
