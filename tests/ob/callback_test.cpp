#include <atomic>
#include <random>
#include <vector>

#include "ntemu/ob/object.h"
#include "tests/ob/sample_object.h"
#include "tests/support/stress.h"

namespace ntemu::test {
namespace {

constexpr ULONG kPermanent = OBJ_CASE_INSENSITIVE | OBJ_PERMANENT;

struct Call {
  PVOID context, first, second;
  bool operator==(const Call &) const = default;
};
std::vector<Call> call_list;

VOID NTAPI note_call(PVOID context, PVOID first, PVOID second) { call_list.push_back({context, first, second}); }

PVOID number(ULONG_PTR value) { return reinterpret_cast<PVOID>(value); }

class ExCallback : public KernelTest {
 protected:
  ExCallback() { call_list.clear(); }
  static PCALLBACK_OBJECT make(BOOLEAN multiple, std::u16string_view path = u"\\Callback\\Sample") {
    Name name(path, kPermanent);
    PCALLBACK_OBJECT object = nullptr;
    EXPECT_EQ(ExCreateCallback(&object, &name.attributes, TRUE, multiple), STATUS_SUCCESS);
    return object;
  }
  static void drop(PCALLBACK_OBJECT object) {
    ObMakeTemporaryObject(object);
    ObDereferenceObject(object);
  }
};

TEST_F(ExCallback, CreateMakesThenOpens) {
  Name name(u"\\Callback\\Sample", kPermanent);
  PCALLBACK_OBJECT object = nullptr, again = nullptr;
  EXPECT_EQ(ExCreateCallback(&object, &name.attributes, FALSE, TRUE), STATUS_OBJECT_NAME_NOT_FOUND);
  EXPECT_EQ(object, nullptr);
  EXPECT_EQ(ExCreateCallback(&object, &name.attributes, TRUE, TRUE), STATUS_SUCCESS);
  EXPECT_EQ(ObGetObjectType(object)->name, u"Callback");
  Name other_case(u"\\callback\\SAMPLE");
  EXPECT_EQ(ExCreateCallback(&again, &other_case.attributes, FALSE, FALSE), STATUS_SUCCESS);
  EXPECT_EQ(again, object);
  ObDereferenceObject(again);
  EXPECT_EQ(ExCreateCallback(&again, &name.attributes, TRUE, FALSE), STATUS_SUCCESS);
  EXPECT_EQ(again, object);
  ObDereferenceObject(again);
  drop(object);
  EXPECT_EQ(ExCreateCallback(&object, &name.attributes, FALSE, TRUE), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_F(ExCallback, CreateNeedsAName) {
  OBJECT_ATTRIBUTES attributes;
  InitializeObjectAttributes(&attributes, nullptr, kPermanent, nullptr, nullptr);
  PCALLBACK_OBJECT object = nullptr;
  EXPECT_EQ(ExCreateCallback(&object, &attributes, TRUE, TRUE), STATUS_UNSUCCESSFUL);
  Name empty(u"", kPermanent);
  EXPECT_EQ(ExCreateCallback(&object, &empty.attributes, TRUE, TRUE), STATUS_UNSUCCESSFUL);
}

TEST_F(ExCallback, CreateReportsWrongNames) {
  PCALLBACK_OBJECT object = nullptr;
  Name directory(u"\\Device", kPermanent);
  EXPECT_EQ(ExCreateCallback(&object, &directory.attributes, TRUE, TRUE), STATUS_OBJECT_TYPE_MISMATCH);
  EXPECT_EQ(ExCreateCallback(&object, &directory.attributes, FALSE, TRUE), STATUS_OBJECT_TYPE_MISMATCH);
  Name nowhere(u"\\Nowhere\\Sample", kPermanent);
  EXPECT_EQ(ExCreateCallback(&object, &nowhere.attributes, TRUE, TRUE), STATUS_OBJECT_PATH_NOT_FOUND);
  EXPECT_EQ(object, nullptr);
}

TEST_F(ExCallback, ATemporaryNameIsGoneAtOnce) {
  Name name(u"\\Callback\\Sample");
  PCALLBACK_OBJECT object = nullptr, again = nullptr;
  ASSERT_EQ(ExCreateCallback(&object, &name.attributes, TRUE, TRUE), STATUS_SUCCESS);
  EXPECT_EQ(ExCreateCallback(&again, &name.attributes, FALSE, TRUE), STATUS_OBJECT_NAME_NOT_FOUND);
  ExNotifyCallback(object, nullptr, nullptr);
  ObDereferenceObject(object);
}

TEST_F(ExCallback, SystemObjectsExist) {
  for (const char16_t *path : {u"\\Callback\\SetSystemTime", u"\\Callback\\PowerState", u"\\Callback\\ProcessorAdd"}) {
    Name name(path);
    PCALLBACK_OBJECT object = nullptr;
    ASSERT_EQ(ExCreateCallback(&object, &name.attributes, FALSE, FALSE), STATUS_SUCCESS);
    const PVOID a = ExRegisterCallback(object, note_call, nullptr), b = ExRegisterCallback(object, note_call, nullptr);
    EXPECT_NE(a, nullptr);
    EXPECT_NE(b, nullptr);
    ExUnregisterCallback(a);
    ExUnregisterCallback(b);
    ObDereferenceObject(object);
  }
}

TEST_F(ExCallback, NotifyCallsInTheOrderOfRegistration) {
  const PCALLBACK_OBJECT object = make(TRUE);
  const PVOID a = ExRegisterCallback(object, note_call, number(1));
  const PVOID b = ExRegisterCallback(object, note_call, number(2));
  ExNotifyCallback(object, number(8), number(9));
  EXPECT_EQ(call_list, (std::vector<Call>{{number(1), number(8), number(9)}, {number(2), number(8), number(9)}}));
  call_list.clear();
  ExUnregisterCallback(a);
  ExNotifyCallback(object, nullptr, nullptr);
  EXPECT_EQ(call_list, (std::vector<Call>{{number(2), nullptr, nullptr}}));
  ExUnregisterCallback(b);
  call_list.clear();
  ExNotifyCallback(object, nullptr, nullptr);
  EXPECT_TRUE(call_list.empty());
  drop(object);
}

TEST_F(ExCallback, NotifyKeepsTheIrql) {
  static KIRQL seen;
  const PCALLBACK_OBJECT object = make(TRUE);
  const PVOID a = ExRegisterCallback(
      object, [](PVOID, PVOID, PVOID) { seen = KeGetCurrentIrql(); }, nullptr);
  const KIRQL old = KeRaiseIrqlToDpcLevel();
  ExNotifyCallback(object, nullptr, nullptr);
  KeLowerIrql(old);
  EXPECT_EQ(seen, DISPATCH_LEVEL);
  ExUnregisterCallback(a);
  drop(object);
}

TEST_F(ExCallback, ASingleObjectTakesOneRoutine) {
  const PCALLBACK_OBJECT object = make(FALSE);
  const PVOID a = ExRegisterCallback(object, note_call, nullptr);
  EXPECT_NE(a, nullptr);
  EXPECT_EQ(ExRegisterCallback(object, note_call, nullptr), nullptr);
  ExUnregisterCallback(a);
  const PVOID b = ExRegisterCallback(object, note_call, nullptr);
  EXPECT_NE(b, nullptr);
  ExUnregisterCallback(b);
  drop(object);
}

TEST_F(ExCallback, ARegistrationKeepsTheObject) {
  const PCALLBACK_OBJECT object = make(TRUE);
  const LONG64 references = ob::reference_count(object);
  const PVOID a = ExRegisterCallback(object, note_call, nullptr);
  EXPECT_EQ(ob::reference_count(object), references + 1);
  ExUnregisterCallback(a);
  EXPECT_EQ(ob::reference_count(object), references);
  drop(object);
}

TEST_F(ExCallback, UnregisterWaitsForARunningRoutine) {
  struct Gate {
    KEVENT entered, leave;
    std::atomic<bool> left{false};
  } gate;
  KeInitializeEvent(&gate.entered, NotificationEvent, FALSE);
  KeInitializeEvent(&gate.leave, NotificationEvent, FALSE);
  const PCALLBACK_OBJECT object = make(TRUE);
  const PVOID a = ExRegisterCallback(
      object,
      [](PVOID context, PVOID, PVOID) {
        auto &the_gate = *static_cast<Gate *>(context);
        KeSetEvent(&the_gate.entered, 0, FALSE);
        wait(&the_gate.leave);
        the_gate.left = true;
      },
      &gate);
  SystemThread notifier([&] { ExNotifyCallback(object, nullptr, nullptr); });
  wait(&gate.entered);
  SystemThread leaver([&] {
    ExUnregisterCallback(a);
    EXPECT_TRUE(gate.left);
  });
  leaver.await_blocked();
  ExNotifyCallback(object, nullptr, nullptr);  // the leaving routine is not called again
  KeSetEvent(&gate.leave, 0, FALSE);
  leaver.join();
  notifier.join();
  drop(object);
}

using ExCallbackStress = ExCallback;

TEST_F(ExCallbackStress, NoRoutineRunsOnceItIsUnregistered) {
  struct Owner {
    std::atomic<bool> registered{false};
    std::atomic<int> *errors;
    std::atomic<int> calls{0};
  };
  std::atomic<int> errors{0};
  const PCALLBACK_OBJECT object = make(TRUE);
  const int count = rounds(4000, 200000);
  std::vector<Owner> owners(4);
  for (Owner &owner : owners) owner.errors = &errors;
  run_together(kStressThreads, [&](unsigned index) {
    if (index >= owners.size()) {
      for (int i = 0; i < count; ++i) ExNotifyCallback(object, nullptr, nullptr);
      return;
    }
    Owner &owner = owners[index];
    for (int i = 0; i < count; ++i) {
      owner.registered = true;
      const PVOID registration = ExRegisterCallback(
          object,
          [](PVOID context, PVOID, PVOID) {
            auto &the_owner = *static_cast<Owner *>(context);
            if (!the_owner.registered) ++*the_owner.errors;
            ++the_owner.calls;
          },
          &owner);
      if (!registration) ++errors;
      ExUnregisterCallback(registration);
      owner.registered = false;
    }
  });
  EXPECT_EQ(errors, 0);
  const LONG64 references = ob::reference_count(object);
  EXPECT_EQ(references, 2);  // the name's and ours
  drop(object);
}

}  // namespace
}  // namespace ntemu::test
