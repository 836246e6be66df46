// A toy op with its CPU kernel, as a plugin brings it: scales by two, refuses 3-d inputs.
#pragma once

namespace toy {

// Registers the op. Null, or why it failed.
const char* register_all();

}  // namespace toy
