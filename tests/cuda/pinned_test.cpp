// Pinned memory: what lies in it, copies that go on beside the host, blocks that come back. A copy
// here runs late: the host has gone on, freed its memory and taken new.
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <entasis/core/cuda_graph.h>
#include <entasis/core/error.h>
#include <entasis/core/stream.h>

#include "compare.h"

namespace entasis {
namespace {

using CudaPinned = CudaTest;

constexpr int64_t kSize = 3000;

Tensor pinned_full(double value, int64_t n = kSize) {
  return full({n}, value, TensorOptions(kF32).pinned());
}

TEST_F(CudaPinned, IsACopyOnceAndStaysTheSame) {
  const Tensor x = transpose(whole_numbers({7, 5}, kF32), 0, 1);
  const Tensor p = x.pin_memory();
  EXPECT_FALSE(x.is_pinned());
  EXPECT_TRUE(p.is_pinned());
  EXPECT_TRUE(p.device().is_cpu());
  EXPECT_EQ(p.strides(), x.strides());
  expect_same(p, x);
  EXPECT_TRUE(p.pin_memory().same(p));
  EXPECT_TRUE(slice(p, 0, 1, 3).is_pinned());
  EXPECT_TRUE(p.detach().is_pinned());
  EXPECT_FALSE(p.clone().is_pinned());
  EXPECT_FALSE(p.to(kCuda).is_pinned());
}

TEST_F(CudaPinned, FactoriesMakeIt) {
  const TensorOptions f32 = TensorOptions(kF32).pinned();
  for (const Tensor& t : {empty({3}, f32), zeros({3}, f32), arange(3, f32), randn({3}, f32),
                          eye(3, {}, f32), randperm(3, TensorOptions().pinned()),
                          from_data(std::vector<float>{1, 2}, {2}, f32), scalar_tensor(2, f32)}) {
    EXPECT_TRUE(t.is_pinned());
  }
  EXPECT_TRUE(zeros({0}, f32).is_pinned());
  EXPECT_EQ(full({2}, 3, f32).sum().item(), 6);
  EXPECT_EQ(from_data(std::vector<double>{1, 2}, {2}, f32).sum().item(), 3);
}

TEST_F(CudaPinned, OtherDevicesHaveNone) {
  EXPECT_THROW(ramp(3).pin_memory(), DeviceError);
  EXPECT_THROW(zeros({3}, TensorOptions(kCuda).pinned()), DeviceError);
  EXPECT_THROW(to_device(ones({3}), kMeta).pin_memory(), DeviceError);
}

TEST_F(CudaPinned, ThereIsAnEndToIt) {
  try {
    empty({int64_t{1} << 44}, TensorOptions(kF64).pinned());
    FAIL() << "no error";
  } catch (const OutOfMemoryError& error) {
    EXPECT_EQ(std::string(error.what()).find("empty: no 134217728.00 MiB of pinned memory"), 0u)
        << error.what();
  }
}

TEST_F(CudaPinned, ComesAndGoesBesideTheHost) {
  manual_seed(1);
  for (const DType dtype : kAllDTypes) {
    const Tensor x = transpose(whole_numbers({300, 70}, kF32).to(dtype), 0, 1);
    const Tensor there = x.pin_memory().to(kCuda, true);
    const Tensor home = there.to(kCPU, true);
    EXPECT_TRUE(home.is_pinned());
    synchronize(kCuda);
    expect_same(there, x);
    expect_same(home, x);
  }
  EXPECT_EQ(zeros({0, 3}).pin_memory().to(kCuda, true).to(kCPU, true).numel(), 0);
}

TEST_F(CudaPinned, OtherMemoryIsReadAtOnce) {
  Tensor x = full({kSize}, 3.0);
  const Tensor unpinned = x.to(kCuda, true);
  Tensor p = pinned_full(4);
  const Tensor blocking = p.to(kCuda);
  x.fill_(-1);
  p.fill_(-1);
  EXPECT_EQ(to_vector(unpinned)[kSize - 1], 3);
  EXPECT_EQ(to_vector(blocking)[kSize - 1], 4);
}

TEST_F(CudaPinned, ABlockIsNotReusedWhileItIsRead) {
  for (int round = 0; round < 20; ++round) {
    Tensor p = pinned_full(round);
    const Tensor there = p.to(kCuda, true);
    p = {};
    const Tensor other = pinned_full(-1);
    ASSERT_EQ(to_vector(there), std::vector<float>(kSize, float(round))) << "round " << round;
  }
}

TEST_F(CudaPinned, ABlockIsNotReusedWhileItIsWritten) {
  const Tensor there = ramp(kSize);
  for (int round = 0; round < 20; ++round) {
    {
      const Tensor home = mul(there, 2).to(kCPU, true);
    }
    const Tensor other = pinned_full(-1);
    synchronize(kCuda);
    ASSERT_EQ(to_vector(other), std::vector<float>(kSize, -1)) << "round " << round;
  }
}

TEST_F(CudaPinned, ABlockWaitsForEveryStreamThatReadsIt) {
  for (int round = 0; round < 20; ++round) {
    std::vector<Tensor> copies;
    {
      const Tensor p = pinned_full(round);
      for (int i = 0; i < 3; ++i) {
        const StreamGuard guard{Stream(kCuda)};
        copies.push_back(p.to(kCuda, true));
      }
    }
    const Tensor other = pinned_full(-1);
    for (const Tensor& copy : copies) ASSERT_EQ(to_vector(copy)[kSize - 1], round);
  }
}

TEST_F(CudaPinned, ABlockThatIsDoneServesTheNextRequest) {
  const void* first = nullptr;
  {
    const Tensor p = pinned_full(1, 500'000);
    first = p.raw();
    p.to(kCuda, true);
  }
  synchronize(kCuda);
  EXPECT_EQ(pinned_full(2, 499'000).raw(), first);
  EXPECT_NE(memory_summary(kCuda).find("pinned"), std::string::npos);
  backend_of(DeviceType::kCUDA).release_cache(0);
  EXPECT_NE(memory_summary(kCuda).find("pinned      0.00 MiB of the host, with the cache 0.00 MiB"),
            std::string::npos)
      << memory_summary(kCuda);
}

TEST_F(CudaPinned, TheWayHomeWaitsForWritersElsewhere) {
  for (int round = 0; round < 20; ++round) {
    Tensor there = ramp(kSize);
    {
      const StreamGuard guard{Stream(kCuda)};
      there = mul(there, 2);
    }
    const Tensor home = there.to(kCPU, true);
    there.zero_();
    there = {};
    const Tensor other = ramp(kSize, -1);  // may lie where `there` lay
    Stream::current(kCuda).synchronize();
    ASSERT_EQ(to_vector(home)[kSize - 1], 2 * (kSize - 1)) << "round " << round;
  }
}

TEST_F(CudaPinned, CopyWritesIntoIt) {
  const Tensor x = whole_numbers({40, 30}, kF32);
  const Tensor there = x.to(kCuda);
  const TensorOptions f64 = TensorOptions(kF64).pinned();
  Tensor same = zeros({40, 30}, TensorOptions(kF32).pinned()), cast = zeros({40, 30}, f64),
         turned = zeros({30, 40}, f64), broadcast = zeros({2, 40, 30}, f64),
         part = zeros({50, 30}, f64), strided = zeros({40, 60}, f64);
  same.copy_(there, true);
  cast.copy_(there, true);
  turned.copy_(transpose(there, 0, 1), true);
  broadcast.copy_(there, true);
  slice(part, 0, 10, 50).copy_(there, true);
  slice(strided, 1, 0, 60, 2).copy_(there, true);  // waits: the host has to spread it
  Tensor plain = zeros({40, 30});
  plain.copy_(there, true);  // waits too
  expect_same(plain, x);
  expect_same(slice(strided, 1, 0, 60, 2).contiguous(), x.to(kF64));
  synchronize(kCuda);
  expect_same(same, x);
  expect_same(cast, x.to(kF64));
  expect_same(turned, transpose(x, 0, 1).to(kF64));
  expect_same(broadcast[1], x.to(kF64));
  expect_same(slice(part, 0, 10, 50), x.to(kF64));
  EXPECT_EQ(slice(part, 0, 0, 10).abs().sum().item(), 0);
}

TEST_F(CudaPinned, CopyReadsFromIt) {
  const Tensor x = whole_numbers({40, 30}, kF32).pin_memory();
  Tensor same = zeros({40, 30}, kCuda), cast = zeros({40, 30}, {kF64, kCuda}),
         turned = zeros({30, 40}, kCuda), part = zeros({20, 30}, kCuda);
  same.copy_(x, true);
  cast.copy_(x, true);
  turned.copy_(transpose(x, 0, 1), true);
  part.copy_(slice(x, 0, 20, 40), true);
  expect_same(same, x);
  expect_same(cast, x.to(kF64));
  expect_same(turned, transpose(x, 0, 1));
  expect_same(part, slice(x, 0, 20, 40));
}

TEST_F(CudaPinned, GradientsGoTheWayBack) {
  Tensor there = ramp(10).requires_grad_();
  const Tensor home = there.to(kCPU, true);
  synchronize(kCuda);
  sum(mul(home, home)).backward();
  expect_same(there.grad(), mul(ramp(10), 2).to(kCPU));

  Tensor here = pinned_full(3, 10).requires_grad_();
  mul(here.to(kCuda, true), 2).sum().backward();
  expect_same(here.grad(), full({10}, 2.0));

  Tensor x = ramp(10).requires_grad_();
  Tensor target = zeros({2, 10}, TensorOptions(kF64).pinned());
  target.copy_(x, true);
  synchronize(kCuda);
  target.sum().backward();
  expect_same(x.grad(), full({10}, 2.0));
}

// Four streams bring values to the device, work there and fetch results, all of it unwaited for.
TEST_F(CudaPinned, RandomProgramsGiveWhatTheHostExpects) {
  std::mt19937 random(11);
  const auto pick = [&](int n) { return int(random() % unsigned(n)); };
  for (int program = 0; program < 15; ++program) {
    std::vector<Stream> streams;
    for (int i = 0; i < 4; ++i) streams.emplace_back(kCuda, i % 2 == 1);
    std::vector<Tensor> device;
    std::vector<float> value(4, 0);
    for (int i = 0; i < 4; ++i) device.push_back(zeros({kSize}, kCuda));
    std::vector<std::pair<Tensor, float>> fetched;
    for (int step = 0; step < 60; ++step) {
      const StreamGuard guard(streams[size_t(pick(4))]);
      const size_t at = size_t(pick(4)), other = size_t(pick(4));
      switch (pick(4)) {
        case 0:
          device[at] = pinned_full(step).to(kCuda, true);
          value[at] = float(step);
          break;
        case 1:
          device[at].copy_(pinned_full(-step), true);
          value[at] = float(-step);
          break;
        case 2:
          device[at] = sub(device[at], device[other]);
          value[at] = value[at] - value[other];
          break;
        default:
          fetched.emplace_back(device[at].to(kCPU, true), value[at]);
          if (pick(2) == 0) fetched.back() = {pinned_full(step), float(step)};
      }
    }
    synchronize(kCuda);
    for (const auto& [tensor, expected] : fetched) {
      ASSERT_EQ(to_vector(tensor), std::vector<float>(kSize, expected)) << "program " << program;
    }
  }
}

TEST_F(CudaPinned, GraphsCopyAtEachReplay) {
  Tensor in = pinned_full(0), out = pinned_full(0), there = zeros({kSize}, kCuda);
  CudaGraph graph;
  graph.capture([&] {
    there.copy_(in, true);
    out.copy_(mul(there, 2), true);
  });
  EXPECT_EQ(to_vector(out)[0], 0);
  for (int i = 1; i < 4; ++i) {
    in.fill_(i);
    graph.replay();
    Stream::current(kCuda).synchronize();
    EXPECT_EQ(to_vector(out), std::vector<float>(kSize, float(2 * i)));
  }
}

TEST_F(CudaPinned, AGraphKeepsItsBlocks) {
  auto graph = std::make_unique<CudaGraph>();
  Tensor there = zeros({kSize}, kCuda);
  {
    const Tensor in = pinned_full(5);
    graph->capture([&] {
      there.copy_(in, true);
      mul(there, 2).to(kCPU, true);  // nobody looks at it
    });
  }
  std::vector<Tensor> others;
  for (int i = 0; i < 5; ++i) others.push_back(pinned_full(-1));
  graph->replay();
  EXPECT_EQ(to_vector(there)[kSize - 1], 5);
  for (const Tensor& t : others) EXPECT_EQ(to_vector(t), std::vector<float>(kSize, -1));
  // Without the graph its blocks serve others, once the last replay is done.
  graph->replay();
  graph.reset();
  for (int i = 0; i < 5; ++i) others.push_back(pinned_full(-1));
  synchronize(kCuda);
  for (const Tensor& t : others) EXPECT_EQ(to_vector(t), std::vector<float>(kSize, -1));
}

TEST_F(CudaPinned, GraphsRefuseWhatTheHostWouldWaitFor) {
  const Tensor p = pinned_full(1), there = ramp(kSize);
  Tensor out = pinned_full(0);
  const auto refused = [](const auto& step, const std::string& op, int line) {
    CudaGraph graph;
    try {
      graph.capture(step);
      ADD_FAILURE() << "no error";
    } catch (const DeviceError& error) {
      const std::string text = error.what();
      EXPECT_EQ(text.find(op + ": this cannot be captured in a graph: "), 0u) << text;
      EXPECT_NE(text.find("non_blocking"), std::string::npos) << text;
      EXPECT_NE(text.find("pinned_test.cpp:" + std::to_string(line)), std::string::npos) << text;
    }
  };
  refused([&] { mul(p.to(kCuda), 2); }, "to_device", __LINE__);
  refused([&] { out.copy_(mul(there, 2)); }, "copy_", __LINE__);
  refused([&] { mul(there, 2).to(kCPU); }, "to_device", __LINE__);
  EXPECT_EQ(to_vector(add(there, 1))[0], 1);
}

}  // namespace
}  // namespace entasis
