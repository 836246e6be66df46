// Reads a whole regular file into memory.
// Every parser of this folder works on bytes in memory, so this is the only place that opens files.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace entasis::data::internal {

// Throws IoError if `path` is missing, unreadable, not a regular file or larger than `max_bytes`.
std::vector<uint8_t> read_file(const std::string& path, uint64_t max_bytes);

}  // namespace entasis::data::internal
