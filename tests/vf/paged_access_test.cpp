#include "ntemu/vf/paged_access.h"

#include "tests/vf/verified_fixture.h"

namespace ntemu::test {
namespace {

constexpr ULONG kTag = 0x67615056;  // 'VPag'

class PagedAccess : public VerifiedTest {
 protected:
  PagedAccess() : event_(static_cast<KEVENT *>(ExAllocatePoolWithTag(PagedPool, sizeof(KEVENT) + 16, kTag))) {
    KeInitializeEvent(event_, NotificationEvent, FALSE);
  }
  ~PagedAccess() override { ExFreePoolWithTag(event_, kTag); }
  KEVENT *event_;
};

TEST_F(PagedAccess, AnEventInPagedPoolAtDispatchLevel) {
  verify(vf::kForceIrql);
  KeSetEvent(event_, 0, FALSE);  // is fine below
  const AtIrql high(DISPATCH_LEVEL);
  ke::Bugcheck stop = ke::catch_bugcheck([&] { KeSetEvent(event_, 0, FALSE); });
  EXPECT_EQ(stop.code, 0xD1u);
  EXPECT_EQ(stop.parameters[0], number(event_));
  EXPECT_EQ(stop.parameters[1], DISPATCH_LEVEL);
  EXPECT_EQ(stop.parameters[2], 1u);
  EXPECT_NE(stop.parameters[3], 0u);
  stop = ke::catch_bugcheck([&] { KeReadStateEvent(event_); });
  EXPECT_EQ(stop.code, 0xD1u);
  EXPECT_EQ(stop.parameters[2], 0u);
}

TEST_F(PagedAccess, OnlyWithTheOption) {
  verify(vf::kStandardOptions & ~vf::kForceIrql);
  const AtIrql high(DISPATCH_LEVEL);
  EXPECT_EQ(ke::catch_bugcheck([&] { KeSetEvent(event_, 0, FALSE); }).code, 0u);
}

TEST_F(PagedAccess, NonpagedPoolAndContextsMayBePassed) {
  verify(vf::kForceIrql);
  auto *event = static_cast<KEVENT *>(ExAllocatePoolWithTag(NonPagedPool, sizeof(KEVENT), kTag));
  KDPC dpc;
  KeInitializeDpc(
      &dpc, [](PKDPC, PVOID, PVOID, PVOID) {}, event_);
  {
    const AtIrql high(DISPATCH_LEVEL);
    KeInitializeEvent(event, NotificationEvent, FALSE);
    KeSetEvent(event, 0, FALSE);
    KeInsertQueueDpc(&dpc, event_, event_);  // nobody looks into them here
  }
  KeFlushQueuedDpcs();
  ExFreePool(event);
}

TEST_F(PagedAccess, WhatAFaultMeans) {
  const int here = 0;
  const auto explain = [&](bool write, const void *ip, KIRQL irql) {
    return vf::explain_paged_fault(event_, write, ip, irql);
  };
  EXPECT_FALSE(explain(true, &here, APC_LEVEL));
  const auto write = explain(true, &here, DISPATCH_LEVEL);
  ASSERT_TRUE(write);
  expect_stop(*write, 0xD1, number(event_), DISPATCH_LEVEL, 1, number(&here));
  expect_stop(*explain(false, &here, HIGH_LEVEL), 0xD1, number(event_), HIGH_LEVEL, 0, number(&here));
  expect_stop(*explain(false, event_, HIGH_LEVEL), 0xD1, number(event_), HIGH_LEVEL, 8, number(event_));
  EXPECT_FALSE(vf::explain_paged_fault(&here, true, &here, DISPATCH_LEVEL));
}

}  // namespace
}  // namespace ntemu::test
