// entasis-bench: times each workload against its peers and prints ratio, floor and peak memory.
#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/backend.h>
#include <entasis/core/plugin.h>

#include "measure.h"
#include "rows.h"
#include "side.h"

namespace {

using namespace entasis;
using namespace entasis::bench;

std::vector<std::string> split(const std::string& text, char by) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, by);) parts.push_back(part);
  return parts;
}

// Ours, or what a module exports; null if it cannot be opened.
const BenchPeer* open_library(const std::string& path) {
  if (path == "ours") return &our_library;
  void* module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module != nullptr) return static_cast<const BenchPeer*>(dlsym(module, "bench_peer"));
  std::fprintf(stderr, "a peer cannot be opened: %s\n", dlerror());
  return nullptr;
}

// Peak memory of one side of one workload, above what the process had before: run in a process of
// its own, which prints the bytes.
int print_memory(const BenchPeer& library, const std::string& workload) {
  const size_t before = peak_resident();
  const std::unique_ptr<Work> work(library.make(workload));
  if (!work) return 1;
  for (int i = 0; i < 3; ++i) work->run();
  std::printf("%zu\n", peak_resident() - before);
  return 0;
}

double measured_memory(const std::string& workload, const std::vector<std::string>& side) {
  std::string command;
  for (const std::string& argument : side) command += argument + " ";
  std::FILE* pipe = popen((command + "--memory-of " + workload).c_str(), "r");
  double bytes = 0;
  if (pipe == nullptr || std::fscanf(pipe, "%lf", &bytes) != 1) bytes = -1;
  if (pipe) pclose(pipe);
  return bytes;
}

std::string text(const char* format, double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, format, value);
  return buffer;
}
std::string time_text(double seconds) {
  if (seconds < 1e-6) return text("%.1f ns", seconds * 1e9);
  if (seconds < 1e-3) return text("%.1f us", seconds * 1e6);
  return text("%.2f ms", seconds * 1e3);
}
std::string memory_text(double bytes) {
  return bytes < 0 ? "-" : text("%.1f MiB", bytes / (1 << 20));
}

// "met", "missed by 12 %", or nothing where there is no target.
std::string verdict(const BenchRow& row, double ours, std::optional<double> ratio) {
  const auto say = [](double worse_by) {
    return worse_by <= 0 ? std::string("met") : text("missed by %.0f %%", worse_by * 100);
  };
  if (row.most_seconds > 0) return say(ours / double(row.operations) / row.most_seconds - 1);
  if (row.least_ratio > 0 && ratio) return say(row.least_ratio / *ratio - 1);
  return "";
}

bool is_wanted(const BenchRow& row, const std::vector<std::string>& only) {
  const auto is_part = [&](const std::string& part) {
    return row.name.find(part) != std::string::npos;
  };
  return only.empty() || std::any_of(only.begin(), only.end(), is_part);
}

Comparison compare_row(const BenchRow& row, const std::vector<std::unique_ptr<Side>>& sides,
                       const Plan& plan) {
  std::vector<Side*> made;
  for (const std::unique_ptr<Side>& side : sides) {
    made.push_back(side->make(row.name) ? side.get() : nullptr);
  }
  return compare(made, plan);
}

// Of the rows of a family: their ratios, and how many reach the target.
struct Family {
  std::vector<double> ratios;
  std::vector<std::string> behind;

  void add(const BenchRow& row, double ratio) {
    ratios.push_back(ratio);
    if (ratio < row.least_ratio) behind.push_back(row.name + text(" (%.2f)", ratio));
  }
  double median() {
    std::ranges::nth_element(ratios, ratios.begin() + std::ptrdiff_t(ratios.size() / 2));
    return ratios[ratios.size() / 2];
  }
};

// A table for people, or in Markdown.
class Table {
 public:
  Table(bool markdown, std::vector<size_t> widths) : markdown_(markdown), widths_(widths) {}

  void line(const std::vector<std::string>& cells) const {
    std::string all = markdown_ ? "|" : "";
    for (size_t i = 0; i < cells.size(); ++i) {
      if (markdown_) {
        all += " " + cells[i] + " |";
        continue;
      }
      const size_t width = i < widths_.size() ? widths_[i] : 0;
      const std::string gap(width > cells[i].size() ? width - cells[i].size() : 0, ' ');
      all += (i == 0 ? cells[i] + gap : gap + cells[i]) + "  ";
    }
    std::printf("%s\n", all.c_str());
    std::fflush(stdout);
  }
  void rule(size_t columns) const {
    if (!markdown_) return;
    std::string all = "|---|";
    for (size_t i = 1; i < columns; ++i) all += "---:|";
    std::printf("%s\n", all.c_str());
  }

 private:
  bool markdown_;
  std::vector<size_t> widths_;
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Times Entasis against peers, in turns, in one window.");
  std::vector<std::string> only, peer_paths = split(ENTASIS_BENCH_PEERS, ':');
  std::string memory_of, side;
  int threads = num_threads();
  bool markdown = false, json = false, check = false;
  Plan plan;
  app.add_option("rows", only, "Only rows whose name contains one of these");
  app.add_option("--threads", threads, "Threads for all sides")->check(CLI::Range(1, kMaxThreads));
  app.add_option("--rounds", plan.rounds, "Rounds per row")->check(CLI::Range(1, 1000));
  app.add_option("--seconds", plan.seconds_per_round, "Seconds per round and side")
      ->check(CLI::PositiveNumber);
  app.add_option("--peer", peer_paths, "Modules with the peers' sides");
  app.add_flag("--markdown", markdown, "Print the table in Markdown");
  app.add_flag("--json", json, "Print name and ratio of each row, for bench/check.py");
  app.add_flag("--check", check, "Only tell whether the walk over the op set misses a row");
  app.add_option("--memory-of", memory_of)->group("");
  app.add_option("--side", side)->group("");
  CLI11_PARSE(app, argc, argv);

  if (check) {
    const std::vector<std::string> forgotten = forgotten_rows();
    for (const std::string& row : forgotten) {
      std::printf("%s is neither in bench/ops.h nor left out in bench/walked.cpp\n", row.c_str());
    }
    return forgotten.empty() ? 0 : 1;
  }
  set_num_threads(threads);
  if (!side.empty()) {
    const BenchPeer* library = open_library(side);
    if (library == nullptr) return 1;
    library->set_threads(threads);
    return memory_of.empty() ? serve(*library) : print_memory(*library, memory_of);
  }
  std::vector<std::vector<std::string>> commands;
  std::vector<std::unique_ptr<Side>> sides;
  peer_paths.insert(peer_paths.begin(), "ours");
  for (const std::string& path : peer_paths) {
    const std::vector<std::string> command = {"/proc/" + std::to_string(getpid()) + "/exe",
                                              "--threads", std::to_string(threads), "--side", path};
    try {
      sides.push_back(std::make_unique<Side>(command));
      commands.push_back(command);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s is left out: %s\n", path.c_str(), error.what());
    }
  }

  if (json) {
    for (const BenchRow& row : rows()) {
      if (!is_wanted(row, only)) continue;
      const Comparison c = compare_row(row, sides, plan);
      if (c.ratio) std::printf("{\"row\": \"%s\", \"ratio\": %.4f}\n", row.name.c_str(), *c.ratio);
      std::fflush(stdout);
    }
    return 0;
  }
  const double flops = peak_flops(threads), bandwidth = copy_bandwidth(threads);
  std::printf("entasis %s, %s, %d threads, FMA peak %.0f GFLOP/s, copy %.1f GB/s\n", version(),
              backend_of(DeviceType::kCPU).properties(0).name.c_str(), threads, flops / 1e9,
              bandwidth / 1e9);
  if (sides.size() == 1) std::printf("no peers: none was found when this was built\n");
  std::printf("\n");

  std::vector<size_t> widths = {42};
  std::vector<std::string> header = {"row"};
  for (const std::unique_ptr<Side>& each : sides) {
    header.push_back(each->name());
    widths.push_back(std::max<size_t>(10, header.back().size()));
  }
  for (const char* column : {"ratio", "floor", "of floor", "memory", "best peer's", "target"}) {
    header.push_back(column);
    widths.push_back(std::max<size_t>(8, header.back().size()));
  }
  widths.back() = 15;
  const Table table(markdown, widths);
  table.line(header);
  table.rule(header.size());

  std::map<std::string, Family> families;
  for (const BenchRow& row : rows()) {
    if (!is_wanted(row, only)) continue;
    const Comparison c = compare_row(row, sides, plan);
    if (!row.family.empty() && c.ratio) {
      const std::string size = row.name.substr(row.name.rfind('/') + 1);
      families[row.family + " at " + size].add(row, *c.ratio);
    }

    const double n = double(row.operations), ours = *c.seconds[0];
    std::vector<std::string> cells = {row.name, time_text(ours / n)};
    for (size_t i = 1; i < c.seconds.size(); ++i) {
      cells.push_back(c.seconds[i] ? time_text(*c.seconds[i] / n) : "-");
    }
    cells.push_back(c.ratio ? text("%.2f", *c.ratio) : "-");
    const double floor = std::max(flops > 0 ? row.flop / flops : 0, row.bytes / bandwidth);
    cells.push_back(floor > 0 ? time_text(floor) : "-");
    cells.push_back(floor > 0 ? text("%.0f %%", floor / ours * 100) : "-");
    double our_memory = -1, peer_memory = -1;
    if (row.memory) {
      our_memory = measured_memory(row.name, commands[0]);
      if (c.best_peer > 0) peer_memory = measured_memory(row.name, commands[size_t(c.best_peer)]);
    }
    cells.push_back(memory_text(our_memory));
    cells.push_back(memory_text(peer_memory));
    cells.push_back(verdict(row, ours, c.ratio));
    table.line(cells);
  }
  if (families.empty()) return 0;
  std::printf("\n");
  const Table summary(markdown, {42, 8, 8, 8});
  summary.line({"family", "rows", "median", "at target", "behind"});
  summary.rule(5);
  for (auto& [name, family] : families) {
    std::string behind;
    for (const std::string& row : family.behind) behind += (behind.empty() ? "" : ", ") + row;
    summary.line({name, std::to_string(family.ratios.size()), text("%.2f", family.median()),
                  std::to_string(family.ratios.size() - family.behind.size()), behind});
  }
  return 0;
}
