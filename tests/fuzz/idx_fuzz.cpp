// libFuzzer target for the IDX parser. Each input goes in as it is (which covers damaged gzip data
// too) and once more wrapped in a valid gzip stream; both roads must agree.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include <zlib.h>

#include <entasis/core/error.h>
#include <entasis/data/idx.h>

namespace {

using entasis::data::IdxArray;

// Returns whether the bytes parsed; any exception but IoError escapes and is a finding.
bool parses(std::span<const uint8_t> bytes, IdxArray& array) {
  try {
    array = entasis::data::parse_idx(bytes, "fuzz");
  } catch (const entasis::IoError&) {
    return false;
  }
  int64_t product = 1;
  for (const int64_t size : array.shape) product *= size;
  if (static_cast<uint64_t>(product) != array.values.size()) std::abort();
  return true;
}

std::vector<uint8_t> gzip(const uint8_t* data, size_t size) {
  z_stream stream{};
  if (deflateInit2(&stream, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    std::abort();
  }
  std::vector<uint8_t> out(deflateBound(&stream, size));
  stream.next_in = const_cast<Bytef*>(data);
  stream.avail_in = static_cast<uInt>(size);
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) std::abort();
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  IdxArray plain;
  const bool plain_parses = parses({data, size}, plain);
  if (size >= 2 && data[0] == 0x1f && data[1] == 0x8b) return 0;  // was gzip itself

  IdxArray zipped;
  const bool zipped_parses = parses(gzip(data, size), zipped);
  if (plain_parses != zipped_parses || plain.shape != zipped.shape ||
      !std::equal(plain.values.begin(), plain.values.end(), zipped.values.begin(),
                  zipped.values.end())) {
    std::abort();
  }
  return 0;
}
