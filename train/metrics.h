// metrics.csv: one row of numbers for each step or epoch, written as training goes, so that a crash
// loses at most the row being written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <entasis/core/export.h>

namespace entasis::train {

// The first column is always `step`, an integer that grows from row to row; the others hold
// doubles, written so that they read back as the same bits. A value that was not measured is NaN,
// written as "nan". All members throw IoError naming the file and the system's reason, or
// ValueError on misuse.
class ENTASIS_API MetricsLog {
 public:
  // Starts a new file in place of an old one. `columns` names the columns after `step`.
  static MetricsLog create(const std::string& path, const std::vector<std::string>& columns);

  // Goes on after the row of `last_step`, the step of the checkpoint that is resumed: later rows
  // and a row that a crash cut off are removed. A missing file is started anew. Throws IoError if
  // the file has other columns, or a row that is malformed although good rows up to `last_step`
  // follow it.
  static MetricsLog resume(const std::string& path, const std::vector<std::string>& columns,
                           int64_t last_step);

  MetricsLog(MetricsLog&& other) noexcept;
  MetricsLog& operator=(MetricsLog&&) = delete;
  ~MetricsLog();

  // Hands one row to the system in a single write: it is safe from a crash of this process at once.
  void append(int64_t step, std::span<const double> values);
  void append(int64_t step, std::initializer_list<double> values) {
    append(step, std::span<const double>(values.begin(), values.size()));
  }

  // Waits until all rows are on disk. Call it before a checkpoint is written, so that after a power
  // cut the log is never behind the checkpoint.
  void sync();

  int64_t last_step() const { return last_step_; }  // of the last row; -1 without rows

 private:
  MetricsLog(const std::string& path, size_t columns, int fd)
      : path_(path), columns_(columns), fd_(fd) {}
  void write(const std::string& text);

  std::string path_;
  size_t columns_;
  int fd_;
  int64_t last_step_ = -1;
};

// A log as it was read back: values[i][row] belongs to columns[i], the column after `step`.
struct Metrics {
  std::vector<std::string> columns;
  std::vector<int64_t> steps;
  std::vector<std::vector<double>> values;

  // The values of one column. Throws ValueError if there is no such column.
  ENTASIS_API const std::vector<double>& column(std::string_view name) const;
};

// Reads a log of this kind; a row that a crash cut off at the end is left out. Throws IoError
// naming the line if another is malformed.
ENTASIS_API Metrics read_metrics(const std::string& path);

}  // namespace entasis::train
