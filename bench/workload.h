// A benchmark's work, in a form that two libraries can give: plain functions, so that the peer may
// live in a module of its own that is opened at run time.
#pragma once

#include <cstdint>

extern "C" {

// One implementation of a workload.
struct BenchWork {
  const char* name;          // rows of the same name are compared
  void* (*make)();           // sets up; random inputs are seeded
  void (*run)(void* state);  // one unit of work, finished when it returns
  void (*destroy)(void* state);
};

// What a peer module exports as `bench_peer`.
struct BenchPeer {
  const char* name;  // "libtorch 2.11.0"
  void (*set_threads)(int threads);
  const BenchWork* works;
  int count;
};
}

// What is measured, the same for both.
struct BenchRow {
  const char* name;
  const char* what;
  int64_t operations;   // per run, to divide by
  double flop;          // per run; 0: not bound by arithmetic
  double bytes;         // per run; 0: not bound by memory
  double most_seconds;  // target for one operation; 0: none
  double least_ratio;   // target for peer / ours; 0: none
};
