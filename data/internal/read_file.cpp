// Whole-file reading over the system's own calls, so that errors carry the system's reason.
// The size is known and checked before memory is taken.
#include <entasis/data/internal/read_file.h>

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <entasis/core/error.h>

namespace entasis::data::internal {
namespace {

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

[[noreturn]] void fail(const std::string& path, int error) {
  throw IoError(path + ": cannot read: " + std::system_category().message(error));
}

}  // namespace

std::vector<uint8_t> read_file(const std::string& path, uint64_t max_bytes) {
  // O_NONBLOCK: opening a pipe without a writer must not hang. It changes nothing for regular
  // files.
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) fail(path, errno);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) fail(path, errno);
  if (S_ISDIR(info.st_mode)) throw IoError(path + ": is a folder, expected a file");
  if (!S_ISREG(info.st_mode)) throw IoError(path + ": is not a regular file");
  const auto size = static_cast<uint64_t>(info.st_size);
  if (size > max_bytes) {
    throw IoError(path + ": file of " + std::to_string(size) + " bytes is over the limit of " +
                  std::to_string(max_bytes));
  }

  std::vector<uint8_t> bytes(size);
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::read(file.get(), bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path, errno);
    if (got == 0) {
      throw IoError(path + ": file shrank while being read: expected " +
                    std::to_string(bytes.size()) + " bytes, found " + std::to_string(done));
    }
    done += static_cast<size_t>(got);
  }
  return bytes;
}

}  // namespace entasis::data::internal
