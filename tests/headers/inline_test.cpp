// The inline parts of the headers: lists, interlocked operations and IRP stack steps.
#include <gtest/gtest.h>

#include "nt/ex.h"
#include "nt/io.h"

namespace {

struct Item {
  int value;
  LIST_ENTRY link;
};

TEST(InsertTailList, KeepsTheOrderOfInsertion) {
  LIST_ENTRY head;
  InitializeListHead(&head);
  EXPECT_TRUE(IsListEmpty(&head));
  Item first{1, {}}, second{2, {}};
  InsertTailList(&head, &first.link);
  InsertTailList(&head, &second.link);
  EXPECT_EQ(CONTAINING_RECORD(RemoveHeadList(&head), Item, link)->value, 1);
  EXPECT_EQ(CONTAINING_RECORD(RemoveHeadList(&head), Item, link)->value, 2);
  EXPECT_TRUE(IsListEmpty(&head));
}

TEST(InsertHeadList, ReversesTheOrderOfInsertion) {
  LIST_ENTRY head;
  InitializeListHead(&head);
  Item first{1, {}}, second{2, {}};
  InsertHeadList(&head, &first.link);
  InsertHeadList(&head, &second.link);
  EXPECT_EQ(head.Flink, &second.link);
  EXPECT_EQ(RemoveTailList(&head), &first.link);
}

TEST(RemoveEntryList, SaysWhetherTheListBecameEmpty) {
  LIST_ENTRY head, first, second;
  InitializeListHead(&head);
  InsertTailList(&head, &first);
  InsertTailList(&head, &second);
  EXPECT_FALSE(RemoveEntryList(&first));
  EXPECT_TRUE(RemoveEntryList(&second));
}

TEST(AppendTailList, JoinsARingWithoutItsHead) {
  LIST_ENTRY head, first, second, third;
  InitializeListHead(&head);
  InsertTailList(&head, &first);
  InitializeListHead(&second);
  InsertTailList(&second, &third);
  AppendTailList(&head, &second);
  EXPECT_EQ(first.Flink, &second);
  EXPECT_EQ(third.Flink, &head);
  EXPECT_EQ(head.Blink, &third);
}

TEST(PopEntryList, ReturnsNullWhenEmpty) {
  SINGLE_LIST_ENTRY head{}, entry{};
  EXPECT_EQ(PopEntryList(&head), nullptr);
  PushEntryList(&head, &entry);
  EXPECT_EQ(PopEntryList(&head), &entry);
  EXPECT_EQ(PopEntryList(&head), nullptr);
}

TEST(InterlockedIncrement, ReturnsTheNewValue) {
  LONG value = 41;
  EXPECT_EQ(InterlockedIncrement(&value), 42);
  EXPECT_EQ(InterlockedDecrement(&value), 41);
}

TEST(InterlockedExchangeAdd, ReturnsTheOldValue) {
  LONG value = 40;
  EXPECT_EQ(InterlockedExchangeAdd(&value, 2), 40);
  EXPECT_EQ(InterlockedAdd(&value, 1), 43);
  EXPECT_EQ(InterlockedOr(&value, 4), 43);
  EXPECT_EQ(value, 47);
}

TEST(InterlockedCompareExchange, ExchangesOnlyOnEquality) {
  LONG value = 1;
  EXPECT_EQ(InterlockedCompareExchange(&value, 7, 2), 1);
  EXPECT_EQ(value, 1);
  EXPECT_EQ(InterlockedCompareExchange(&value, 7, 1), 1);
  EXPECT_EQ(value, 7);
}

TEST(InterlockedCompareExchange128, ReportsAndStoresWhatItFound) {
  alignas(16) LONG64 value[2] = {1, 2};
  LONG64 expected[2] = {1, 9};
  EXPECT_FALSE(InterlockedCompareExchange128(value, 20, 10, expected));
  EXPECT_EQ(expected[0], 1);
  EXPECT_EQ(expected[1], 2);
  EXPECT_TRUE(InterlockedCompareExchange128(value, 20, 10, expected));
  EXPECT_EQ(value[0], 10);
  EXPECT_EQ(value[1], 20);
}

TEST(InterlockedBitTestAndSet, AddressesBitsBeyondTheFirstLong) {
  LONG bits[2] = {};
  EXPECT_FALSE(InterlockedBitTestAndSet(bits, 63));
  EXPECT_EQ(static_cast<ULONG>(bits[1]), 0x80000000U);
  EXPECT_TRUE(InterlockedBitTestAndReset(bits, 63));
  EXPECT_EQ(bits[1], 0);
}

TEST(InterlockedBitTestAndComplement, FlipsOneBit) {
  LONG bits[2] = {};
  EXPECT_FALSE(InterlockedBitTestAndComplement(bits, 33));
  EXPECT_EQ(bits[1], 2);
  EXPECT_TRUE(InterlockedBitTestAndComplement(bits, 33));
  EXPECT_EQ(bits[1], 0);
}

TEST(InterlockedBitTestAndSet64, AddressesBitsBeyondTheFirstQuad) {
  LONG64 bits[2] = {};
  EXPECT_FALSE(InterlockedBitTestAndSet64(bits, 127));
  EXPECT_EQ(static_cast<ULONG64>(bits[1]), 1ULL << 63);
  EXPECT_TRUE(InterlockedBitTestAndSet64(bits, 127));
  EXPECT_TRUE(InterlockedBitTestAndReset64(bits, 127));
  EXPECT_FALSE(InterlockedBitTestAndComplement64(bits, 64));
  EXPECT_EQ(bits[1], 1);
  EXPECT_EQ(bits[0], 0);
}

TEST(InterlockedExchange8, AndItsRelativesTouchOneByte) {
  CHAR bytes[3] = {1, 2, 3};
  EXPECT_EQ(InterlockedExchange8(&bytes[1], 0x0f), 2);
  EXPECT_EQ(InterlockedAnd8(&bytes[1], 0x3c), 0x0f);
  EXPECT_EQ(InterlockedOr8(&bytes[1], 0x03), 0x0c);
  EXPECT_EQ(InterlockedXor8(&bytes[1], 0x01), 0x0f);
  EXPECT_EQ(InterlockedExchangeAdd8(&bytes[1], 127), 0x0e);
  EXPECT_EQ(bytes[1], static_cast<CHAR>(0x8d));
  EXPECT_EQ(bytes[0], 1);
  EXPECT_EQ(bytes[2], 3);
}

TEST(InterlockedExchangeSubtract, ReturnsTheOldValue) {
  ULONG value = 1;
  EXPECT_EQ(InterlockedExchangeSubtract(&value, 2), 1u);
  EXPECT_EQ(value, 0xffffffffu);
}

TEST(InterlockedNoFence, WeakerFormsDoTheSame) {
  LONG value = 1;
  SHORT small = 1;
  LONG64 large = 1;
  PVOID pointer = nullptr;
  EXPECT_EQ(InterlockedIncrementAcquire(&value), 2);
  EXPECT_EQ(InterlockedDecrementRelease16(&small), 0);
  EXPECT_EQ(InterlockedAddNoFence64(&large, 2), 3);
  EXPECT_EQ(InterlockedOrRelease64(&large, 4), 3);
  EXPECT_EQ(InterlockedCompareExchangeAcquire64(&large, 9, 7), 7);
  EXPECT_EQ(InterlockedExchangeNoFence(&value, 5), 2);
  EXPECT_EQ(InterlockedExchangePointerNoFence(&pointer, &value), nullptr);
  EXPECT_EQ(InterlockedCompareExchangePointerRelease(&pointer, nullptr, &value), &value);
  EXPECT_EQ(pointer, nullptr);
}

TEST(ReadAcquire, EveryWidthReadsWhatWasWritten) {
  CHAR byte = 0;
  WriteRelease8(&byte, -1);
  EXPECT_EQ(ReadAcquire8(&byte), -1);
  LONG64 quad = 0;
  WriteNoFence64(&quad, MAXLONGLONG);
  EXPECT_EQ(ReadRaw64(&quad), MAXLONGLONG);
  ULONG number = 0;
  WriteULongRelease(&number, 7);
  EXPECT_EQ(ReadULongNoFence(&number), 7u);
  BOOLEAN flag = FALSE;
  WriteBooleanRaw(&flag, TRUE);
  EXPECT_TRUE(ReadBooleanAcquire(&flag));
  PVOID pointer = nullptr;
  WritePointerRelease(&pointer, &number);
  EXPECT_EQ(ReadPointerAcquire(&pointer), &number);
}

TEST(AddressAndSizeToSpanPages, CountsBothPartialPages) {
  EXPECT_EQ(ADDRESS_AND_SIZE_TO_SPAN_PAGES(0x1fff, 2), 2U);
  EXPECT_EQ(ADDRESS_AND_SIZE_TO_SPAN_PAGES(0x1000, 0x1000), 1U);
}

TEST(IoCopyCurrentIrpStackLocationToNext, LeavesTheCompletionRoutineAlone) {
  IO_STACK_LOCATION stack[2] = {};
  IRP irp = {};
  irp.Tail.Overlay.CurrentStackLocation = &stack[1];
  stack[1].MajorFunction = IRP_MJ_READ;
  stack[1].Control = SL_PENDING_RETURNED;
  stack[1].Context = &irp;
  IoCopyCurrentIrpStackLocationToNext(&irp);
  EXPECT_EQ(stack[0].MajorFunction, IRP_MJ_READ);
  EXPECT_EQ(stack[0].Control, 0);
  EXPECT_EQ(stack[0].Context, nullptr);
}

}  // namespace
