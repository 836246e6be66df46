// Checkpoints: everything comes back exactly, and files that are none are named.
#include <entasis/io/checkpoint.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include <entasis/core/error.h>
#include <entasis/io/safetensors.h>
#include <entasis/nn/nn.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/methods.h>
#include <entasis/optim/optim.h>

#include "temporary_folder.h"

namespace entasis::io {
namespace {

using CheckpointTest = TemporaryFolder;

void expect_same(const NamedTensors& a, const NamedTensors& b) {
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [name, tensor] : a) {
    const Tensor* other = b.find(name);
    ASSERT_NE(other, nullptr) << name;
    ASSERT_EQ(other->spec(), tensor.spec()) << name;
    EXPECT_EQ(std::memcmp(other->raw(), tensor.raw(), tensor.impl()->storage->bytes), 0) << name;
  }
}

Checkpoint sample() {
  Checkpoint c;
  c.model = {{"fc.weight", randn({3, 2})}, {"fc.bias", randn({3})}};
  c.optimizer.tensors = {{"0.exp_avg", randn({3, 2})}, {"fc.weight", randn({1})}};
  c.optimizer.numbers = {{"0.step", 12}, {"groups.0.lr", 0.1}};
  c.generators = {{"cpu", {~uint64_t{0}, 1}}, {"loader", {7, ~uint64_t{0}}}};
  c.cursor = {.epoch = 3, .step = -1, .position = INT64_MAX, .seed = ~uint64_t{0}};
  c.numbers = {{"best", 1.0 / 3},
               {"tiny", 5e-324},
               {"huge", -std::numeric_limits<double>::infinity()},
               {"batch size", 64}};
  c.texts = {{"data", "../my data/ünï"}, {"", ""}};
  return c;
}

TEST_F(CheckpointTest, EverythingComesBack) {
  const Checkpoint saved = sample();
  save_checkpoint(path("f"), saved);
  const Checkpoint loaded = load_checkpoint(path("f"));
  expect_same(saved.model, loaded.model);
  expect_same(saved.optimizer.tensors, loaded.optimizer.tensors);
  EXPECT_EQ(saved.optimizer.numbers, loaded.optimizer.numbers);
  EXPECT_EQ(saved.generators, loaded.generators);
  EXPECT_EQ(saved.cursor, loaded.cursor);
  EXPECT_EQ(saved.numbers, loaded.numbers);
  EXPECT_EQ(saved.texts, loaded.texts);
}

TEST_F(CheckpointTest, NotANumberComesBack) {
  Checkpoint c;
  c.numbers = {{"loss", std::nan("")}};
  save_checkpoint(path("f"), c);
  EXPECT_TRUE(std::isnan(load_checkpoint(path("f")).numbers.at("loss")));
}

TEST_F(CheckpointTest, IsASafetensorsFile) {
  save_checkpoint(path("f"), sample());
  const Safetensors file = load_safetensors(path("f"));
  EXPECT_TRUE(file.tensors.contains("model.fc.weight"));
  EXPECT_TRUE(file.tensors.contains("optimizer.0.exp_avg"));
  EXPECT_EQ(file.metadata.at("cursor.epoch"), "3");
  EXPECT_EQ(file.metadata.at("number.best"), "0.3333333333333333");
}

TEST_F(CheckpointTest, TheSameContentsGiveTheSameBytes) {
  const Checkpoint c = sample();
  save_checkpoint(path("1"), c);
  save_checkpoint(path("2"), load_checkpoint(path("1")));
  EXPECT_EQ(read(path("1")), read(path("2")));
}

// ---- A run that is broken off and goes on

// All that has state: weights, statistics, moments, random numbers, a place in the data.
struct Net : nn::Sequential {
  Net() {
    add<nn::Conv2d>(1, 4, 3).add<nn::BatchNorm2d>(4).add<nn::ReLU>().add<nn::Flatten>();
    add<nn::Dropout>(0.3).add<nn::Linear>(4 * 4 * 4, 3);
  }
};
struct Training {
  Net net;
  optim::AdamW optimizer{net.parameters(), {.lr = 0.01}};
  Generator generator{5};
  DataCursor cursor{.seed = 42};

  void step() {
    const GeneratorGuard guard(generator);
    Generator data = Generator(cursor.seed).split(uint64_t(cursor.position));
    Tensor images, classes;
    {
      const GeneratorGuard of_data(data);
      images = randn({8, 1, 6, 6});
      classes = randint(0, 3, {8});
    }
    optimizer.zero_grad();
    nn::CrossEntropyLoss()(net(images), classes).backward();
    optimizer.step();
    ++cursor.step;
    ++cursor.position;
  }

  Checkpoint save() const {
    Checkpoint checkpoint;
    checkpoint.model = net.state_dict();
    checkpoint.optimizer = optimizer.state_dict();
    checkpoint.generators = {{"cpu", generator.state()}};
    checkpoint.cursor = cursor;
    return checkpoint;
  }
  void load(const Checkpoint& checkpoint) {
    net.load_state_dict(checkpoint.model);
    optimizer.load_state_dict(checkpoint.optimizer);
    generator.set_state(checkpoint.generators.at("cpu"));
    cursor = checkpoint.cursor;
  }
};

TEST_F(CheckpointTest, ARunGoesOnToTheSameBits) {
  Training unbroken;
  for (int i = 0; i < 3; ++i) unbroken.step();
  save_checkpoint(path("half"), unbroken.save());
  for (int i = 0; i < 3; ++i) unbroken.step();

  Training resumed;  // of other first weights
  resumed.load(load_checkpoint(path("half")));
  for (int i = 0; i < 3; ++i) resumed.step();

  save_checkpoint(path("unbroken"), unbroken.save());
  save_checkpoint(path("resumed"), resumed.save());
  EXPECT_EQ(read(path("unbroken")), read(path("resumed")));
  EXPECT_NE(read(path("unbroken")), read(path("half")));
}

// ---- Files that are wrong

class BadCheckpointTest : public CheckpointTest {
 protected:
  // What is said about a file of these contents.
  std::string error(const Metadata& metadata, const NamedTensors& tensors = {}) const {
    save_safetensors(path("f"), tensors, metadata);
    try {
      load_checkpoint(path("f"));
    } catch (const IoError& e) {
      const std::string message = e.what(), start = path("f") + ": ";
      EXPECT_EQ(message.substr(0, start.size()), start);
      return message.substr(start.size());
    }
    return "no error";
  }

  Metadata good_ = {{"format", "entasis checkpoint 1"},
                    {"cursor.epoch", "0"},
                    {"cursor.step", "0"},
                    {"cursor.position", "0"},
                    {"cursor.seed", "0"}};
  Metadata with(const std::string& key, const std::string& value) const {
    Metadata metadata = good_;
    metadata[key] = value;
    return metadata;
  }
};

TEST_F(BadCheckpointTest, EachIsNamed) {
  EXPECT_EQ(error(good_), "no error");
  EXPECT_EQ(error({}), "checkpoint: this is a safetensors file of another kind");
  EXPECT_EQ(error({{"format", "pt"}}),
            "checkpoint: the format is 'pt', expected 'entasis checkpoint 1'");
  for (const char* key : {"cursor.epoch", "cursor.step", "cursor.position", "cursor.seed"}) {
    Metadata metadata = good_;
    metadata.erase(key);
    EXPECT_EQ(error(metadata), "checkpoint: entry '" + std::string(key) + "' is missing");
    for (const char* value : {"", " 1", "1 ", "1.5", "x", "99999999999999999999"}) {
      EXPECT_EQ(error(with(key, value)), "checkpoint: entry '" + std::string(key) + "' is '" +
                                             value + "', expected a number");
    }
  }
  EXPECT_EQ(error(with("cursor.seed", "-1")),
            "checkpoint: entry 'cursor.seed' is '-1', expected a number");
  EXPECT_EQ(error(with("cursor.row", "1")), "checkpoint: unknown entry 'cursor.row'");
  EXPECT_EQ(error(with("generator.cpu", "1")),
            "checkpoint: entry 'generator.cpu' is '1', expected two numbers");
  EXPECT_EQ(error(with("generator.cpu", "1 x")),
            "checkpoint: entry 'generator.cpu' is 'x', expected a number");
  EXPECT_EQ(error(with("number.best", "good")),
            "checkpoint: entry 'number.best' is 'good', expected a number");
  EXPECT_EQ(error(with("optimizer.lr", "")),
            "checkpoint: entry 'optimizer.lr' is '', expected a number");
  EXPECT_EQ(error(with("author", "me")), "checkpoint: unknown entry 'author'");
  EXPECT_EQ(error(good_, {{"weight", ones({1})}}), "checkpoint: unknown tensor 'weight'");
}

TEST_F(BadCheckpointTest, CutFilesAreNamed) {
  save_checkpoint(path("f"), sample());
  const std::string whole = read(path("f"));
  for (size_t size = 0; size < whole.size(); size += 7) {
    write(path("f"), whole.substr(0, size));
    EXPECT_THROW(load_checkpoint(path("f")), IoError) << size;
  }
}

}  // namespace
}  // namespace entasis::io
