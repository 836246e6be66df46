// The last ops that went to a device: for errors that show up after the call, which must name their
// op and line (rule 14).
//
// Every op opened on a device takes the next number; a ring keeps the name and line of the last
// 4096. A kernel that checks indices or values gets the number; where an index is out of range it
// reads 0 or drops the write, a wrong value it computes on, and enters the lowest pair (number,
// position) into a record in device memory. Every call that waits for the device looks at a flag in
// pinned memory, which such a kernel raises, and throws IndexError or ValueError; the device stays
// usable. Ops inside a captured graph keep their numbers and lines for the life of the graph, so
// that a replay reports too.
#pragma once

#include <cstdint>
#include <string>

#include <entasis/core/backend.h>

namespace entasis::cuda {

// What a kernel says about a wrong index or value.
struct Fault {
  const char* demand = nullptr;  // of a value: what it should have been, in the host's memory
  double value = 0;
  int64_t index = 0;  // as it was given
  int64_t size = 0;   // of the dimension that it should lie in
  int dim = 0;        // that dimension
};

// The first fault. In device memory, one for each device.
struct FaultRecord {
  unsigned long long first = ~0ull;  // launch number << 32 | position; the lowest wins
  Fault fault;
  unsigned int lock = 0;  // held while `fault` is written
};

// Passed to kernels by value.
struct IndexCheck {
  FaultRecord* record;      // device memory
  volatile uint32_t* flag;  // pinned memory
  uint32_t launch;
};

// Notes an op that starts on `device`, on the calling thread.
void log_op(int device, const OpNote& note);
// The op that the calling thread noted last.
OpNote last_op();
// For a kernel of the op noted last.
IndexCheck index_check(int device);

// Throws IndexError or ValueError if a kernel of this device has met a wrong index or value. The
// caller has waited for the stream of interest.
void throw_reported(int device);
// What was noted on the device until now is done and cannot cause a later failure.
void mark_finished(int device);

// One clause for an error of the device itself: the ops that may have caused it.
std::string suspects();

// Between these the calling thread's numbers on `device` come from a table that lives as long as
// the graph.
void begin_graph_log(int device);
void* end_graph_log(int device);  // for forget_graph_log()
void forget_graph_log(void* log) noexcept;

}  // namespace entasis::cuda
