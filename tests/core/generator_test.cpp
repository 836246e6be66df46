// Philox against the published vectors, and the generator's state.
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include <entasis/core/generator.h>

namespace entasis {
namespace {

using Words = std::array<uint32_t, 4>;

// Known answers of the authors' library Random123 (philox4x32, 10 rounds).
TEST(Philox, GivesThePublishedWords) {
  EXPECT_EQ(philox4x32(0, 0, 0), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32(~uint64_t{0}, ~uint64_t{0}, ~uint64_t{0}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32(0x299f31d0a4093822, 0x85a308d3243f6a88, 0x0370734413198a2e),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, IsAConstantExpression) { static_assert(philox4x32(0, 0)[0] == 0x6627e8d5); }

TEST(Philox, UniformsStayBelowOne) {
  EXPECT_EQ(uniform_float(0), 0.0f);
  EXPECT_EQ(uniform_float(0xffffffff), 1.0f - 0x1p-24f);
  EXPECT_EQ(uniform_float(0x80000000), 0.5f);
  EXPECT_EQ(uniform_double(0, 0), 0.0);
  EXPECT_EQ(uniform_double(0xffffffff, 0xffffffff), 1.0 - 0x1p-53);
  EXPECT_EQ(uniform_double(0, 0x80000000), 0.5);
}

TEST(Generator, ReservesBlocksInTurn) {
  Generator g(7);
  EXPECT_EQ(g.reserve(3).offset, 0u);
  EXPECT_EQ(g.reserve(2).offset, 3u);
  EXPECT_EQ(g.reserve(0).offset, 5u);
  EXPECT_EQ(g.state(), (Generator::State{7, 5}));
}

TEST(Generator, StateIsSavedAndRestored) {
  Generator g(7);
  g.reserve(11);
  const Generator::State state = g.state();
  g.manual_seed(8);
  EXPECT_EQ(g.state(), (Generator::State{8, 0}));
  g.set_state(state);
  EXPECT_EQ(g.state(), (Generator::State{7, 11}));
  const Generator copy = g;
  EXPECT_EQ(copy.state(), g.state());
}

TEST(Generator, SplitsGiveTheSameStreamsWhereverTheyAreSplitOff) {
  Generator g(7);
  const uint64_t first = g.split(1).seed();
  g.reserve(100);
  EXPECT_EQ(g.split(1).seed(), first);
  EXPECT_EQ(g.split(1).state().offset, 0u);

  std::set<uint64_t> seeds{7};
  for (uint64_t stream = 0; stream < 1000; ++stream) seeds.insert(g.split(stream).seed());
  EXPECT_EQ(seeds.size(), 1001u);
  EXPECT_NE(Generator(8).split(1).seed(), first);
}

TEST(Generator, ThreadsGetBlocksOfTheirOwn) {
  Generator g(0);
  std::set<uint64_t> seen[2];
  std::thread threads[2];
  for (int t = 0; t < 2; ++t) {
    threads[t] = std::thread([&g, &mine = seen[t]] {
      for (int i = 0; i < 10000; ++i) mine.insert(g.reserve(2).offset);
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(g.state().offset, 40000u);
  for (uint64_t offset : seen[0]) EXPECT_EQ(seen[1].count(offset), 0u);
}

TEST(GeneratorGuard, HoldsForItsThreadAndNests) {
  Generator outer(1), inner(2);
  Generator* const usual = &current_generator();
  EXPECT_EQ(usual, &default_generator());
  {
    const GeneratorGuard guard(outer);
    EXPECT_EQ(&current_generator(), &outer);
    {
      const GeneratorGuard nested(inner);
      EXPECT_EQ(&current_generator(), &inner);
    }
    EXPECT_EQ(&current_generator(), &outer);
    std::thread([usual] { EXPECT_EQ(&current_generator(), usual); }).join();
  }
  EXPECT_EQ(&current_generator(), usual);
}

TEST(ManualSeed, SeedsTheDefaultGenerators) {
  default_generator().reserve(5);
  manual_seed(42);
  EXPECT_EQ(default_generator().state(), (Generator::State{42, 0}));
  manual_seed(0);
}

}  // namespace
}  // namespace entasis
