// Bugs planted on purpose, each beside its correct twin, to prove that the emulation and the
// sanitizers find them. The program runs one of them, once; see planted_test.cpp.
#pragma once

#include <vector>

#include <cuda_runtime_api.h>

namespace entasis::cuda {

struct PlantedBug {
  const char* name;
  // Runs the version with the bug or without; true if the result is right.
  bool (*run)(bool bug, cudaStream_t stream);
};

std::vector<PlantedBug> planted_in_blocks();   // barriers and shared memory
std::vector<PlantedBug> planted_in_warps();    // shuffles, masks
std::vector<PlantedBug> planted_in_memory();   // addresses
std::vector<PlantedBug> planted_in_streams();  // order of work

}  // namespace entasis::cuda
