// Reading gzip data from memory, piece by piece, so that a caller who knows how many bytes to
// expect never inflates more than that: a small file cannot become gigabytes of memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <zlib.h>

namespace entasis::data::internal {

// The most that deflate can expand: one byte of input gives at most 1,032 bytes of output.
inline constexpr uint64_t kMaxDeflateRatio = 1032;

// True if `bytes` begins with gzip's magic number, 1f 8b.
bool is_gzip(std::span<const uint8_t> bytes);

class GzipReader {
 public:
  // `compressed` must outlive the reader; `name` stands in front of error messages.
  GzipReader(std::span<const uint8_t> compressed, std::string_view name);
  ~GzipReader();
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;

  // Inflates into `to` and returns the number of bytes written: fewer than asked for only at the
  // end of the data. By then the checksum of every member has been verified and nothing but members
  // was found. Throws IoError on damaged, cut-off or trailing data.
  size_t read(std::span<uint8_t> to);

 private:
  void feed();
  bool next_member();

  std::string name_;
  std::span<const uint8_t> rest_;  // not yet given to zlib
  z_stream stream_{};
  uint64_t produced_ = 0;
  bool at_end_ = false;
};

}  // namespace entasis::data::internal
