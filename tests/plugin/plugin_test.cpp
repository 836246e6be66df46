// The plugin door (rule 16) in a program that is linked with the shared library.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include <entasis/core/log.h>
#include <entasis/core/plugin.h>

#include "checks.h"

namespace entasis {
namespace {

std::string logged;
int lines;

class PluginTest : public testing::Test {
 protected:
  void SetUp() override {
    logged.clear();
    lines = 0;
    set_log_handler([](LogLevel, std::string_view message) {
      logged = message;
      ++lines;
    });
  }
  void TearDown() override { set_log_handler(nullptr); }
};

TEST_F(PluginTest, LoadsAndItsErrorsKeepTheirType) {
  setenv("ENTASIS_PLUGIN_PATH", (std::string("/nonexistent:") + TOY_FOLDER).c_str(), 1);
  const std::string path = find_plugin("toy_plugin");
  unsetenv("ENTASIS_PLUGIN_PATH");
  ASSERT_EQ(path, std::string(TOY_FOLDER) + "/libtoy_plugin.so");
  EXPECT_TRUE(load_plugin(path)) << logged;
  EXPECT_EQ(check_toy(), nullptr) << check_toy();

  EXPECT_FALSE(load_plugin(path));
  EXPECT_EQ(logged,
            "plugin " + path + " is not loaded: a row named 'toy_scale' is already registered");
}

TEST_F(PluginTest, AnotherBuildIsRefusedInOneLine) {
  const std::string path = std::string(TOY_FOLDER) + "/libtoy_misfit.so";
  EXPECT_FALSE(load_plugin(path));
  EXPECT_EQ(lines, 1);
  EXPECT_EQ(logged, "plugin " + path +
                        " is not loaded: it was built for library another, this one is " +
                        build_id());
}

TEST_F(PluginTest, OtherFilesAreRefused) {
  EXPECT_FALSE(load_plugin("/nonexistent/libx.so"));
  EXPECT_EQ(lines, 1);
  EXPECT_FALSE(load_plugin(LIBRARY_FILE));
  EXPECT_NE(logged.find("it does not export entasis_plugin"), std::string::npos) << logged;
}

TEST_F(PluginTest, TheWorkingDirectoryIsNotSearched) {
  EXPECT_EQ(find_plugin("toy_plugin"), "");
  EXPECT_EQ(find_plugin("no_such"), "");
}

}  // namespace
}  // namespace entasis
