// One library's side of the benchmarks, in a process of its own that stands still while it is not
// asked: threads of one side that wait for work by spinning would slow the next.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace entasis::bench {

// Starts `command`, which answers what serve() answers.
class Side {
 public:
  explicit Side(const std::vector<std::string>& command);
  ~Side();
  Side(const Side&) = delete;
  Side& operator=(const Side&) = delete;

  const std::string& name() const { return name_; }
  // Sets up a workload, in place of the one before; false if this side does not have it.
  bool make(const std::string& workload);
  // Seconds that `times` runs took together.
  double run(int64_t times);

 private:
  std::string ask(const std::string& question);
  void end();

  pid_t pid_ = -1;
  std::FILE* questions_ = nullptr;
  std::FILE* answers_ = nullptr;
  std::string name_;
};

struct BenchPeer;
// The process behind a Side: answers questions from the standard input until that ends.
int serve(const BenchPeer& library);

}  // namespace entasis::bench
