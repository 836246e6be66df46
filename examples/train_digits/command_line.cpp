// CLI11 takes the line apart; numbers are read and checked here, so that each message says what was
// expected.
#include "command_line.h"

#include <charconv>
#include <limits>
#include <string_view>
#include <system_error>

#include <CLI/CLI.hpp>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/plugin.h>

namespace {

constexpr int kHelpColumn = 22;

template <class T>
bool parse(std::string_view text, T& value) {
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && rest == end;
}

// A flag with a number that must satisfy `min <= value <= max`; `expected` says so in words.
template <class T>
CLI::Option* add_number(CLI::App& app, const std::string& name, std::optional<T>& number, T min,
                        T max, const std::string& expected, const std::string& description) {
  const auto read = [&number, name, min, max, expected](const std::string& text) {
    T value{};
    if (!parse(text, value) || !(value >= min && value <= max)) {  // NaN is refused, too
      throw CLI::ValidationError(name, "expected " + expected + ", got '" + text + "'");
    }
    number = value;
  };
  return app.add_option_function<std::string>(name, read, description);
}

template <class T>
void add_whole_number(CLI::App& app, const std::string& name, std::optional<T>& number, T min,
                      T max, const std::string& description) {
  add_number(app, name, number, min, max,
             "a whole number from " + std::to_string(min) + " to " + std::to_string(max),
             description)
      ->type_name("N");
}

CLI::Validator not_empty() {
  return CLI::Validator(
      [](std::string& text) { return text.empty() ? "expected a folder" : std::string(); }, "");
}

constexpr const char* kDescription =
    "Trains a small convolutional network to read handwritten digits: the 1,797 that\n"
    "ship with Entasis, or those of a folder with MNIST's four files.";

constexpr const char* kFooter =
    "The folder --out receives\n"
    "  model.safetensors       the trained weights\n"
    "  metrics.csv             loss and accuracy, step by step\n"
    "  curve.svg               the same as a picture\n"
    "  options.json            the options of the run, as they came to be\n"
    "  checkpoint.safetensors  all that --resume needs\n\n"
    "Ctrl-C saves a checkpoint and says how to go on. A resumed run ends with the same\n"
    "bits as one that was never stopped, for any number of threads.\n\n"
    "Exit codes: 0 trained; 2 bad input, with one line that says what is wrong; 130\n"
    "stopped by Ctrl-C and saved (143 by SIGTERM).";

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv) {
  CommandLine line;
  CLI::App app(kDescription, "entasis-train-digits");
  app.footer(kFooter);
  app.get_formatter()->column_width(kHelpColumn);
  app.set_help_flag("-h,--help", "print this text");
  app.set_version_flag("--version", std::string("entasis-train-digits ") + entasis::version(),
                       "print the version");
  app.add_option("--data", line.data,
                 "folder with MNIST's four IDX files, plain or .gz;\n"
                 "default: the digits that ship with Entasis")
      ->type_name("DIR")
      ->check(not_empty());
  app.add_option("--device", line.device, "auto, cpu or cuda; default: auto, a GPU if there is one")
      ->type_name("NAME")
      ->check(CLI::Validator(
          [](std::string& text) {
            const bool known = text == "auto" || text == "cpu" || text == "cuda";
            return known ? std::string() : "expected auto, cpu or cuda, got '" + text + "'";
          },
          ""));
  add_whole_number<int64_t>(app, "--epochs", line.epochs, 1, kMaxEpochs,
                            "passes over the training images; default: 30, with\n--data 5");
  add_whole_number<int64_t>(app, "--batch-size", line.batch_size, 1, kMaxBatchSize,
                            "images in a training step; default: 64");
  add_number(app, "--lr", line.lr, std::numeric_limits<double>::min(), kMaxRate,
             "a number above 0, at most 10", "learning rate at its highest; default: 0.003")
      ->type_name("X");
  add_whole_number<uint64_t>(app, "--seed", line.seed, 0, std::numeric_limits<uint64_t>::max(),
                             "of initial weights, order and dropout; the same seed\n"
                             "gives the same bits; default: 1");
  add_whole_number(app, "--threads", line.threads, 1, entasis::kMaxThreads,
                   "CPU threads; default: as many as this process may use");
  app.add_option("--out", line.out,
                 "folder for the results, made if it is missing;\n"
                 "default: runs/digits, with --data runs/ and its name")
      ->type_name("DIR")
      ->check(not_empty());
  std::string resumed;
  const CLI::Option* resume =
      app.add_option("--resume", resumed,
                     "go on with the run in DIR, by default that in --out,\n"
                     "from its last checkpoint")
          ->type_name("[DIR]")
          ->expected(0, 1);

  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForVersion& version) {
    line.help = std::string(version.what()) + "\n";
  } catch (const CLI::CallForHelp&) {
    line.help = app.help();
  }
  line.resume = resume->count() > 0;
  if (!resumed.empty()) {
    if (!line.out.empty() && line.out != resumed) {
      throw CLI::ValidationError("--resume", "names the folder " + resumed + ", --out names " +
                                                 line.out + "; one of them is enough");
    }
    line.out = resumed;
  }
  return line;
}
