#include "ntemu/ke/bugcheck_callback.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ntemu::ke {
namespace {

std::vector<std::string> told;
void note(const CalledBack &called) { told.emplace_back(called.component); }
ULONG seen_length;

VOID record_length(PVOID Buffer, ULONG Length) {
  seen_length = Length;
  *static_cast<char *>(Buffer) = 'x';
}
VOID add_data(KBUGCHECK_CALLBACK_REASON, PKBUGCHECK_REASON_CALLBACK_RECORD, PVOID Data, ULONG) {
  auto *data = static_cast<PKBUGCHECK_SECONDARY_DUMP_DATA>(Data);
  data->OutBuffer = data->InBuffer;
  data->OutBufferLength = 16;
}

UCHAR component[] = "component";

TEST(KeRegisterBugCheckCallback, CallsWhatIsRegistered) {
  told.clear();
  KBUGCHECK_CALLBACK_RECORD record;
  char buffer[8] = {};
  KeInitializeCallbackRecord(&record);
  ASSERT_TRUE(KeRegisterBugCheckCallback(&record, record_length, buffer, sizeof buffer, component));
  run_bugcheck_callbacks(note);
  EXPECT_EQ(told, std::vector<std::string>{"component"});
  EXPECT_EQ(seen_length, 8u);
  EXPECT_EQ(buffer[0], 'x');
  EXPECT_EQ(record.State, BufferFinished);
  record.State = BufferInserted;
  EXPECT_TRUE(KeDeregisterBugCheckCallback(&record));
}

TEST(KeRegisterBugCheckCallback, RefusesASecondTime) {
  KBUGCHECK_CALLBACK_RECORD record;
  KeInitializeCallbackRecord(&record);
  ASSERT_TRUE(KeRegisterBugCheckCallback(&record, record_length, nullptr, 0, nullptr));
  EXPECT_FALSE(KeRegisterBugCheckCallback(&record, record_length, nullptr, 0, nullptr));
  EXPECT_TRUE(KeDeregisterBugCheckCallback(&record));
  EXPECT_FALSE(KeDeregisterBugCheckCallback(&record));
}

TEST(KeRegisterBugCheckCallback, PassesOverWhatWasOverwritten) {
  told.clear();
  KBUGCHECK_CALLBACK_RECORD record;
  KeInitializeCallbackRecord(&record);
  ASSERT_TRUE(KeRegisterBugCheckCallback(&record, record_length, nullptr, 0, component));
  record.Length = 77;
  run_bugcheck_callbacks(note);
  EXPECT_TRUE(told.empty());
  EXPECT_TRUE(KeDeregisterBugCheckCallback(&record));
}

VOID leave(PVOID, ULONG) { leave_callback(); }

TEST(KeRegisterBugCheckCallback, IsTheLastWhenItDoesNotReturn) {
  static std::vector<bool> returned;
  KBUGCHECK_CALLBACK_RECORD records[3];
  const PKBUGCHECK_CALLBACK_ROUTINE routines[] = {record_length, leave, record_length};
  char buffer[8];
  for (int i = 0; i < 3; ++i) {
    KeInitializeCallbackRecord(&records[i]);
    ASSERT_TRUE(KeRegisterBugCheckCallback(&records[i], routines[i], buffer, sizeof buffer, component));
  }
  run_bugcheck_callbacks([](const CalledBack &called) { returned.push_back(called.returned); });
  EXPECT_EQ(returned, (std::vector<bool>{true, false}));
  for (KBUGCHECK_CALLBACK_RECORD &record : records) {
    record.State = BufferInserted;
    EXPECT_TRUE(KeDeregisterBugCheckCallback(&record));
  }
}

TEST(KeRegisterBugCheckReasonCallback, AddsToTheDump) {
  KBUGCHECK_REASON_CALLBACK_RECORD record;
  KeInitializeCallbackRecord(&record);
  EXPECT_FALSE(KeRegisterBugCheckReasonCallback(&record, add_data, KbCallbackInvalid, component));
  ASSERT_TRUE(KeRegisterBugCheckReasonCallback(&record, add_data, KbCallbackSecondaryDumpData, component));
  static ULONG added;
  run_bugcheck_callbacks([](const CalledBack &called) { added = called.added; });
  EXPECT_EQ(added, 16u);
  record.State = BufferInserted;
  EXPECT_TRUE(KeDeregisterBugCheckReasonCallback(&record));
}

}  // namespace
}  // namespace ntemu::ke
