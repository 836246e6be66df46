// entasis-bench-gpu: runs workloads for bench/gpu.py. Reads commands on standard input and answers
// each with a line of JSON:
//
//   list              the ops, the device and the version
//   run NAME TIMES    sets NAME up if that was not done, runs it TIMES times: seconds for each by
//                     the device's clock (or, where that is the point, the host's for queueing),
//                     wall-clock seconds, and the peak of memory, inputs included
//   drop NAME         frees what it holds
//
// "error" in an answer says what went wrong; with "fatal" the device is lost and the program ends.
#include <entasis/core/backend.h>
#include <entasis/core/error.h>
#include <entasis/core/plugin.h>
#include <entasis/core/precision.h>
#include <entasis/core/stream.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "gpu_works.h"

namespace entasis::bench {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Timing {
  double seconds, wall;  // of all runs
};

Timing time_on_device(const GpuWork& work, Device device, int64_t times) {
  Event start(device, true), end(device, true);
  const auto began = Clock::now();
  start.record(Stream::current(device));
  for (int64_t i = 0; i < times; ++i) work.run();
  end.record(Stream::current(device));
  end.synchronize();
  const double wall = seconds_since(began);
  return {device.is_cuda() ? double(start.milliseconds_to(end)) / 1e3 : wall, wall};
}

// In batches that the device's queue has room for, so that the host never waits for the device.
Timing time_on_host(const GpuWork& work, Device device, int64_t times) {
  constexpr int64_t kBatch = 256;
  const auto began = Clock::now();
  double seconds = 0;
  for (int64_t done = 0; done < times; done += kBatch) {
    const int64_t batch = std::min(kBatch, times - done);
    const auto start = Clock::now();
    for (int64_t i = 0; i < batch; ++i) work.run();
    seconds += seconds_since(start);
    synchronize(device);
  }
  return {seconds, seconds_since(began)};
}

class Worker {
 public:
  explicit Worker(Device device) : device_(device), backend_(backend_of(device.type)) {
    check_device(device);
  }

  Json list() const {
    return {{"ops", gpu_ops()},
            {"device", backend_.properties(device_.index).name},
            {"version", std::string("Entasis ") + version()}};
  }

  Json run(const std::string& name, int64_t times) {
    const size_t before = memory_stats(device_).allocated;
    auto found = works_.find(name);
    if (found == works_.end()) {
      found = works_.emplace(name, Held{make_gpu_work(parse_work(name), device_), before}).first;
    }
    const auto& [work, others] = found->second;
    allow_tf32(work.tf32);
    synchronize(device_);
    backend_.reset_peak_memory(device_.index);
    const Timing timing =
        work.host_time ? time_on_host(work, device_, times) : time_on_device(work, device_, times);
    synchronize(device_);
    return {{"name", name},
            {"seconds", timing.seconds / double(times)},
            {"wall", timing.wall / double(times)},
            {"peak", memory_stats(device_).peak_allocated - others}};
  }

  Json drop(const std::string& name) {
    works_.erase(name);
    synchronize(device_);
    backend_.release_cache(device_.index);
    return {{"name", name}};
  }

 private:
  struct Held {
    GpuWork work;
    size_t others;  // bytes that were allocated before it was set up
  };
  Device device_;
  Backend& backend_;
  std::map<std::string, Held> works_;
};

// Whether the device still does what it is told.
bool is_well(Device device) {
  try {
    synchronize(device);
    return true;
  } catch (const Error&) {
    return false;
  }
}

Json answer(Worker& worker, const std::string& line) {
  std::istringstream words(line);
  std::string command, name;
  int64_t times = 1;
  words >> command >> name;
  if (command == "list") return worker.list();
  if (command == "drop") return worker.drop(name);
  if (command == "run" && words >> times && times > 0) return worker.run(name, times);
  return {{"error", "unknown command: " + line}};
}

}  // namespace
}  // namespace entasis::bench

int main(int argc, char** argv) {
  using namespace entasis;
  using namespace entasis::bench;
  CLI::App app("Runs workloads on a device for bench/gpu.py, which see.");
  std::string device_name = "cuda";
  app.add_option("--device", device_name, "cuda or cpu");
  CLI11_PARSE(app, argc, argv);
  try {
    const Device device = Device::parse(device_name);
    Worker worker(device);
    for (std::string line; std::getline(std::cin, line);) {
      Json reply;
      try {
        reply = answer(worker, line);
      } catch (const std::exception& error) {
        reply = {{"error", error.what()}};
        if (!is_well(device)) reply["fatal"] = true;
      }
      std::cout << reply.dump(-1, ' ', false, Json::error_handler_t::replace) << std::endl;
      if (reply.contains("fatal")) return 1;
    }
  } catch (const Error& error) {
    std::cout << Json{{"error", error.what()}, {"fatal", true}}.dump() << std::endl;
    return 1;
  }
  return 0;
}
