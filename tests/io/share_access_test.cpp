// SHARE_ACCESS.
#include "tests/support/kernel_test.h"

namespace ntemu::test {
namespace {

class ShareAccessTest : public KernelTest {
 protected:
  NTSTATUS check(FILE_OBJECT &file, ACCESS_MASK access, ULONG share, BOOLEAN update = TRUE) {
    return ::IoCheckShareAccess(access, share, &file, &sharing, update);
  }
  void expect(ULONG opens, ULONG readers, ULONG writers, ULONG deleters, ULONG shared_read, ULONG shared_write,
              ULONG shared_delete) {
    EXPECT_EQ(sharing.OpenCount, opens);
    EXPECT_EQ(sharing.Readers, readers);
    EXPECT_EQ(sharing.Writers, writers);
    EXPECT_EQ(sharing.Deleters, deleters);
    EXPECT_EQ(sharing.SharedRead, shared_read);
    EXPECT_EQ(sharing.SharedWrite, shared_write);
    EXPECT_EQ(sharing.SharedDelete, shared_delete);
  }
  SHARE_ACCESS sharing{};
  FILE_OBJECT first{}, second{};
};
using IoSetShareAccess = ShareAccessTest;
using IoCheckShareAccess = ShareAccessTest;

TEST_F(IoSetShareAccess, CountsTheFirstOpen) {
  sharing.Readers = 99;
  ::IoSetShareAccess(FILE_READ_DATA | DELETE, FILE_SHARE_READ | FILE_SHARE_WRITE, &first, &sharing);
  expect(1, 1, 0, 1, 1, 1, 0);
  EXPECT_TRUE(first.ReadAccess && first.DeleteAccess && first.SharedRead && first.SharedWrite);
  EXPECT_FALSE(first.WriteAccess || first.SharedDelete);
  IoRemoveShareAccess(&first, &sharing);
  expect(0, 0, 0, 0, 0, 0, 0);
  ::IoSetShareAccess(FILE_READ_ATTRIBUTES, 0, &second, &sharing);
  expect(0, 0, 0, 0, 0, 0, 0);
  IoRemoveShareAccess(&second, &sharing);
  expect(0, 0, 0, 0, 0, 0, 0);
}

TEST_F(IoCheckShareAccess, BothSidesHaveToAgree) {
  ::IoSetShareAccess(FILE_READ_DATA, FILE_SHARE_READ, &first, &sharing);
  EXPECT_EQ(check(second, FILE_WRITE_DATA, FILE_SHARE_READ), STATUS_SHARING_VIOLATION) << "the first allows none";
  EXPECT_EQ(check(second, FILE_READ_DATA, FILE_SHARE_WRITE), STATUS_SHARING_VIOLATION) << "the first reads";
  EXPECT_EQ(check(second, DELETE, FILE_SHARE_READ), STATUS_SHARING_VIOLATION);
  EXPECT_EQ(check(second, FILE_READ_ATTRIBUTES, 0), STATUS_SUCCESS) << "attributes conflict with nothing";
  expect(1, 1, 0, 0, 1, 0, 0);
  EXPECT_EQ(check(second, FILE_EXECUTE, FILE_SHARE_READ | FILE_SHARE_DELETE, FALSE), STATUS_SUCCESS);
  expect(1, 1, 0, 0, 1, 0, 0);
  IoUpdateShareAccess(&second, &sharing);
  expect(2, 2, 0, 0, 2, 0, 1);
  IoRemoveShareAccess(&second, &sharing);
  expect(1, 1, 0, 0, 1, 0, 0);
  EXPECT_EQ(check(second, FILE_READ_DATA, FILE_SHARE_READ), STATUS_SUCCESS);
  expect(2, 2, 0, 0, 2, 0, 0);
}

}  // namespace
}  // namespace ntemu::test
