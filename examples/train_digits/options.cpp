// Defaults, and what a checkpoint remembers.
#include "options.h"

#include <array>
#include <charconv>
#include <filesystem>
#include <limits>
#include <optional>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/backends/cpu/simd_info.h>
#include <entasis/core/error.h>
#include <entasis/core/plugin.h>
#include <entasis/train/device.h>

namespace fs = std::filesystem;
using namespace entasis;
using entasis::io::Checkpoint;

namespace {

constexpr int64_t kEpochsOfDigits = 30;
constexpr int64_t kEpochsOfMnist = 5;
constexpr int64_t kBatchSize = 64;
constexpr double kLearningRate = 0.003;
constexpr uint64_t kSeed = 1;

// The shortest text that reads back to the same number.
template <class T>
std::string text_of(T value) {
  std::array<char, 32> text;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

// What both kinds of runs take from the line alone.
Options common_options(const CommandLine& line) {
  Options options;
  if (!line.data.empty()) options.data = fs::absolute(line.data).lexically_normal().string();
  options.device = train::choose_device(line.device);
  if (line.threads) set_num_threads(*line.threads);
  options.threads = num_threads();
  options.out = output_folder(line);
  return options;
}

// A number of the run that is resumed, which the line may repeat but not change.
template <class T>
T resumed(const char* flag, const std::optional<T>& given, T recorded) {
  if (given && *given != recorded) {
    throw ValueError(std::string(flag) + " is " + text_of(*given) +
                     ", but the run that is resumed began with " + text_of(recorded));
  }
  return recorded;
}

// A number that a checkpoint of this program holds, in [min, max].
double recorded(const Checkpoint& checkpoint, const char* name, double min, double max) {
  const auto found = checkpoint.numbers.find(name);
  if (found == checkpoint.numbers.end() || !(found->second >= min && found->second <= max)) {
    throw IoError(std::string("the checkpoint is none of this program: its '") + name + "' is " +
                  (found == checkpoint.numbers.end() ? "missing" : text_of(found->second)));
  }
  return found->second;
}

// What besides the options decides the bits.
std::string build_of_bits() { return std::string(build_id()) + " " + simd_info().in_use; }

std::string quoted(const std::string& text) {
  constexpr const char* kHex = "0123456789abcdef";
  std::string json = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      json += std::string("\\") + c;
    } else if (byte < 0x20) {
      json += std::string("\\u00") + kHex[byte >> 4] + kHex[byte & 15];
    } else {
      json += c;
    }
  }
  return json + "\"";
}

}  // namespace

std::string output_folder(const CommandLine& line) {
  if (!line.out.empty()) return line.out;
  if (line.data.empty()) return "runs/digits";
  fs::path folder = fs::weakly_canonical(line.data);
  if (!folder.has_filename()) folder = folder.parent_path();
  return "runs/" + (folder.has_filename() ? folder.filename().string() : "images");
}

Options complete_options(const CommandLine& line) {
  Options options = common_options(line);
  options.epochs = line.epochs.value_or(line.data.empty() ? kEpochsOfDigits : kEpochsOfMnist);
  options.batch_size = line.batch_size.value_or(kBatchSize);
  options.lr = line.lr.value_or(kLearningRate);
  options.seed = line.seed.value_or(kSeed);
  return options;
}

Options complete_options(const CommandLine& line, const Checkpoint& checkpoint) {
  Options options = common_options(line);
  const auto whole = [&](const char* name, int64_t max) {
    return static_cast<int64_t>(recorded(checkpoint, name, 1, static_cast<double>(max)));
  };
  options.epochs = resumed("--epochs", line.epochs, whole("epochs", kMaxEpochs));
  options.batch_size = resumed("--batch-size", line.batch_size, whole("batch_size", kMaxBatchSize));
  options.lr = resumed("--lr", line.lr,
                       recorded(checkpoint, "lr", std::numeric_limits<double>::min(), kMaxRate));
  options.seed = resumed("--seed", line.seed, checkpoint.cursor.seed);
  const auto data = checkpoint.texts.find("data");
  if (line.data.empty() && data != checkpoint.texts.end()) options.data = data->second;
  return options;
}

void record_options(const Options& options, Checkpoint& checkpoint) {
  checkpoint.numbers["epochs"] = static_cast<double>(options.epochs);
  checkpoint.numbers["batch_size"] = static_cast<double>(options.batch_size);
  checkpoint.numbers["lr"] = options.lr;
  checkpoint.cursor.seed = options.seed;
  checkpoint.texts["data"] = options.data;
  checkpoint.texts["build"] = build_of_bits();
}

bool has_same_bits(const Checkpoint& checkpoint) {
  const auto build = checkpoint.texts.find("build");
  return build != checkpoint.texts.end() && build->second == build_of_bits();
}

std::string options_as_json(const Options& options, const std::string& images_path) {
  return "{\n  \"data\": " + quoted(images_path) +
         ",\n  \"device\": " + quoted(to_string(options.device)) +
         ",\n  \"epochs\": " + text_of(options.epochs) +
         ",\n  \"batch_size\": " + text_of(options.batch_size) +
         ",\n  \"lr\": " + text_of(options.lr) + ",\n  \"seed\": " + text_of(options.seed) +
         ",\n  \"threads\": " + text_of(options.threads) +
         ",\n  \"simd_target\": " + quoted(simd_info().in_use) +
         ",\n  \"entasis_version\": " + quoted(version()) +
         ",\n  \"build_id\": " + quoted(build_id()) + "\n}\n";
}
