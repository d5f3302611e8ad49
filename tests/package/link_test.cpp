#include <gmock/gmock.h>
#include <ntemu/machine.h>

#include <string_view>

#include "sum.h"

namespace {

class LinkedDriver : public ::testing::Test {
 protected:
  LinkedDriver() : machine_(std::move(*ntemu::Machine::boot({}))) { SumInitialize(&sum_, u"total"); }
  SUM sum_;

 private:
  std::unique_ptr<ntemu::Machine> machine_;
};

TEST_F(LinkedDriver, FunctionsUseTheKernel) {
  EXPECT_EQ(SumAdd(&sum_, 40), 40U);
  EXPECT_EQ(SumAdd(&sum_, 2), 42U);
  EXPECT_EQ(sum_.Lock.Count, 1);
}

TEST_F(LinkedDriver, StringsHave16BitCharacters) {
  SumAdd(&sum_, 7);
  WCHAR text[32];
  ASSERT_EQ(SumFormat(&sum_, text, sizeof text), STATUS_SUCCESS);
  EXPECT_EQ(std::u16string_view(text), u"total(5) = 7");
}

TEST_F(LinkedDriver, EntryCanBeCalled) { EXPECT_EQ(DriverEntry(nullptr, nullptr), STATUS_SUCCESS); }

}  // namespace
