// The log is opened for appending and each row is one write(); on resume the file is cut, in one
// ftruncate(), behind the last row to keep.
#include <entasis/train/metrics.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <entasis/core/error.h>
#include <entasis/io/atomic_file.h>
#include <entasis/train/internal/text.h>

namespace entasis::train {
namespace {

[[noreturn]] void fail(const std::string& path, const char* what, int error) {
  throw IoError(path + ": " + what + ": " + std::system_category().message(error));
}

std::string head(const std::vector<std::string>& columns) {
  std::string text = "step";
  for (const std::string& name : columns) {
    if (name.empty() || name.find_first_of(",\"\r\n") != std::string::npos) {
      throw ValueError("MetricsLog: '" + name + "' cannot name a column");
    }
    text += "," + name;
  }
  return text + "\n";
}

constexpr int kForAppending = O_RDWR | O_APPEND;

// The open log file; closed on the way out unless released to a MetricsLog.
class LogFile {
 public:
  LogFile(const std::string& path, int access)
      : fd_(::open(path.c_str(), access | O_CLOEXEC | O_NONBLOCK)) {
    if (fd_ < 0) fail(path, access == O_RDONLY ? "cannot read" : "cannot write", errno);
  }
  ~LogFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  std::string read(const std::string& path) const {
    struct stat info {};
    if (::fstat(fd_, &info) != 0) fail(path, "cannot read", errno);
    if (!S_ISREG(info.st_mode)) throw IoError(path + ": is not a regular file");
    std::string text(static_cast<size_t>(info.st_size), '\0');
    size_t done = 0;
    while (done < text.size()) {
      const ssize_t got =
          ::pread(fd_, text.data() + done, text.size() - done, static_cast<off_t>(done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail(path, "cannot read", errno);
      if (got == 0) break;
      done += static_cast<size_t>(got);
    }
    text.resize(done);
    return text;
  }

  void cut(const std::string& path, size_t bytes) const {
    if (::ftruncate(fd_, static_cast<off_t>(bytes)) != 0) fail(path, "cannot cut", errno);
  }

  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// Whether `line` is a row of a step and as many numbers as `values` has room for, which it fills.
bool parse_row(std::string_view line, int64_t& step, std::vector<double>& values) {
  const char* const end = line.data() + line.size();
  auto [rest, error] = std::from_chars(line.data(), end, step);
  if (error != std::errc() || step < 0) return false;
  for (double& value : values) {
    if (rest == end || *rest != ',') return false;
    const auto number = std::from_chars(rest + 1, end, value);
    if (number.ec != std::errc()) return false;
    rest = number.ptr;
  }
  return rest == end;
}

[[noreturn]] void fail_row(const std::string& path, size_t line, size_t columns) {
  throw IoError(path + ": line " + std::to_string(line) +
                " is malformed: expected a growing step and " + std::to_string(columns) +
                " numbers");
}

struct Kept {
  size_t bytes = 0;        // of the part to keep
  int64_t last_step = -1;  // of its last row
};

// Finds the rows to keep: those from the top with growing steps up to `last_step`.
Kept find_kept(std::string_view text, size_t head_bytes, size_t columns, int64_t last_step,
               const std::string& path) {
  Kept kept{head_bytes};
  std::vector<double> values(columns);
  size_t bad_line = 0;
  size_t begin = head_bytes;
  for (size_t line = 2; begin < text.size(); ++line) {
    const size_t end = text.find('\n', begin);
    if (end == std::string_view::npos) break;  // cut off by a crash
    int64_t step = 0;
    const bool good = parse_row(text.substr(begin, end - begin), step, values);
    begin = end + 1;
    if (good && step > last_step) break;
    if (!good || step <= kept.last_step) {
      if (bad_line == 0) bad_line = line;
    } else if (bad_line != 0) {
      fail_row(path, bad_line, columns);
    } else {
      kept = {begin, step};
    }
  }
  return kept;
}

}  // namespace

MetricsLog MetricsLog::create(const std::string& path, const std::vector<std::string>& columns) {
  // By way of a temporary file, so that the old log is there until the new one has its head row.
  io::write_file_atomic(path, head(columns));
  return {path, columns.size(), LogFile(path, kForAppending).release()};
}

MetricsLog MetricsLog::resume(const std::string& path, const std::vector<std::string>& columns,
                              int64_t last_step) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 && errno == ENOENT) return create(path, columns);
  LogFile file(path, kForAppending);
  const std::string text = file.read(path);
  const std::string expected = head(columns);
  if (!text.starts_with(expected)) {
    const std::string found = internal::printable(text.substr(0, text.find('\n')).substr(0, 200));
    throw IoError(path + ": cannot resume: expected columns " +
                  expected.substr(0, expected.size() - 1) + ", found " + found);
  }
  const Kept kept = find_kept(text, expected.size(), columns.size(), last_step, path);
  file.cut(path, kept.bytes);
  MetricsLog log(path, columns.size(), file.release());
  log.last_step_ = kept.last_step;
  return log;
}

MetricsLog::MetricsLog(MetricsLog&& other) noexcept
    : path_(std::move(other.path_)),
      columns_(other.columns_),
      fd_(std::exchange(other.fd_, -1)),
      last_step_(other.last_step_) {}

MetricsLog::~MetricsLog() {
  if (fd_ >= 0) ::close(fd_);
}

void MetricsLog::append(int64_t step, std::span<const double> values) {
  if (values.size() != columns_) {
    throw ValueError("MetricsLog: a row of " + std::to_string(values.size()) +
                     " values in a log of " + std::to_string(columns_) + " columns");
  }
  if (step <= last_step_) {
    throw ValueError("MetricsLog: step " + std::to_string(step) + " after step " +
                     std::to_string(last_step_));
  }
  std::string row = std::to_string(step);
  for (const double value : values) row += "," + internal::shortest(value);
  write(row + "\n");
  last_step_ = step;
}

void MetricsLog::write(const std::string& text) {
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t wrote = ::write(fd_, text.data() + done, text.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) {
      const int error = errno;
      // Half a row must not spoil the next one.
      const off_t end = ::lseek(fd_, 0, SEEK_END);
      if (done > 0 && end >= 0 && ::ftruncate(fd_, end - static_cast<off_t>(done)) != 0) {
        fail(path_, "cannot take back half a row", errno);
      }
      fail(path_, "cannot write", error);
    }
    done += static_cast<size_t>(wrote);
  }
}

void MetricsLog::sync() {
  if (::fdatasync(fd_) != 0) fail(path_, "cannot write to disk", errno);
}

const std::vector<double>& Metrics::column(std::string_view name) const {
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i] == name) return values[i];
  }
  throw ValueError("Metrics: no column '" + std::string(name) + "'");
}

Metrics read_metrics(const std::string& path) {
  std::string text = LogFile(path, O_RDONLY).read(path);
  text.resize(text.rfind('\n') + 1);  // what follows the last line break was cut off by a crash
  std::string_view rest = text;
  const auto next_line = [&rest] {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    return line;
  };

  Metrics metrics;
  std::string_view names = next_line();
  if (names != "step" && !names.starts_with("step,")) {
    throw IoError(path + ": is no log of metrics: expected a first line that begins with 'step'");
  }
  for (size_t comma = names.find(','); comma != std::string_view::npos; comma = names.find(',')) {
    names.remove_prefix(comma + 1);
    metrics.columns.emplace_back(names.substr(0, names.find(',')));
  }

  const size_t columns = metrics.columns.size();
  metrics.values.resize(columns);
  std::vector<double> row(columns);
  int64_t step = 0;
  for (size_t line = 2; !rest.empty(); ++line) {
    const bool good = parse_row(next_line(), step, row);
    if (!good || (!metrics.steps.empty() && step <= metrics.steps.back())) {
      fail_row(path, line, columns);
    }
    metrics.steps.push_back(step);
    for (size_t i = 0; i < columns; ++i) metrics.values[i].push_back(row[i]);
  }
  return metrics;
}

}  // namespace entasis::train
