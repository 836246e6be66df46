// entasis-info: what this build of Entasis is and what it finds on this machine, for bug reports
// and for a look before a long run.
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include <entasis/backends/cpu/parallel.h>
#include <entasis/backends/cpu/simd_info.h>
#include <entasis/core/backend.h>
#include <entasis/core/plugin.h>
#include <entasis/core/row.h>
#include <entasis/train/device.h>
#include <entasis/train/format.h>
#include <entasis/train/process.h>
#include <entasis/train/terminal.h>

namespace {

using namespace entasis;

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// One line, the name in a column of its own.
std::string entry(std::string_view name, const std::string& value) {
  constexpr size_t kColumn = 10;
  return "  " + std::string(name) + std::string(kColumn - name.size(), ' ') + value + "\n";
}

std::string bytes(size_t n) { return train::format_bytes(static_cast<int64_t>(n)); }

// A line for each GPU and one for what drives them, or one that says why there is none.
std::string gpu_lines() {
  const int gpus = device_count(DeviceType::kCUDA);
  if (gpus == 0) return entry("cuda", "none: " + train::why_no_cuda());
  const Backend& backend = backend_of(DeviceType::kCUDA);
  std::string lines;
  for (int i = 0; i < gpus; ++i) {
    const DeviceProperties found = backend.properties(i);
    const DeviceMemory memory = backend.device_memory(i);
    lines += entry(to_string(Device(DeviceType::kCUDA, i)),
                   found.name + ", " + std::to_string(found.compute_units) +
                       " multiprocessors, compute capability " + std::to_string(found.major) + "." +
                       std::to_string(found.minor) + ", " + bytes(memory.total) + ", free " +
                       bytes(memory.free));
  }
  std::vector<std::string> parts;
  for (const auto& [name, version] : backend.versions()) parts.push_back(name + " " + version);
  return lines + entry("versions", joined(parts));
}

std::string description() {
  const SimdInfo simd = simd_info();
  const DeviceProperties cpu = backend_of(DeviceType::kCPU).properties(0);
  const MemoryStats memory = memory_stats();
  return std::string("Entasis ") + version() + "\n" + entry("build", build_id()) +
         entry("ops", std::to_string(all_rows().size())) +
         entry("SIMD", simd.in_use + " (compiled: " + joined(simd.compiled) + ")") +
         entry("threads", std::to_string(num_threads())) + entry("cpu", cpu.name) + gpu_lines() +
         entry("memory", bytes(cpu.memory_bytes) + " in this machine; this process holds " +
                             train::format_bytes(train::peak_memory_bytes()) + ", tensors " +
                             bytes(memory.allocated));
}

int run(int argc, char** argv) {
  CLI::App app(
      "Prints version, build id, SIMD targets, threads, devices, memory and library versions.",
      "entasis-info");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    train::write_text(1, app.help());
    return 0;
  }
  train::write_text(1, description());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    train::write_text(2, std::string("entasis-info: ") + error.what() + "\n");
    return 2;
  }
}
