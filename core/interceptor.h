// Whatever must see each op (profiler, tracer, checked mode, memory accounting) is an interceptor:
// an entry in one small ordered stack per thread, behind a single test in apply().
#pragma once

#include <cstdint>

#include <entasis/core/operand.h>

namespace entasis {

struct OpInfo;

enum class Phase : uint8_t { kForward, kBackward };

struct OpCall {
  const OpInfo& op;
  const void* attributes;
  Inputs inputs;
  Location at;        // the user's line (of the forward op, in backward)
  const char* frame;  // the composite the user called, or null
  Phase phase;
  bool in_place;
};

class ENTASIS_API Interceptor {
 public:
  // Lower ranks see a call first and its results last.
  enum class Rank : uint8_t { kProfiler, kMemory, kTracer, kChecks };
  enum class Action : uint8_t { kRun, kSkipKernel };

  explicit Interceptor(Rank rank) : rank_(rank) {}
  virtual ~Interceptor();
  // May throw to refuse the call. Skipping the kernel leaves the outputs allocated and unset.
  virtual Action before(const OpCall& call);
  virtual void after(const OpCall& call, Outputs outputs);
  Rank rank() const { return rank_; }

 private:
  friend class InterceptorGuard;
  friend class InterceptorWalk;
  Rank rank_;
  Interceptor* next_ = nullptr;
};

// Puts an interceptor into this thread's stack. Ops that an interceptor runs itself are not seen by
// any interceptor.
class ENTASIS_API InterceptorGuard {
 public:
  explicit InterceptorGuard(Interceptor& interceptor);
  ~InterceptorGuard();
  InterceptorGuard(const InterceptorGuard&) = delete;
  InterceptorGuard& operator=(const InterceptorGuard&) = delete;

 private:
  Interceptor& interceptor_;
};

}  // namespace entasis
