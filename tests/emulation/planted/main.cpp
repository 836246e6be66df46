// planted_bugs NAME right|wrong: runs one planted bug, or its correct twin. Ends with 0 if the
// result is right, 1 if it is wrong, 2 if the device has failed; or as a sanitizer ends it.
#include <cstdio>
#include <string>

#include <entasis/backends/cuda/error.h>
#include <entasis/core/error.h>

#include "control.h"
#include "planted.h"

int main(int argc, char** argv) {
  using namespace entasis::cuda;
  std::vector<PlantedBug> bugs;
  for (const auto& some :
       {planted_in_blocks(), planted_in_warps(), planted_in_memory(), planted_in_streams()}) {
    bugs.insert(bugs.end(), some.begin(), some.end());
  }
  const std::string name = argc == 3 ? argv[1] : "";
  const std::string version = argc == 3 ? argv[2] : "";
  for (const PlantedBug& bug : bugs) {
    if (name != bug.name || (version != "right" && version != "wrong")) continue;
    try {
      cudaStream_t stream = nullptr;
      check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "stream");
      const bool right = bug.run(version == "wrong", stream);
      check(cudaDeviceSynchronize(), "end");
      check(cudaStreamDestroy(stream), "stream");
      if (!entasis::emulation::last_failure().empty()) return 2;
      if (!right) {
        std::fprintf(stderr, "wrong result\nENTASIS_EMULATION_ORDER=%s\n",
                     entasis::emulation::to_text(entasis::emulation::current_order()));
      }
      return right ? 0 : 1;
    } catch (const entasis::Error& error) {
      std::fprintf(stderr, "%s\n", error.what());
      return 2;
    }
  }
  std::fprintf(stderr, "usage: planted_bugs NAME right|wrong, where NAME is one of\n");
  for (const PlantedBug& bug : bugs) std::fprintf(stderr, "  %s\n", bug.name);
  return 64;
}
