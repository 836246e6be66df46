// The gzip reader over zlib's inflate, which checks each member's CRC-32 and length itself.
// Running out of input is told apart from damage, so that a cut-off download is called one.
#include <entasis/data/internal/gzip.h>

#include <algorithm>

#include <entasis/core/error.h>

namespace entasis::data::internal {
namespace {

// zlib counts in 32 bits, so larger spans go in pieces of this size.
constexpr size_t kPiece = size_t{1} << 30;
constexpr int kGzipOnly = 16 + MAX_WBITS;

}  // namespace

bool is_gzip(std::span<const uint8_t> bytes) {
  return bytes.size() >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}

GzipReader::GzipReader(std::span<const uint8_t> compressed, std::string_view name)
    : name_(name), rest_(compressed) {
  if (inflateInit2(&stream_, kGzipOnly) != Z_OK) {
    throw IoError(name_ + ": cannot start zlib: not enough memory or a wrong version");
  }
}

GzipReader::~GzipReader() { inflateEnd(&stream_); }

void GzipReader::feed() {
  const size_t size = std::min(rest_.size(), kPiece);
  stream_.next_in = const_cast<Bytef*>(rest_.data());  // zlib does not write to its input
  stream_.avail_in = static_cast<uInt>(size);
  rest_ = rest_.subspan(size);
}

// A gzip file may be several members one after the other, whose contents are joined.
bool GzipReader::next_member() {
  if (stream_.avail_in == 0) feed();
  if (stream_.avail_in == 0) return false;
  const uint64_t left = stream_.avail_in + static_cast<uint64_t>(rest_.size());
  if (left < 2 || stream_.next_in[0] != 0x1f ||
      (stream_.avail_in >= 2 && stream_.next_in[1] != 0x8b)) {
    throw IoError(name_ + ": " + std::to_string(left) + " trailing bytes after the gzip data");
  }
  inflateReset(&stream_);
  return true;
}

size_t GzipReader::read(std::span<uint8_t> to) {
  size_t done = 0;
  while (done < to.size() && !at_end_) {
    if (stream_.avail_in == 0) feed();
    const size_t room = std::min(to.size() - done, kPiece);
    stream_.next_out = to.data() + done;
    stream_.avail_out = static_cast<uInt>(room);
    const int status = inflate(&stream_, Z_NO_FLUSH);
    const size_t got = room - stream_.avail_out;
    done += got;
    produced_ += got;
    if (status == Z_STREAM_END) {
      at_end_ = !next_member();
    } else if (status == Z_BUF_ERROR || (status == Z_OK && got == 0 && stream_.avail_in == 0)) {
      if (rest_.empty()) {
        throw IoError(name_ + ": gzip data is cut off after " + std::to_string(produced_) +
                      " inflated bytes");
      }
    } else if (status != Z_OK) {
      throw IoError(
          name_ + ": damaged gzip data after " + std::to_string(produced_) +
          " inflated bytes: " + (stream_.msg != nullptr ? stream_.msg : "unknown reason"));
    }
  }
  return done;
}

}  // namespace entasis::data::internal
