// The options of a run, complete.
#pragma once

#include <cstdint>
#include <string>

#include <entasis/core/device.h>
#include <entasis/io/checkpoint.h>

#include "command_line.h"

struct Options {
  std::string data;  // empty: the digits that ship with Entasis; else an absolute path
  entasis::Device device;
  int64_t epochs = 0;
  int64_t batch_size = 0;
  double lr = 0;
  uint64_t seed = 0;
  int threads = 0;
  std::string out;

  std::string checkpoint_path() const { return out + "/checkpoint.safetensors"; }
  std::string model_path() const { return out + "/model.safetensors"; }
  std::string metrics_path() const { return out + "/metrics.csv"; }
  std::string curve_path() const { return out + "/curve.svg"; }
  std::string options_path() const { return out + "/options.json"; }
};

// Fills in what the line leaves out; sets the number of threads. Throws DeviceError, ValueError.
Options complete_options(const CommandLine& line);

// The same for a run that is resumed: what the line leaves out is as it was. Throws ValueError if
// the line contradicts the checkpoint.
Options complete_options(const CommandLine& line, const entasis::io::Checkpoint& checkpoint);

// Where the results go.
std::string output_folder(const CommandLine& line);

// Notes the options in a checkpoint.
void record_options(const Options& options, entasis::io::Checkpoint& checkpoint);

// Whether the same build of Entasis on the same kind of processor made the checkpoint.
bool has_same_bits(const entasis::io::Checkpoint& checkpoint);

// The options with what else decides the bits of a run, as JSON.
std::string options_as_json(const Options& options, const std::string& images_path);
