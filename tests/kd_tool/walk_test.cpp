#include "tools/kd/walk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/kd_tool/fake_memory.h"

namespace ntemu::test {
namespace {

using debug::Address;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr Address kHead = 0x1000;

class WalkTest : public testing::Test {
 protected:
  // A list of these entries.
  void make(const std::vector<Address> &entries) {
    Address before = kHead;
    for (const Address entry : entries) {
      memory_.put(before, entry);
      memory_.put(entry + 8, before);
      before = entry;
    }
    memory_.put(before, kHead);
    memory_.put(kHead + 8, before);
  }
  debug::Walk<Address> walk(size_t most = 100) {
    debug::Memory memory(memory_);
    return debug::walk_list(memory, kHead, "List", most);
  }

  FakeMemory memory_;
};

TEST_F(WalkTest, FindsEveryEntryInOrder) {
  make({0x3000, 0x2000, 0x5000});
  EXPECT_THAT(walk().found, ElementsAre(0x3000, 0x2000, 0x5000));
  EXPECT_THAT(walk().problems, IsEmpty());
}

TEST_F(WalkTest, AnEmptyListHasNone) {
  make({});
  EXPECT_THAT(walk().found, IsEmpty());
  EXPECT_THAT(walk().problems, IsEmpty());
}

TEST_F(WalkTest, AWildLinkIsToldAndTheRestFoundFromTheOtherEnd) {
  make({0x2000, 0x3000, 0x4000, 0x5000});
  memory_.put(0x3000, Address{0xdead0000});
  const auto result = walk();
  EXPECT_THAT(result.found, ElementsAre(0x2000, 0x3000, 0x4000, 0x5000));
  EXPECT_THAT(result.problems, ElementsAre("List: 00000000`00003000 leads to 00000000`dead0000, which cannot be read"));
}

TEST_F(WalkTest, ALinkToWhatIsOnNoListIsTold) {
  make({0x2000, 0x3000, 0x4000});
  memory_.put(0x2000, Address{0x9000});
  memory_.put(0x9000, Address{0x9000});
  memory_.put(0x9008, Address{0x9000});
  const auto result = walk();
  EXPECT_THAT(result.found, ElementsAre(0x2000, 0x3000, 0x4000));
  EXPECT_THAT(result.problems,
              ElementsAre("List: 00000000`00002000 leads to 00000000`00009000, which does not lead back"));
}

TEST_F(WalkTest, ABackLinkAloneThatIsWrongIsTold) {
  make({0x2000, 0x3000, 0x4000});
  memory_.put(0x3008, Address{0x7777});
  const auto result = walk();
  EXPECT_THAT(result.found, ElementsAre(0x2000, 0x3000, 0x4000));
  EXPECT_EQ(result.problems.size(), 2u) << "from each end";
}

TEST_F(WalkTest, AHeadThatCannotBeReadIsTold) {
  EXPECT_THAT(walk().problems, ElementsAre("List: its head at 00000000`00001000 cannot be read"));
}

TEST_F(WalkTest, ARingWithoutTheHeadEnds) {
  make({0x2000, 0x3000});
  memory_.put(0x3000, Address{0x2000});
  EXPECT_THAT(walk().found, ElementsAre(0x2000, 0x3000));
  EXPECT_FALSE(walk().problems.empty());
}

TEST_F(WalkTest, StopsAtTheLimit) {
  make({0x2000, 0x3000, 0x4000});
  const auto result = walk(2);
  EXPECT_THAT(result.found, ElementsAre(0x2000, 0x3000));
  EXPECT_THAT(result.problems, ElementsAre("List: it has more than 2 entries"));
}

}  // namespace
}  // namespace ntemu::test
