// Atomic files: the name shows the old contents until commit(), the new afterwards, and nothing is
// left behind by a failure.
#include <entasis/io/atomic_file.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <gtest/gtest.h>

#include <entasis/core/error.h>

namespace entasis::io {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class AtomicFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "entasis-test-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  int entries() const {
    return static_cast<int>(
        std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  fs::path folder_;
};

std::string error_of(const std::string& path) {
  try {
    write_file_atomic(path, "x");
  } catch (const IoError& error) {
    return error.what();
  }
  return "no error";
}

TEST_F(AtomicFileTest, WritesInPieces) {
  AtomicFile file(path("f"));
  file.write("one ");
  file.write("two", 3);
  EXPECT_FALSE(fs::exists(path("f")));
  file.commit();
  EXPECT_EQ(read(path("f")), "one two");
  EXPECT_EQ(entries(), 1);
}

TEST_F(AtomicFileTest, ReplacesOnlyAtCommit) {
  write_file_atomic(path("f"), "old");
  AtomicFile file(path("f"));
  file.write("new");
  EXPECT_EQ(read(path("f")), "old");
  file.commit();
  EXPECT_EQ(read(path("f")), "new");
  EXPECT_EQ(entries(), 1);
}

TEST_F(AtomicFileTest, ExceptionLeavesTheOldFileAlone) {
  write_file_atomic(path("f"), "old");
  EXPECT_THROW(
      {
        AtomicFile file(path("f"));
        file.write("half");
        throw std::runtime_error("interrupted");
      },
      std::runtime_error);
  EXPECT_EQ(read(path("f")), "old");
  EXPECT_EQ(entries(), 1);
}

TEST_F(AtomicFileTest, FullDiskLeavesTheOldFileAlone) {
  write_file_atomic(path("f"), "old");
  // A limit on the file size stands in for a full disk.
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit small {
    4096, before.rlim_max
  };
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  std::string message;
  try {
    write_file_atomic(path("f"), std::string(100000, 'x'));
  } catch (const IoError& error) {
    message = error.what();
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(message, path("f") + ": cannot write: File too large");
  EXPECT_EQ(read(path("f")), "old");
  EXPECT_EQ(entries(), 1);
}

TEST_F(AtomicFileTest, UnusablePathsAreNamed) {
  EXPECT_EQ(error_of(path("none/f")), path("none/f") + ": cannot write: No such file or directory");
  write_file_atomic(path("f"), "x");
  EXPECT_EQ(error_of(path("f/g")), path("f/g") + ": cannot write: Not a directory");
  EXPECT_EQ(error_of(folder_.string()), folder_.string() + ": cannot write: it is a folder");
  EXPECT_EQ(error_of("/dev/null"), "/dev/null: cannot write: it is not a regular file");
  EXPECT_EQ(entries(), 1);
}

TEST_F(AtomicFileTest, FolderThatForbidsWriting) {
  fs::permissions(folder_, fs::perms::owner_read | fs::perms::owner_exec | fs::perms::others_read |
                               fs::perms::others_exec);
  // Root may write everywhere, so the attempt is made in a child without its rights.
  const auto attempt = [&] {
    constexpr uid_t kNobody = 65534;
    if (::geteuid() == 0 && ::setuid(kNobody) != 0) std::exit(2);
    std::exit(error_of(path("f")) == path("f") + ": cannot write: Permission denied" ? 0 : 1);
  };
  EXPECT_EXIT(attempt(), ::testing::ExitedWithCode(0), "");
  fs::permissions(folder_, fs::perms::owner_all);
  EXPECT_EQ(entries(), 0);
}

TEST_F(AtomicFileTest, KeepsPermissions) {
  write_file_atomic(path("f"), "old");
  fs::permissions(path("f"), fs::perms::owner_read | fs::perms::owner_write);
  write_file_atomic(path("f"), "new");
  EXPECT_EQ(fs::status(path("f")).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(AtomicFileTest, NewFileFollowsTheUmask) {
  const mode_t before = ::umask(022);
  write_file_atomic(path("f"), "x");
  ::umask(before);
  EXPECT_EQ(static_cast<int>(fs::status(path("f")).permissions()), 0644);
}

TEST_F(AtomicFileTest, WritesThroughASymbolicLink) {
  write_file_atomic(path("real"), "old");
  fs::create_symlink(path("real"), path("link"));
  write_file_atomic(path("link"), "new");
  EXPECT_TRUE(fs::is_symlink(path("link")));
  EXPECT_EQ(read(path("real")), "new");
}

TEST_F(AtomicFileTest, TwoWritersDoNotMix) {
  AtomicFile first(path("f"));
  AtomicFile second(path("f"));
  first.write("first");
  second.write("second");
  first.commit();
  EXPECT_EQ(read(path("f")), "first");
  second.commit();
  EXPECT_EQ(read(path("f")), "second");
  EXPECT_EQ(entries(), 1);
}

TEST_F(AtomicFileTest, UseAfterCommitThrows) {
  AtomicFile file(path("f"));
  file.commit();
  EXPECT_EQ(read(path("f")), "");
  EXPECT_THROW(file.write("x"), IoError);
  EXPECT_THROW(file.commit(), IoError);
}

TEST_F(AtomicFileTest, RelativePath) {
  const fs::path before = fs::current_path();
  fs::current_path(folder_);
  write_file_atomic("f", "here");
  fs::current_path(before);
  EXPECT_EQ(read(path("f")), "here");
}

}  // namespace
}  // namespace entasis::io
