// What the tests of synchronization objects share.
#pragma once

#include "tests/ob/sample_object.h"

namespace ntemu::test {

inline const HANDLE kNoHandle = reinterpret_cast<HANDLE>(0x7770);

// A handle that is closed at the end.
class Handle {
 public:
  Handle() = default;
  explicit Handle(HANDLE value) : value_(value) {}
  Handle(const Handle &) = delete;
  Handle &operator=(const Handle &) = delete;
  ~Handle() { close(); }
  operator HANDLE() const { return value_; }
  // Where to store another.
  PHANDLE operator&() {
    close();
    return &value_;
  }
  void close() {
    if (!value_) return;
    EXPECT_EQ(ZwClose(value_), STATUS_SUCCESS);
    value_ = nullptr;
  }

 private:
  HANDLE value_ = nullptr;
};

inline NTSTATUS poll_handle(HANDLE handle) {
  LARGE_INTEGER now{};
  return ZwWaitForSingleObject(handle, FALSE, &now);
}

inline void *body_of(HANDLE handle) {
  const auto body = ob::reference_by_handle(handle, 0, nullptr, KernelMode);
  EXPECT_TRUE(body);
  ob::dereference(*body);
  return *body;
}

// Asks for user mode as long as it lives: the Nt services then look at the rights of handles.
struct AsUser {
  AsUser() { KeGetCurrentThread()->PreviousMode = UserMode; }
  ~AsUser() { KeGetCurrentThread()->PreviousMode = KernelMode; }
};

// The rules of names, which hold for every type. `create` and `open` take (PHANDLE, POBJECT_ATTRIBUTES).
template <class Create, class Open>
void check_names(const Create &create, const Open &open) {
  constexpr std::u16string_view kPath = u"\\BaseNamedObjects\\Sync";
  Handle first, second, third;
  Name name(kPath), other_case(u"\\BASENAMEDOBJECTS\\sync"), open_if(kPath, OBJ_OPENIF);
  EXPECT_EQ(open(&first, &name.attributes), STATUS_OBJECT_NAME_NOT_FOUND);
  ASSERT_EQ(create(&first, &open_if.attributes), STATUS_SUCCESS);
  EXPECT_EQ(create(&second, &name.attributes), STATUS_OBJECT_NAME_COLLISION);
  ASSERT_EQ(create(&second, &open_if.attributes), STATUS_OBJECT_NAME_EXISTS);
  EXPECT_EQ(body_of(first), body_of(second));
  ASSERT_EQ(open(&third, &other_case.attributes), STATUS_SUCCESS);
  EXPECT_EQ(body_of(first), body_of(third));
  first.close(), second.close(), third.close();
  EXPECT_EQ(open(&first, &name.attributes), STATUS_OBJECT_NAME_NOT_FOUND) << "the name goes with the last handle";

  Name directory(u"\\BaseNamedObjects"), directory_open_if(u"\\BaseNamedObjects", OBJ_OPENIF);
  EXPECT_EQ(open(&first, &directory.attributes), STATUS_OBJECT_TYPE_MISMATCH);
  EXPECT_EQ(create(&first, &directory.attributes), STATUS_OBJECT_NAME_COLLISION);
  EXPECT_EQ(create(&first, &directory_open_if.attributes), STATUS_OBJECT_TYPE_MISMATCH);
  Name lost(u"\\NoDirectory\\Sync"), relative(u"Sync"), unknown(kPath, 0x80000000);
  EXPECT_EQ(open(&first, &lost.attributes), STATUS_OBJECT_PATH_NOT_FOUND);
  EXPECT_EQ(create(&first, &lost.attributes), STATUS_OBJECT_PATH_NOT_FOUND);
  EXPECT_EQ(open(&first, &relative.attributes), STATUS_OBJECT_PATH_SYNTAX_BAD);
  EXPECT_EQ(create(&first, &relative.attributes), STATUS_OBJECT_PATH_SYNTAX_BAD);
  EXPECT_EQ(open(&first, &unknown.attributes), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(create(&first, &unknown.attributes), STATUS_INVALID_PARAMETER);
  EXPECT_EQ(open(&first, nullptr), STATUS_INVALID_PARAMETER);

  const size_t before = ob::open_handles();
  OBJECT_ATTRIBUTES nameless;
  InitializeObjectAttributes(&nameless, nullptr, OBJ_KERNEL_HANDLE, nullptr, nullptr);
  ASSERT_EQ(create(&first, &nameless), STATUS_SUCCESS);
  ASSERT_EQ(create(&second, nullptr), STATUS_SUCCESS);
  EXPECT_NE(body_of(first), body_of(second));
  EXPECT_EQ(ob::open_handles(), before + 2);
}

}  // namespace ntemu::test
