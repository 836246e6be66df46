// entasis-bench: times each workload against its peer and prints ratio, floor and peak memory.
#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <fstream>
#include <string>
#include <CLI/CLI.hpp>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/core/backend.h>
#include <entasis/core/plugin.h>

#include "measure.h"
#include "rows.h"

namespace {

using namespace entasis;
using namespace entasis::bench;

const BenchPeer* open_peer(const std::string& path) {
  if (path.empty() || access(path.c_str(), R_OK) != 0) return nullptr;
  void* module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) {
    std::fprintf(stderr, "the peer cannot be opened: %s\n", dlerror());
    return nullptr;
  }
  return static_cast<const BenchPeer*>(dlsym(module, "bench_peer"));
}

const BenchWork* find(std::span<const BenchWork> works, const std::string& name) {
  for (const BenchWork& work : works) {
    if (name == work.name) return &work;
  }
  return nullptr;
}

// A workload with its state.
class Side {
 public:
  explicit Side(const BenchWork* work) : work_(work), state_(work ? work->make() : nullptr) {}
  ~Side() {
    if (work_) work_->destroy(state_);
  }
  Side(const Side&) = delete;
  Side& operator=(const Side&) = delete;
  std::function<void()> runner() const {
    if (!work_) return {};
    return [work = work_, state = state_] { work->run(state); };
  }

 private:
  const BenchWork* work_;
  void* state_;
};

// Peak memory of one side of one workload, above what the process had before: run in a process of
// its own, which prints the bytes.
int print_memory(const BenchWork& work) {
  const size_t before = peak_resident();
  const Side side(&work);
  for (int i = 0; i < 3; ++i) side.runner()();
  std::printf("%zu\n", peak_resident() - before);
  return 0;
}

double measured_memory(const std::string& row, const char* side, const std::string& arguments) {
  const std::string command = "/proc/" + std::to_string(getpid()) + "/exe --memory-of " + row +
                              " --side " + side + arguments;
  std::FILE* pipe = popen(command.c_str(), "r");
  double bytes = 0;
  if (pipe == nullptr || std::fscanf(pipe, "%lf", &bytes) != 1) bytes = -1;
  if (pipe) pclose(pipe);
  return bytes;
}

std::string time_text(double seconds) {
  char text[32];
  if (seconds < 1e-6) {
    std::snprintf(text, sizeof text, "%.1f ns", seconds * 1e9);
  } else if (seconds < 1e-3) {
    std::snprintf(text, sizeof text, "%.1f us", seconds * 1e6);
  } else {
    std::snprintf(text, sizeof text, "%.2f ms", seconds * 1e3);
  }
  return text;
}
std::string memory_text(double bytes) {
  char text[32];
  if (bytes < 0) return "-";
  std::snprintf(text, sizeof text, "%.1f MiB", bytes / (1 << 20));
  return text;
}

// "met", "missed by 12 %", or nothing where there is no target.
std::string verdict(const BenchRow& row, const Comparison& c) {
  auto text = [](double worse_by) {
    if (worse_by <= 0) return std::string("met");
    char buffer[48];
    std::snprintf(buffer, sizeof buffer, "missed by %.0f %%", worse_by * 100);
    return std::string(buffer);
  };
  if (row.most_seconds > 0) {
    return text(c.ours.median / double(row.operations) / row.most_seconds - 1);
  }
  if (row.least_ratio > 0 && c.peer) return text(row.least_ratio / c.ratio - 1);
  return "";
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Times Entasis against a peer, alternating in one window.");
  std::string only, peer_path = ENTASIS_BENCH_PEER, memory_of, side = "ours";
  int threads = num_threads();
  Plan plan;
  app.add_option("rows", only, "Only rows whose name contains this");
  app.add_option("--threads", threads, "Threads for both sides")->check(CLI::Range(1, kMaxThreads));
  app.add_option("--rounds", plan.rounds, "Rounds per row")->check(CLI::Range(1, 1000));
  app.add_option("--seconds", plan.seconds_per_round, "Seconds per round and side")
      ->check(CLI::PositiveNumber);
  app.add_option("--peer", peer_path, "Module with the peer's side");
  app.add_option("--memory-of", memory_of)->group("");
  app.add_option("--side", side)->group("");
  CLI11_PARSE(app, argc, argv);

  set_num_threads(threads);
  const BenchPeer* peer = open_peer(peer_path);
  if (peer) peer->set_threads(threads);
  const std::span<const BenchWork> peer_works =
      peer ? std::span(peer->works, size_t(peer->count)) : std::span<const BenchWork>();

  if (!memory_of.empty()) {
    const BenchWork* work = find(side == "ours" ? our_works() : peer_works, memory_of);
    return work ? print_memory(*work) : 1;
  }

  const double flops = peak_flops(threads);
  std::printf("entasis %s, %s, %d threads, FMA peak %.0f GFLOP/s\n", version(),
              backend_of(DeviceType::kCPU).properties(0).name.c_str(), threads, flops / 1e9);
  std::printf("peer: %s\n\n",
              peer ? peer->name : "none (PyTorch was not found when this was built)");
  std::printf("%-15s %11s %11s %7s %10s %11s %11s  %-15s %s\n", "row", "ours", "peer", "ratio",
              "floor", "our memory", "peer's", "target", "what");
  const std::string arguments =
      " --threads " + std::to_string(threads) + (peer ? " --peer " + peer_path : "");
  for (const BenchRow& row : rows()) {
    if (std::string(row.name).find(only) == std::string::npos) continue;
    const BenchWork* our_work = find(our_works(), row.name);
    const BenchWork* peer_work = find(peer_works, row.name);
    if (our_work == nullptr) continue;
    Comparison c;
    {
      const Side ours(our_work), theirs(peer_work);
      c = compare(ours.runner(), theirs.runner(), plan);
    }
    const double n = double(row.operations);
    const double floor = row.flop > 0 && flops > 0 ? row.flop / flops : 0;
    char ratio[16] = "-";
    if (c.peer) std::snprintf(ratio, sizeof ratio, "%.2fx", c.ratio);
    std::printf("%-15s %11s %11s %7s %10s %11s %11s  %-15s %s\n", row.name,
                time_text(c.ours.median / n).c_str(),
                c.peer ? time_text(c.peer->median / n).c_str() : "-", ratio,
                floor > 0 ? time_text(floor).c_str() : "-",
                memory_text(measured_memory(row.name, "ours", arguments)).c_str(),
                c.peer ? memory_text(measured_memory(row.name, "peer", arguments)).c_str() : "-",
                verdict(row, c).c_str(), row.what);
    std::fflush(stdout);
  }
  return 0;
}
