// Keys and cache of the plans of CUDA's libraries; needs neither CUDA nor a GPU.
#include <atomic>
#include <functional>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <entasis/backends/cuda/blas.h>
#include <entasis/backends/cuda/dnn.h>
#include <entasis/backends/cuda/internal/plan_cache.h>

namespace entasis::cuda {
namespace {

Gemm some_gemm() {
  Gemm g;
  g.m = 12;
  g.n = 24;
  g.k = 36;
  g.lda = 36;
  g.ldb = g.ldc = 24;
  return g;
}

TEST(CudaPlans, EveryFieldOfAGemmIsInItsKey) {
  const std::vector<std::function<void(Gemm&)>> changes = {
      [](Gemm& g) { g.m = 13; },
      [](Gemm& g) { g.n = 13; },
      [](Gemm& g) { g.k = 13; },
      [](Gemm& g) { g.batches = 2; },
      [](Gemm& g) { g.lda = 40; },
      [](Gemm& g) { g.ldb = 40; },
      [](Gemm& g) { g.ldc = 40; },
      [](Gemm& g) { g.a_batch_stride = 8; },
      [](Gemm& g) { g.b_batch_stride = 8; },
      [](Gemm& g) { g.c_batch_stride = 8; },
      [](Gemm& g) { g.dtype = kF64; },
      [](Gemm& g) { g.dtype = kBF16; },
      [](Gemm& g) { g.epilogue = Epilogue::kBias; },
      [](Gemm& g) { g.epilogue = Epilogue::kColumnSumsB; },
      [](Gemm& g) { g.a_transposed = true; },
      [](Gemm& g) { g.b_transposed = true; },
      [](Gemm& g) { g.accumulate = true; },
      [](Gemm& g) { g.tf32 = true; },
  };
  std::set<GemmKey> keys{key_of(some_gemm(), 16), key_of(some_gemm(), 8)};
  EXPECT_EQ(keys.size(), 2u);
  for (const auto& change : changes) {
    Gemm g = some_gemm();
    change(g);
    EXPECT_FALSE(g == some_gemm());
    EXPECT_TRUE(keys.insert(key_of(g, 16)).second);
  }
  EXPECT_EQ(key_of(some_gemm(), 16), key_of(some_gemm(), 16));
}

TEST(CudaPlans, EveryFieldOfAConvolutionIsInItsKey) {
  Convolution base;
  base.input_shape = {2, 4, 8, 8};
  base.weight_shape = {6, 4, 3, 3};
  base.output_shape = {2, 6, 6, 6};
  std::set<ConvolutionKey> keys{key_of(base)};
  const auto differs = [&](const Convolution& c) {
    EXPECT_FALSE(c == base);
    EXPECT_TRUE(keys.insert(key_of(c)).second);
  };
  for (auto shape :
       {&Convolution::input_shape, &Convolution::weight_shape, &Convolution::output_shape}) {
    for (size_t d = 0; d < 4; ++d) {
      Convolution c = base;
      (c.*shape)[d] = 17;
      differs(c);
    }
  }
  for (auto pair : {&Convolution::stride, &Convolution::padding, &Convolution::dilation}) {
    for (size_t d = 0; d < 2; ++d) {
      Convolution c = base;
      (c.*pair)[d] = 5;
      differs(c);
    }
  }
  Convolution c = base;
  c.dtype = kF16;
  differs(c);
  c = base;
  c.pass = ConvolutionPass::kWeightGradient;
  differs(c);
  c = base;
  c.activation = Activation::kRelu;
  differs(c);
  for (auto flag : {&Convolution::channels_last, &Convolution::bias, &Convolution::tf32}) {
    c = base;
    c.*flag = true;
    differs(c);
  }
}

TEST(CudaPlans, ShapesOfAModelDoNotShareAHash) {
  std::set<size_t> hashes;
  size_t keys = 0;
  for (int64_t m = 1; m <= 64; m *= 2) {
    for (int64_t n = 64; n <= 8192; n += 64) {
      Gemm g = some_gemm();
      g.m = m;
      g.n = g.ldb = g.ldc = n;
      hashes.insert(PlanKeyHash()(key_of(g, 16)));
      ++keys;
    }
  }
  EXPECT_EQ(hashes.size(), keys);
}

TEST(CudaPlans, AlignmentIsThatOfTheWorstAddressOrStep) {
  Gemm g = some_gemm();  // steps of 36 and 24 floats: 16 bytes
  alignas(16) static char memory[64];
  const GemmOperands aligned{memory, memory + 16, memory + 32, nullptr, nullptr};
  EXPECT_EQ(alignment_of(g, aligned), 16);
  GemmOperands o = aligned;
  o.b = memory + 4;
  EXPECT_EQ(alignment_of(g, o), 4);
  o = aligned;
  o.bias = memory + 8;
  EXPECT_EQ(alignment_of(g, o), 8);
  g.dtype = kF16;  // 36 halves: 72 bytes
  EXPECT_EQ(alignment_of(g, aligned), 8);
  g.b_batch_stride = 25;
  EXPECT_EQ(alignment_of(g, aligned), 2);
}

TEST(CudaPlans, RowsOfAuxAreWhatTheLibraryAsksFor) {
  Gemm g = some_gemm();
  g.n = 129;
  EXPECT_EQ(aux_bytes(g), 0u);
  g.epilogue = Epilogue::kReluBiasKeep;
  EXPECT_EQ(aux_stride(g), 256);
  EXPECT_EQ(aux_bytes(g), size_t(12 * 256 / 8));
  g.epilogue = Epilogue::kGeluGrad;
  EXPECT_EQ(aux_stride(g), 136);
  EXPECT_EQ(aux_bytes(g), size_t(12 * 136 * 4));
}

using Key = PlanKey<1>;

TEST(PlanCache, MakesAPlanOnce) {
  PlanCache<Key, int> cache;
  int made = 0;
  const auto make = [&] { return std::make_shared<int>(++made); };
  const auto first = cache.find({1}, make);
  EXPECT_EQ(cache.find({1}, make), first);
  EXPECT_NE(cache.find({2}, make), first);
  EXPECT_EQ(made, 2);
}

TEST(PlanCache, KeepsNothingOfAFailure) {
  PlanCache<Key, int> cache;
  const auto fail = []() -> std::shared_ptr<int> { throw std::runtime_error("no"); };
  EXPECT_THROW(cache.find({1}, fail), std::runtime_error);
  EXPECT_EQ(cache.size(), 0u);
  EXPECT_EQ(*cache.find({1}, [] { return std::make_shared<int>(7); }), 7);
}

TEST(PlanCache, StaysBounded) {
  using Cache = PlanCache<Key, int>;
  Cache cache;
  const auto first = cache.find({0}, [] { return std::make_shared<int>(0); });
  for (int64_t i = 1; i <= int64_t(Cache::kMaxPlans); ++i) {
    cache.find({i}, [&] { return std::make_shared<int>(int(i)); });
  }
  EXPECT_LE(cache.size(), Cache::kMaxPlans);
  EXPECT_EQ(*first, 0);  // plans in use outlive the cache's
}

TEST(PlanCache, ServesThreadsAtOnce) {
  PlanCache<Key, int64_t> cache;
  std::atomic<int> made{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int64_t i = 0; i < 200; ++i) {
        const auto plan = cache.find({i}, [&] {
          ++made;
          return std::make_shared<int64_t>(i);
        });
        EXPECT_EQ(*plan, i);
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(made, 200);
}

}  // namespace
}  // namespace entasis::cuda
