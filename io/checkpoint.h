// Checkpoints: everything a training run needs to go on to the same bits, in one safetensors file.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <entasis/core/generator.h>
#include <entasis/core/named_tensors.h>

namespace entasis::io {

// Where the run stands in its data: batch `position` of epoch `epoch`, whose order `seed` gives;
// `step` counts optimizer steps over all epochs.
struct DataCursor {
  int64_t epoch = 0, step = 0, position = 0;
  uint64_t seed = 0;
  bool operator==(const DataCursor&) const = default;
};

struct Checkpoint {
  NamedTensors model;    // Module::state_dict()
  NamedState optimizer;  // Optimizer::state_dict()
  std::map<std::string, Generator::State> generators;
  DataCursor cursor;
  // The program's own options and figures.
  std::map<std::string, double> numbers;
  std::map<std::string, std::string> texts;
};

// Writes the file atomically. The model's tensors are named "model.…" in it, the optimizer's
// "optimizer.…"; the rest is metadata, numbers in full precision. Throws as save_safetensors.
ENTASIS_API void save_checkpoint(const std::string& path, const Checkpoint& checkpoint,
                                 Location at = {});

// Throws IoError naming the file and the entry if it is no safetensors file, no checkpoint, or
// lacks or has an entry that save_checkpoint() would not have written.
ENTASIS_API Checkpoint load_checkpoint(const std::string& path);

}  // namespace entasis::io
