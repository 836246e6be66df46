// The temporary file carries the process id and a counter in its name and is opened with O_EXCL, so
// that two writers never share one; the last to rename wins, whole.
#include <entasis/io/atomic_file.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <entasis/core/error.h>

namespace entasis::io {
namespace {

// Linux writes at most 2 GiB a call.
constexpr size_t kMaxWrite = size_t{1} << 30;

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Follows symbolic links as far as the file exists; a new file keeps its name.
std::string resolve(const std::string& path) {
  char* real = ::realpath(path.c_str(), nullptr);
  if (real == nullptr) return path;
  std::string resolved = real;
  std::free(real);
  return resolved;
}

std::string temporary_name(const std::string& target) {
  static std::atomic<uint64_t> counter{0};
  return target + ".tmp-" + std::to_string(::getpid()) + "-" +
         std::to_string(counter.fetch_add(1, std::memory_order_relaxed));
}

int close_checked(int fd) { return ::close(fd) == 0 || errno == EINTR ? 0 : errno; }

}  // namespace

AtomicFile::AtomicFile(const std::string& path) : path_(path), target_(resolve(path)) {
  struct stat old {};
  const bool exists = ::stat(target_.c_str(), &old) == 0;
  if (exists && S_ISDIR(old.st_mode)) throw IoError(path_ + ": cannot write: it is a folder");
  if (exists && !S_ISREG(old.st_mode)) {
    throw IoError(path_ + ": cannot write: it is not a regular file");
  }
  // A file left behind by a killed process of the same id is in the way only once.
  constexpr int kAttempts = 100;
  for (int attempt = 0; fd_ < 0 && attempt < kAttempts; ++attempt) {
    temporary_ = temporary_name(target_);
    fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd_ < 0 && errno != EEXIST) break;
  }
  if (fd_ < 0) {
    const int error = errno;
    temporary_.clear();  // not ours to remove
    fail("cannot write", error);
  }
  if (exists && ::fchmod(fd_, old.st_mode & 07777) != 0) fail("cannot set permissions", errno);
}

AtomicFile::~AtomicFile() { discard(); }

void AtomicFile::discard() noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  temporary_.clear();
}

void AtomicFile::fail(const char* what, int error) {
  discard();
  throw IoError(path_ + ": " + what + ": " + std::system_category().message(error));
}

void AtomicFile::write(const void* data, size_t bytes) {
  if (fd_ < 0) throw IoError(path_ + ": write() after commit() or after a failure");
  const char* from = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t done = ::write(fd_, from, bytes < kMaxWrite ? bytes : kMaxWrite);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail("cannot write", errno);
    from += done;
    bytes -= static_cast<size_t>(done);
  }
}

void AtomicFile::commit() {
  if (fd_ < 0) throw IoError(path_ + ": commit() twice or after a failure");
  if (::fsync(fd_) != 0) fail("cannot write to disk", errno);
  const int fd = fd_;
  fd_ = -1;
  if (const int error = close_checked(fd); error != 0) fail("cannot close", error);
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail("cannot rename into place", errno);
  temporary_.clear();

  const int folder = ::open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) {
    // A folder that may be written but not read cannot be synced; the file itself is.
    if (errno == EACCES) return;
    fail("cannot open its folder", errno);
  }
  const int error = ::fsync(folder) == 0 ? 0 : errno;
  ::close(folder);
  // Some network and user-space file systems cannot sync folders and say so.
  if (error != 0 && error != EINVAL && error != ENOTSUP) fail("cannot sync its folder", error);
}

void write_file_atomic(const std::string& path, std::string_view contents) {
  AtomicFile file(path);
  file.write(contents);
  file.commit();
}

}  // namespace entasis::io
