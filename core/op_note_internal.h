// Makes the notes that devices keep of the ops they are given.
#pragma once

#include <entasis/core/backend.h>

namespace entasis {

// Of an op that this thread runs now, called at `at`.
OpNote note_op(const char* op, Location at);

}  // namespace entasis
