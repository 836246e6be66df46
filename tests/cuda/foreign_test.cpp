// Memory that two libraries work on, each in streams of its own. The other library is played by
// tensors that look at the same memory and know nothing of each other.
#include <memory>
#include <vector>

#include <entasis/core/stream.h>

#include "device.h"

namespace entasis {
namespace {

using CudaForeign = CudaTest;

constexpr int64_t kSize = 3000;
constexpr int kRounds = 20;  // each in another order of the emulation's streams

Backend& backend() { return backend_of(DeviceType::kCUDA); }
Storage& storage_of(const Tensor& t) { return *t.impl()->storage; }

// The same memory as another library sees it.
Tensor seen_by_another(const Tensor& t, Storage::Deleter deleter = nullptr,
                       void* context = nullptr) {
  return from_blob(t.raw(), t.dtype(), t.shape(), t.strides(), deleter, context, kCuda);
}

TEST_F(CudaForeign, BlobsLieOnTheDevice) {
  const Tensor x = ramp(6);
  Tensor blob = from_blob(x.raw(), kF32, {2, 2}, Dims{3, 1}, nullptr, nullptr, kCuda);
  EXPECT_EQ(to_vector(blob), (std::vector<float>{0, 1, 3, 4}));
  blob.mul_(2);
  synchronize(kCuda);
  EXPECT_EQ(to_vector(x), (std::vector<float>{0, 2, 2, 6, 8, 5}));
}

TEST_F(CudaForeign, StreamsHaveHandles) {
  const Stream a(kCuda), b(kCuda);
  EXPECT_GT(a.native_handle(), 2u);
  EXPECT_NE(a.native_handle(), b.native_handle());
  EXPECT_EQ(Stream::current(kCPU).native_handle(), 0u);
}

TEST_F(CudaForeign, TheReceiverWaitsForWriters) {
  for (int round = 0; round < kRounds; ++round) {
    const Tensor x = mul(ramp(kSize), round);
    const Stream theirs(kCuda);
    backend().hand_over(storage_of(x), theirs.native_handle());
    Tensor read;
    {
      const StreamGuard guard(theirs);
      read = mul(seen_by_another(x), 1);
    }
    ASSERT_EQ(to_vector(read)[kSize - 1], round * (kSize - 1)) << "round " << round;
  }
}

TEST_F(CudaForeign, TheReceiverWaitsForReadersToo) {
  for (int round = 0; round < kRounds; ++round) {
    const Tensor x = ramp(kSize);
    Tensor read;
    {
      const StreamGuard guard{Stream(kCuda)};
      read = mul(x, 2);
    }
    const Stream theirs(kCuda);
    backend().hand_over(storage_of(x), theirs.native_handle());
    {
      const StreamGuard guard(theirs);
      seen_by_another(x).fill_(-1);
    }
    ASSERT_EQ(to_vector(read)[kSize - 1], 2 * (kSize - 1)) << "round " << round;
    theirs.synchronize();  // before `x` is freed
  }
}

TEST_F(CudaForeign, WhatComesBackIsWaitedFor) {
  for (int round = 0; round < kRounds; ++round) {
    const Tensor x = ramp(kSize);
    const Stream theirs(kCuda);
    backend().hand_over(storage_of(x), theirs.native_handle());
    {
      const StreamGuard guard(theirs);
      seen_by_another(x).fill_(round);
    }
    backend().take_over(storage_of(x), theirs.native_handle());
    Tensor read;
    {
      const StreamGuard guard{Stream(kCuda)};
      read = mul(x, 1);
    }
    ASSERT_EQ(to_vector(read)[0], round);
  }
}

// Their memory, which they change as soon as they have it back.
TEST_F(CudaForeign, BorrowedMemoryIsGivenBackWhenAllAreDone) {
  for (int round = 0; round < kRounds; ++round) {
    struct Owner {
      Tensor memory;
      bool has_it = false;
    } owner{ramp(kSize)};
    const auto take_back = [](void* context, void*) {
      auto& owner = *static_cast<Owner*>(context);
      owner.has_it = true;
      owner.memory.fill_(-1);
    };
    std::vector<Tensor> read;
    {
      const Tensor borrowed = seen_by_another(owner.memory, take_back, &owner);
      for (int i = 0; i < 2; ++i) {
        const StreamGuard guard{Stream(kCuda)};
        read.push_back(mul(borrowed, 2));
      }
    }
    for (const Tensor& r : read) ASSERT_EQ(to_vector(r)[kSize - 1], 2 * (kSize - 1));
    synchronize(kCuda);
    EXPECT_TRUE(owner.has_it);
  }
}

}  // namespace
}  // namespace entasis
