// What apply() does for devices with streams (rule 13) and with 0-d CPU tensors (rule 4), shown on
// a backend made for this test: host memory under the name of a device, with a stream that can be
// switched and a log of what it is asked.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <entasis/core/backend.h>
#include <entasis/core/error.h>
#include <entasis/core/kernels.h>
#include <entasis/core/row.h>
#include <entasis/core/stream.h>
#include <entasis/entasis.h>
#include <entasis/ops/copy_internal.h>

namespace entasis {
namespace {

constexpr Device kFake{DeviceType::kCUDA};

class FakeBackend final : public Backend {
 public:
  int device_count() const override { return 2; }
  DeviceProperties properties(int) const override { return {}; }
  DeviceMemory device_memory(int) const override { return {}; }
  void* allocate(size_t bytes, int, StreamId) override {
    live += bytes;
    return std::malloc(bytes);
  }
  void deallocate(void* data, size_t bytes, int, StreamId writer,
                  uint64_t users) noexcept override {
    live -= bytes;
    last_free = {writer, users};
    std::free(data);
  }
  void copy(void* to, Device, const void* from, Device, size_t bytes, StreamId, bool) override {
    std::memcpy(to, from, bytes);
  }
  void fill_zero(void* data, size_t bytes, int, StreamId) override { std::memset(data, 0, bytes); }
  StreamId current_stream(int) const override { return stream; }
  void use_on_stream(Storage& storage, StreamId by, bool) override {
    if (storage.last_writer == by) return;
    waits.push_back({storage.last_writer, by});
    storage.other_users |= uint64_t{1} << by;
  }
  MemoryStats memory_stats(int) const override { return {}; }
  void reset_peak_memory(int) override {}
  void release_cache(int) override {}

  StreamId stream = 1;
  size_t live = 0;
  std::vector<std::pair<StreamId, StreamId>> waits;
  std::pair<StreamId, uint64_t> last_free;
};

FakeBackend& fake() {
  static auto* backend = [] {
    auto* b = new FakeBackend;
    register_backend(DeviceType::kCUDA, b);
    return b;
  }();
  return *backend;
}

// Adds a number or a tensor, and remembers what it was given.
struct Plus {
  static constexpr const char* name = "test_plus";
  bool operator==(const Plus&) const = default;
};
bool second_was_number;

}  // namespace

template <>
struct Rule<Plus> {
  static Spec infer(const Plus&, Inputs in) { return in[0].tensor().spec(); }
};

namespace {

// A kernel for the fake device. (Its context is the CPU's: the fake has no handles.)
void plus_kernel(CpuContext&, const Plus&, Inputs in, Outputs out) {
  second_was_number = in[1].is_number();
  for (int64_t i = 0; i < out[0].numel(); ++i) {
    const float b = in[1].is_number() ? in[1].number().to<float>() : in[1].data<float>()[i];
    out[0].raw_as<float>()[i] = in[0].data<float>()[i] + b;
  }
}

// To the device, as its plugin would bring it.
void arrive(CpuContext&, const ToDevice&, Inputs in, Outputs out) {
  const Tensor& from = in[0].tensor();
  fake().copy(out[0].raw(), kFake, from.raw(), from.device(), size_t(from.numel()) * 4, 1, false);
}

constinit OpInfo* const plus_ops[] = {&op_info<Plus>};
constinit const RowList plus_list{{}, plus_ops};

class DeviceTest : public testing::Test {
 protected:
  void SetUp() override {
    static const bool done = [] {
      register_rows(plus_list);
      register_kernel<&plus_kernel>(DeviceType::kCUDA);
      register_kernel<&arrive>(DeviceType::kCUDA);
      return true;
    }();
    (void)done;
    fake().waits.clear();
    fake().stream = 1;
  }
  Tensor make(float value) {
    Tensor t = empty_strided(Spec::dense(kF32, {2}), kFake);
    for (int i = 0; i < 2; ++i) t.raw_as<float>()[i] = value;
    return t;
  }
};

TEST_F(DeviceTest, OneStreamNeedsNoWaits) {
  fake();
  const Tensor a = make(1), b = make(2);
  const Tensor y = apply(Plus{}, {}, a, b);
  EXPECT_TRUE(fake().waits.empty());
  EXPECT_EQ(y.impl()->storage->last_writer, 1u);
}

TEST_F(DeviceTest, AnotherStreamWaitsForTheLastWriterAndIsRemembered) {
  fake();
  const Tensor a = make(1);
  fake().stream = 3;
  const Tensor b = make(2);
  const Tensor y = apply(Plus{}, {}, a, b);
  using Wait = std::pair<StreamId, StreamId>;
  EXPECT_EQ(fake().waits, (std::vector<Wait>{{1, 3}}));
  EXPECT_EQ(a.impl()->storage->other_users, uint64_t{1} << 3);
  EXPECT_EQ(y.impl()->storage->last_writer, 3u);
}

TEST_F(DeviceTest, FreeingTellsTheBackendWhoStillUsesTheBlock) {
  fake();
  {
    const Tensor a = make(1);
    fake().stream = 2;
    apply(Plus{}, {}, a, make(1));
  }
  EXPECT_EQ(fake().last_free.first, 1u);
  EXPECT_EQ(fake().last_free.second, uint64_t{1} << 2);
  EXPECT_EQ(fake().live, 0u);
}

TEST_F(DeviceTest, ZeroDimensionalCpuTensorsArriveAsNumbers) {
  fake();
  const Tensor y = apply(Plus{}, {}, make(1), scalar_tensor(4.0));
  EXPECT_TRUE(second_was_number);
  EXPECT_EQ(y.raw_as<float>()[1], 5);
  EXPECT_THROW(apply(Plus{}, {}, make(1), ones({2})), DeviceError);
}

TEST_F(DeviceTest, ItemAndCopiesCrossDevices) {
  fake();
  const Tensor a = make(7);
  EXPECT_EQ(a.select(0, 1).item(), 7);
  EXPECT_THROW(a.data<float>(), DeviceError);
  const Tensor home = a.to(kCPU);
  EXPECT_EQ(home.data<float>()[0], 7);
  EXPECT_EQ(home.to(kFake).to(kCPU).data<float>()[1], 7);
}

TEST_F(DeviceTest, DevicesAreChecked) {
  fake();
  EXPECT_EQ(device_count(DeviceType::kCUDA), 2);
  EXPECT_THROW(check_device(Device(DeviceType::kCUDA, 2)), DeviceError);
  EXPECT_THROW(ones({2}).to(Device(DeviceType::kCUDA, 5)), DeviceError);
  EXPECT_EQ(to_string(Device::parse("cuda:1")), "cuda:1");
  EXPECT_THROW(Device::parse("gpu"), ValueError);
  EXPECT_THROW(Device::parse("cuda:x"), ValueError);
}

TEST_F(DeviceTest, ANameWithoutANumberIsTheCurrentDeviceOfTheThread) {
  fake();
  const Device second(DeviceType::kCUDA, 1);
  EXPECT_EQ(current_device(DeviceType::kCUDA), kFake);
  {
    const DeviceGuard guard(second);
    EXPECT_EQ(current_device(DeviceType::kCUDA), second);
    EXPECT_EQ(Device::parse("cuda"), second);
    EXPECT_EQ(Device::parse("cuda:0"), kFake);
    EXPECT_EQ(Device::parse("cpu"), kCPU);
    {
      const DeviceGuard inner(kFake);
      EXPECT_EQ(Device::parse("cuda"), kFake);
    }
    EXPECT_EQ(Device::parse("cuda"), second);
    Device elsewhere = second;
    std::thread([&] { elsewhere = Device::parse("cuda"); }).join();
    EXPECT_EQ(elsewhere, kFake);
    EXPECT_THROW(DeviceGuard(Device(DeviceType::kCUDA, 2)), DeviceError);
    EXPECT_THROW(set_current_device(Device(DeviceType::kCUDA, 2)), DeviceError);
    EXPECT_EQ(current_device(DeviceType::kCUDA), second);
  }
  EXPECT_EQ(Device::parse("cuda"), kFake);
  {
    const StreamGuard guard{Stream(second)};
    EXPECT_EQ(current_device(DeviceType::kCUDA), second);
  }
  set_current_device(second);
  EXPECT_EQ(Device::parse("cuda"), second);
  set_current_device(kFake);
  EXPECT_EQ(Device::parse("cuda"), kFake);
}

TEST_F(DeviceTest, AKernelThatIsMissingThereIsNamed) {
  fake();
  try {
    exp(make(1));
    FAIL();
  } catch (const DeviceError& error) {
    EXPECT_EQ(std::string(error.what()),
              "exp: no kernel for device cuda:0 — device_test.cpp:" + std::to_string(__LINE__ - 4));
  }
}

}  // namespace
}  // namespace entasis
