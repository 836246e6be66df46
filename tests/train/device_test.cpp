// The choice of a device by name, on machines with a GPU and without.
#include <entasis/train/device.h>

#include <string>

#include <gtest/gtest.h>

#include <entasis/core/backend.h>
#include <entasis/core/error.h>

namespace entasis::train {
namespace {

bool has_gpu() { return device_count(DeviceType::kCUDA) > 0; }

TEST(ChooseDevice, ByName) {
  EXPECT_EQ(choose_device("cpu"), kCPU);
  EXPECT_EQ(choose_device("auto"), has_gpu() ? Device(DeviceType::kCUDA, 0) : kCPU);
  for (const char* bad : {"", "gpu", "CPU", "cuda:", "cuda:-1", "cpu:0x", "meta"}) {
    EXPECT_THROW(choose_device(bad), ValueError) << bad;
  }
  EXPECT_THROW(choose_device("cpu:1"), DeviceError);
  EXPECT_THROW(choose_device("cuda:255"), DeviceError);
}

TEST(ChooseDevice, SaysWhyThereIsNoGpu) {
  EXPECT_EQ(why_no_cuda().empty(), has_gpu());
  if (has_gpu()) GTEST_SKIP() << "this machine has a CUDA device";
  try {
    choose_device("cuda");
    ADD_FAILURE() << "no error";
  } catch (const DeviceError& error) {
    EXPECT_EQ(std::string(error.what()), "no CUDA device: " + why_no_cuda());
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
  }
}

TEST(DescribeDevice, NamesTheProcessor) {
  const std::string text = describe_device(kCPU);
  EXPECT_EQ(text.substr(0, 5), "cpu, ");
  EXPECT_GT(text.size(), 5u);
}

}  // namespace
}  // namespace entasis::train
