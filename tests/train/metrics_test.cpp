// The CSV log: rows, resuming, and what a crash may leave behind.
// A limit on the file size stands in for a full disk.
#include <entasis/train/metrics.h>

#include <cmath>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>
#include <gtest/gtest.h>

#include <entasis/core/error.h>

namespace entasis::train {
namespace {

namespace fs = std::filesystem;

class Metrics : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "entasis-test-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    path_ = (folder_ / "metrics.csv").string();
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string text() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void put(const std::string& text) const { std::ofstream(path_, std::ios::binary) << text; }

  // Resumes at `last_step`, adds one row, and returns the file.
  std::string resumed(int64_t last_step) const {
    MetricsLog log = MetricsLog::resume(path_, {"loss"}, last_step);
    log.append(100, {0.5});
    return text();
  }
  std::string resume_error(int64_t last_step) const {
    try {
      MetricsLog::resume(path_, {"loss"}, last_step);
    } catch (const IoError& error) {
      return error.what();
    }
    return "no error";
  }

  fs::path folder_;
  std::string path_;
};

TEST_F(Metrics, RowsAreThereAtOnce) {
  MetricsLog log = MetricsLog::create(path_, {"loss", "accuracy"});
  EXPECT_EQ(text(), "step,loss,accuracy\n");
  EXPECT_EQ(log.last_step(), -1);
  log.append(1, {0.5, 0.25});
  EXPECT_EQ(text(), "step,loss,accuracy\n1,0.5,0.25\n");
  log.append(7, {1e-20, NAN});
  log.sync();
  EXPECT_EQ(text(), "step,loss,accuracy\n1,0.5,0.25\n7,1e-20,nan\n");
  EXPECT_EQ(log.last_step(), 7);
}

TEST_F(Metrics, NumbersReadBackAsTheSameBits) {
  MetricsLog log = MetricsLog::create(path_, {"x"});
  const double value = 0.1 + 0.2;
  log.append(0, {value});
  const std::string file = text();
  EXPECT_EQ(std::strtod(file.c_str() + file.rfind(',') + 1, nullptr), value);
}

TEST_F(Metrics, CreateReplacesAnOldLog) {
  put("something else\n");
  MetricsLog::create(path_, {"loss"});
  EXPECT_EQ(text(), "step,loss\n");
}

TEST_F(Metrics, ResumeContinues) {
  put("step,loss\n1,2.5\n2,nan\n3,inf\n");
  EXPECT_EQ(resumed(3), "step,loss\n1,2.5\n2,nan\n3,inf\n100,0.5\n");
}

TEST_F(Metrics, ResumeCutsRowsPastTheStep) {
  put("step,loss\n10,2.5\n20,1.5\n30,1\n40,0.75\n");
  EXPECT_EQ(resumed(20), "step,loss\n10,2.5\n20,1.5\n100,0.5\n");
  put("step,loss\n10,2.5\n20,1.5\n");
  EXPECT_EQ(resumed(15), "step,loss\n10,2.5\n100,0.5\n");
  put("step,loss\n10,2.5\n");
  EXPECT_EQ(resumed(0), "step,loss\n100,0.5\n");
}

TEST_F(Metrics, ResumeCutsATornRow) {
  put("step,loss\n1,2.5\n2,1.");
  EXPECT_EQ(resumed(5), "step,loss\n1,2.5\n100,0.5\n");
  put("step,loss\n1,2.5\n2");
  EXPECT_EQ(resumed(5), "step,loss\n1,2.5\n100,0.5\n");
  put(std::string("step,loss\n1,2.5\n") + std::string(30, '\0') + "\n");  // after a power cut
  EXPECT_EQ(resumed(5), "step,loss\n1,2.5\n100,0.5\n");
}

TEST_F(Metrics, ResumeStartsAMissingFile) { EXPECT_EQ(resumed(5), "step,loss\n100,0.5\n"); }

TEST_F(Metrics, ResumeRefusesWhatIsNotItsOwnAndTouchesNothing) {
  for (const std::string& content :
       {std::string("step,accuracy\n1,0.5\n"), std::string(), std::string("step,loss"),
        std::string("step,loss,accuracy\n")}) {
    put(content);
    EXPECT_NE(resume_error(5).find(": cannot resume: expected columns step,loss, found "),
              std::string::npos);
    EXPECT_EQ(text(), content);
  }
  for (const char* bad : {"2,x", "2", "2,1,1", "two,1", "2, 1", "1,1", "-2,1", "", "2,1,"}) {
    const std::string content = "step,loss\n1,2.5\n" + std::string(bad) + "\n3,1\n";
    put(content);
    EXPECT_NE(resume_error(5).find(": line 3 is malformed: expected a growing step and 1 numbers"),
              std::string::npos)
        << bad;
    EXPECT_EQ(text(), content);
  }
}

TEST_F(Metrics, AFullDiskLeavesNoHalfRow) {
  MetricsLog log = MetricsLog::create(path_, {"loss"});
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit small {
    14, before.rlim_max
  };  // room for the head and four bytes
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_THROW(log.append(1, {0.123456}), IoError);
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(text(), "step,loss\n");
  log.append(1, {0.5});  // once there is room again
  EXPECT_EQ(text(), "step,loss\n1,0.5\n");
}

TEST_F(Metrics, RefusesMisuse) {
  MetricsLog log = MetricsLog::create(path_, {"loss"});
  log.append(5, {0.5});
  EXPECT_THROW(log.append(5, {0.5}), ValueError);
  EXPECT_THROW(log.append(6, {0.5, 0.5}), ValueError);
  EXPECT_THROW(MetricsLog::create(path_, {"a,b"}), ValueError);
  EXPECT_THROW(MetricsLog::create(path_, {""}), ValueError);
  EXPECT_EQ(text(), "step,loss\n5,0.5\n");
}

TEST_F(Metrics, NamesAnUnusablePath) {
  EXPECT_THROW(MetricsLog::create((folder_ / "none" / "m.csv").string(), {"loss"}), IoError);
  EXPECT_THROW(MetricsLog::resume(folder_.string(), {"loss"}, 1), IoError);
}

TEST_F(Metrics, ReadsBackWhatWasWritten) {
  {
    MetricsLog log = MetricsLog::create(path_, {"loss", "accuracy"});
    log.append(1, {0.1 + 0.2, NAN});
    log.append(7, {-INFINITY, 0.5});
  }
  const entasis::train::Metrics metrics = read_metrics(path_);
  EXPECT_EQ(metrics.columns, (std::vector<std::string>{"loss", "accuracy"}));
  EXPECT_EQ(metrics.steps, (std::vector<int64_t>{1, 7}));
  EXPECT_EQ(metrics.column("loss"), (std::vector<double>{0.1 + 0.2, -INFINITY}));
  EXPECT_TRUE(std::isnan(metrics.column("accuracy")[0]));
  EXPECT_EQ(metrics.column("accuracy")[1], 0.5);
  EXPECT_THROW(metrics.column("speed"), ValueError);
}

TEST_F(Metrics, ReadingLeavesOutATornRowAndRefusesOtherDamage) {
  const auto error = [&](const std::string& content) -> std::string {
    put(content);
    try {
      return std::to_string(read_metrics(path_).steps.size()) + " rows";
    } catch (const IoError& e) {
      return std::string(e.what()).substr(path_.size());
    }
  };
  EXPECT_EQ(error("step,loss\n1,2.5\n2,1."), "1 rows");
  EXPECT_EQ(error("step\n1\n2\n"), "2 rows");
  EXPECT_EQ(error("step,loss\n"), "0 rows");
  const char* const not_a_log =
      ": is no log of metrics: expected a first line that begins with 'step'";
  EXPECT_EQ(error(""), not_a_log);
  EXPECT_EQ(error("step,loss"), not_a_log);
  EXPECT_EQ(error("steps,loss\n"), not_a_log);
  const char* const malformed = ": line 3 is malformed: expected a growing step and 1 numbers";
  for (const char* bad : {"2,x", "2", "2,1,1", "two,1", "1,1", "0,1", "-2,1", "", "2,1,"}) {
    EXPECT_EQ(error("step,loss\n1,2.5\n" + std::string(bad) + "\n3,1\n"), malformed) << bad;
  }
  ::unlink(path_.c_str());
  EXPECT_THROW(read_metrics(path_), IoError);
}

}  // namespace
}  // namespace entasis::train
