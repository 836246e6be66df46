// The device a program runs on, by the name that its user gave, and why there is no other.
#pragma once

#include <string>
#include <string_view>

#include <entasis/core/device.h>
#include <entasis/core/export.h>

namespace entasis::train {

// "auto" is the first GPU if there is one, else the CPU; else a device's own name: "cpu", "cuda",
// "cuda:1". Throws ValueError for another name and DeviceError, in one line that says what is
// missing, if there is no such device.
ENTASIS_API Device choose_device(std::string_view name);

// What keeps this process from using a CUDA device; empty if there is one.
ENTASIS_API std::string why_no_cuda();

// "cpu, AMD EPYC 9654" or "cuda:0, NVIDIA H200".
ENTASIS_API std::string describe_device(Device device);

}  // namespace entasis::train
