// A benchmark's work, in a form that several libraries can give: a peer lives in a module of its
// own that is opened at run time, and makes its workloads by their names.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace entasis::bench {

class Work {
 public:
  virtual ~Work() = default;
  virtual void run() = 0;  // one unit of work, finished when it returns
};

// What a peer module exports as `bench_peer`. The same compiler builds it.
struct BenchPeer {
  const char* name;  // "libtorch 2.11.0"
  void (*set_threads)(int threads);
  Work* (*make)(const std::string& workload);  // null if it has no such; random inputs are seeded
};

// A workload's name is its kind, then fields parted by '/'; a field of sizes is numbers that are
// parted by 'x', each with letters before it or none: "matmul/64x1024x1024/nt".
struct Name {
  explicit Name(const std::string& text);
  // The numbers of field i, in order.
  std::vector<int64_t> sizes(size_t field) const;
  // The number behind `letter` in field i, or `otherwise`.
  int64_t number(size_t field, char letter, int64_t otherwise) const;

  std::vector<std::string> fields;
};

}  // namespace entasis::bench
