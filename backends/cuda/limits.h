// Sizes of the tables of devices and streams.
#pragma once

namespace entasis::cuda {

inline constexpr int kMaxDevices = 16;
// A storage's mask of users has a bit for each stream of its device (rule 13).
inline constexpr int kMaxStreams = 64;

}  // namespace entasis::cuda
