// Share access, over every combination of two opens.
#include "tests/fs/volume_fixture.h"

namespace ntemu::fs::test {
namespace {

template <class Kind>
class ShareAccess : public EachVolume<Kind> {};
TYPED_TEST_SUITE(ShareAccess, Kinds);

// The eight combinations of reading, writing and deleting, which the share bits mirror.
constexpr ACCESS_MASK kRights[] = {FILE_READ_DATA, FILE_WRITE_DATA, DELETE};

ACCESS_MASK access_of(unsigned bits) {
  ACCESS_MASK access = SYNCHRONIZE | FILE_READ_ATTRIBUTES;
  for (unsigned i = 0; i < 3; ++i) {
    if (bits & (1U << i)) access |= kRights[i];
  }
  return access;
}

// Stated independently of the implementation's counters: each side must allow what the other does; who does nothing
// that counts neither asks nor forbids.
bool compatible(unsigned first, unsigned first_share, unsigned second, unsigned second_share) {
  if (first == 0 || second == 0) return true;
  return (second & ~first_share) == 0 && (first & ~second_share) == 0;
}

TYPED_TEST(ShareAccess, EveryPairOfOpens) {
  this->make_file(u"\\f");
  for (unsigned first = 0; first < 8; ++first) {
    for (unsigned first_share = 0; first_share < 8; ++first_share) {
      auto holder = this->open(u"\\f", {.access = access_of(first), .share = first_share});
      ASSERT_EQ(holder.status, STATUS_SUCCESS);
      for (unsigned second = 0; second < 8; ++second) {
        for (unsigned second_share = 0; second_share < 8; ++second_share) {
          const NTSTATUS expected =
              compatible(first, first_share, second, second_share) ? STATUS_SUCCESS : STATUS_SHARING_VIOLATION;
          ASSERT_EQ(this->try_open(u"\\f", {.access = access_of(second), .share = second_share}), expected)
              << first << "/" << first_share << " then " << second << "/" << second_share;
        }
      }
    }
  }
}

TYPED_TEST(ShareAccess, ThirdOpenMustSuitBothOthers) {
  this->make_file(u"\\f");
  auto a = this->open(u"\\f", {.access = FILE_READ_DATA, .share = kShareAll});
  auto b = this->open(u"\\f", {.access = FILE_READ_DATA, .share = FILE_SHARE_READ});
  EXPECT_EQ(this->try_open(u"\\f", {.access = FILE_WRITE_DATA}), STATUS_SHARING_VIOLATION);
  b.close();
  EXPECT_EQ(this->try_open(u"\\f", {.access = FILE_WRITE_DATA}), STATUS_SUCCESS);
}

TYPED_TEST(ShareAccess, ExecuteCountsAsReadAndAppendAsWrite) {
  this->make_file(u"\\f");
  auto holder = this->open(u"\\f", {.access = FILE_READ_DATA, .share = 0});
  EXPECT_EQ(this->try_open(u"\\f", {.access = FILE_EXECUTE}), STATUS_SHARING_VIOLATION);
  EXPECT_EQ(this->try_open(u"\\f", {.access = FILE_APPEND_DATA}), STATUS_SHARING_VIOLATION);
  EXPECT_EQ(this->try_open(u"\\f", {.access = FILE_READ_ATTRIBUTES | READ_CONTROL, .share = 0}), STATUS_SUCCESS);
}

TYPED_TEST(ShareAccess, CountsDropAtCleanupNotAtClose) {
  this->make_file(u"\\f");
  auto holder = this->open(u"\\f", {.share = 0});
  EXPECT_EQ(this->try_open(u"\\f"), STATUS_SHARING_VIOLATION);
  holder->cleanup();
  EXPECT_EQ(this->try_open(u"\\f"), STATUS_SUCCESS);
  holder.close();
  auto again = this->open(u"\\f", {.share = 0});
  EXPECT_EQ(this->try_open(u"\\f"), STATUS_SHARING_VIOLATION);
}

TYPED_TEST(ShareAccess, SupersedeNeedsDeleteSharedAndOverwriteNeedsWrite) {
  this->make_file(u"\\f");
  auto holder = this->open(u"\\f", {.access = FILE_READ_DATA, .share = FILE_SHARE_READ | FILE_SHARE_WRITE});
  EXPECT_EQ(this->try_open(u"\\f", {.disposition = FILE_SUPERSEDE, .access = FILE_READ_DATA}),
            STATUS_SHARING_VIOLATION);
  EXPECT_EQ(this->try_open(u"\\f", {.disposition = FILE_OVERWRITE, .access = FILE_READ_DATA}), STATUS_SUCCESS);
  holder = this->open(u"\\f", {.access = FILE_READ_DATA, .share = FILE_SHARE_READ | FILE_SHARE_DELETE});
  EXPECT_EQ(this->try_open(u"\\f", {.disposition = FILE_SUPERSEDE, .access = FILE_READ_DATA}), STATUS_SUCCESS);
  EXPECT_EQ(this->try_open(u"\\f", {.disposition = FILE_OVERWRITE, .access = FILE_READ_DATA}),
            STATUS_SHARING_VIOLATION);
}

TYPED_TEST(ShareAccess, WhatADispositionAddsIsNotCounted) {
  this->make_file(u"\\f");
  auto holder = this->open(u"\\f", {.disposition = FILE_OVERWRITE, .access = FILE_READ_DATA});
  EXPECT_EQ(this->try_open(u"\\f", {.access = FILE_READ_DATA, .share = FILE_SHARE_READ}), STATUS_SUCCESS);
}

TYPED_TEST(ShareAccess, RefusedOpenChangesNothing) {
  this->make_file(u"\\f", "data");
  auto holder = this->open(u"\\f", {.access = FILE_READ_DATA, .share = FILE_SHARE_READ});
  EXPECT_EQ(this->try_open(u"\\f", {.disposition = FILE_OVERWRITE_IF}), STATUS_SHARING_VIOLATION);
  EXPECT_EQ(this->try_open(u"\\f", {.options = FILE_DELETE_ON_CLOSE}), STATUS_SHARING_VIOLATION);
  EXPECT_EQ(this->contents(u"\\f"), "data");
}

TYPED_TEST(ShareAccess, AppliesToDirectories) {
  this->make_directory(u"\\d");
  auto holder = this->open(u"\\d", {.access = FILE_LIST_DIRECTORY, .share = 0});
  EXPECT_EQ(this->try_open(u"\\d", {.access = FILE_ADD_FILE}), STATUS_SHARING_VIOLATION);
  this->make_file(u"\\d\\inside is another matter");
}

}  // namespace
}  // namespace ntemu::fs::test
