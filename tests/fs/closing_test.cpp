// Opens that their user has closed while the close itself is still under way keep nobody out.
#include <sys/resource.h>
#include <sys/syscall.h>

#include <atomic>
#include <functional>
#include <thread>

#include "tests/fs/volume_fixture.h"
#include "tests/support/kernel_test.h"

namespace ntemu::fs::test {
namespace {

constexpr ULONG kReplaceIfExists = FILE_RENAME_REPLACE_IF_EXISTS;

// Runs `body` in a thread of its own.
class Beside {
 public:
  explicit Beside(std::function<NTSTATUS()> body)
      : thread_([this, body = std::move(body)] {
          id_ = static_cast<int>(::syscall(SYS_gettid));
          status_ = body();
          ended_ = true;
        }) {}
  ~Beside() {
    if (thread_.joinable()) thread_.join();
  }
  Beside(const Beside &) = delete;
  Beside &operator=(const Beside &) = delete;

  // Until it sleeps in the host's kernel, or has ended: a condition, not a time.
  void await_asleep() {
    while (!ended_) {
      if (id_ && state() == 'S') return;
      std::this_thread::yield();
    }
  }
  bool ended() const { return ended_; }
  NTSTATUS result() {
    thread_.join();
    return status_;
  }

 private:
  char state() const {
    std::ifstream stat("/proc/self/task/" + std::to_string(id_) + "/stat");
    std::string text;
    std::getline(stat, text);
    const size_t end = text.rfind(')');
    return end == std::string::npos || end + 2 >= text.size() ? '?' : text[end + 2];
  }

  std::atomic<int> id_{0};
  std::atomic<bool> ended_{false};
  NTSTATUS status_ = 0;
  std::thread thread_;  // last: it uses the others
};

template <class Kind>
class Closing : public EachVolume<Kind> {
 protected:
  // `operation` has to wait while `open` is only closing, and what comes of it once that is cleaned up.
  NTSTATUS after_close(Opened &open, std::function<NTSTATUS()> operation) {
    open->note_closing();
    Beside beside(std::move(operation));
    beside.await_asleep();
    EXPECT_FALSE(beside.ended()) << "did not wait for the close";
    open->cleanup();
    return beside.result();
  }
};
TYPED_TEST_SUITE(Closing, Kinds);

TYPED_TEST(Closing, ExclusiveOpenWaits) {
  this->make_file(u"\\f");
  auto closing = this->open(u"\\f");
  EXPECT_EQ(this->after_close(closing, [&] { return this->try_open(u"\\f", {.share = 0}); }), STATUS_SUCCESS);
}

TYPED_TEST(Closing, OpenWaitsForSeveral) {
  this->make_file(u"\\f");
  auto first = this->open(u"\\f");
  auto second = this->open(u"\\f");
  second->note_closing();
  EXPECT_EQ(this->after_close(first,
                              [&] {
                                Beside closer([&] {
                                  second.close();
                                  return STATUS_SUCCESS;
                                });
                                return this->try_open(u"\\f", {.share = 0});
                              }),
            STATUS_SUCCESS);
}

TYPED_TEST(Closing, OverwriteWaitsForAnExclusiveOpen) {
  this->make_file(u"\\f", "data");
  auto closing = this->open(u"\\f", {.share = 0});
  EXPECT_EQ(this->after_close(closing, [&] { return this->try_open(u"\\F", {.disposition = FILE_OVERWRITE}); }),
            STATUS_SUCCESS);
  EXPECT_EQ(this->contents(u"\\f"), "");
}

TYPED_TEST(Closing, RenameOverAnOpenTargetWaits) {
  this->make_file(u"\\a", "new");
  this->make_file(u"\\b", "old");
  auto source = this->open(u"\\a");
  auto closing = this->open(u"\\b");
  EXPECT_EQ(this->after_close(closing, [&] { return this->rename_to(source, u"\\b", kReplaceIfExists); }),
            STATUS_SUCCESS);
  closing.close();
  source.close();
  EXPECT_EQ(this->contents(u"\\b"), "new");
}

TYPED_TEST(Closing, PosixRenameWaitsForWhoeverDoesNotShareDeletion) {
  this->make_file(u"\\a", "new");
  this->make_file(u"\\b", "old");
  auto source = this->open(u"\\a");
  auto sharing = this->open(u"\\b", {.access = FILE_READ_DATA});
  auto closing = this->open(u"\\b", {.access = FILE_READ_DATA, .share = FILE_SHARE_READ});
  EXPECT_EQ(
      this->after_close(
          closing, [&] { return this->rename_to(source, u"\\b", kReplaceIfExists | FILE_RENAME_POSIX_SEMANTICS); }),
      STATUS_SUCCESS);
}

TYPED_TEST(Closing, DirectoryRenameWaitsForOpensBeneath) {
  this->make_directory(u"\\d");
  this->make_directory(u"\\d\\e");
  this->make_file(u"\\d\\e\\f");
  auto directory = this->open(u"\\d");
  auto closing = this->open(u"\\d\\e\\f");
  EXPECT_EQ(this->after_close(closing, [&] { return this->rename_to(directory, u"\\n"); }), STATUS_SUCCESS);
  EXPECT_TRUE(this->exists(u"\\n\\e\\f"));
}

TYPED_TEST(Closing, CreateWaitsForAPendingDeletion) {
  this->make_file(u"\\f", "old");
  auto closing = this->open(u"\\f");
  ASSERT_EQ(this->dispose(closing), STATUS_SUCCESS);
  EXPECT_EQ(this->after_close(closing, [&] { return this->try_open(u"\\f", {.disposition = FILE_CREATE}); }),
            STATUS_SUCCESS);
  EXPECT_EQ(this->contents(u"\\f"), "");
}

TYPED_TEST(Closing, RenameWaitsForATargetsPendingDeletion) {
  this->make_file(u"\\a", "new");
  this->make_file(u"\\b");
  auto source = this->open(u"\\a");
  auto closing = this->open(u"\\b");
  ASSERT_EQ(this->dispose(closing), STATUS_SUCCESS);
  EXPECT_EQ(this->after_close(closing, [&] { return this->rename_to(source, u"\\b", kReplaceIfExists); }),
            STATUS_SUCCESS);
}

TYPED_TEST(Closing, DirectoryDeletionWaitsForItsLastFileToGo) {
  this->make_directory(u"\\d");
  this->make_file(u"\\d\\f");
  auto directory = this->open(u"\\d");
  auto closing = this->open(u"\\d\\f");
  ASSERT_EQ(this->dispose(closing), STATUS_SUCCESS);
  EXPECT_EQ(this->after_close(closing, [&] { return this->dispose(directory); }), STATUS_SUCCESS);
}

TYPED_TEST(Closing, UseTakesTheMarkBack) {
  this->make_file(u"\\f", "data");
  const std::function<void(Opened &)> uses[] = {
      [](Opened &file) {
        char byte;
        EXPECT_TRUE(file->read(&byte, 1, 0));
      },
      [](Opened &file) {
        LONGLONG offset = 0;
        EXPECT_TRUE(file->write("D", 1, offset));
      },
  };
  for (const auto &use : uses) {
    auto closing = this->open(u"\\f");
    closing->note_closing();
    Beside beside([&] { return this->try_open(u"\\f", {.share = 0}); });
    beside.await_asleep();
    use(closing);
    EXPECT_EQ(beside.result(), STATUS_SHARING_VIOLATION);
    closing->note_closing();
    closing->note_closing();
    EXPECT_EQ(this->after_close(closing, [&] { return this->try_open(u"\\f", {.share = 0}); }), STATUS_SUCCESS);
  }
}

TYPED_TEST(Closing, MarkThatIsNeverFollowedByACloseKeepsOthersOutAfterAll) {
  this->make_file(u"\\f");
  auto closing = this->open(u"\\f");
  closing->note_closing();
  EXPECT_EQ(this->try_open(u"\\f", {.share = 0}), STATUS_SHARING_VIOLATION);
}

TYPED_TEST(Closing, MarkAfterCleanupIsNothing) {
  this->make_file(u"\\f");
  auto file = this->open(u"\\f");
  file->cleanup();
  file->note_closing();
  auto exclusive = this->open(u"\\f", {.share = 0});
  EXPECT_EQ(exclusive.status, STATUS_SUCCESS);
  file.close();
  exclusive.close();
  EXPECT_EQ(this->try_open(u"\\f", {.share = 0}), STATUS_SUCCESS);
}

class ClosingInMemory : public AnyVolume {
 protected:
  ClosingInMemory() { volume_ = make_memory_volume(); }
  ~ClosingInMemory() override { volume_.reset(); }
};

long sleeps_of_this_thread() {
  rusage usage;
  return ::getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_nvcsw : -1;
}

TEST_F(ClosingInMemory, NobodyWaitsWhereAnOpenInUseConflictsAsWell) {
  make_directory(u"\\d");
  make_file(u"\\d\\f");
  make_file(u"\\a");
  auto source = open(u"\\a");
  auto directory = open(u"\\d");
  auto used = open(u"\\d\\f");
  auto closing = open(u"\\d\\f");
  closing->note_closing();
  const long before = sleeps_of_this_thread();
  const NTSTATUS open_status = try_open(u"\\d\\f", {.share = 0});
  const NTSTATUS over_status = rename_to(source, u"\\d\\f", kReplaceIfExists);
  const NTSTATUS move_status = rename_to(directory, u"\\n");
  const NTSTATUS disposition = dispose(used);
  const NTSTATUS pending = try_open(u"\\d\\f");
  EXPECT_EQ(sleeps_of_this_thread(), before) << "something waited";
  EXPECT_EQ(open_status, STATUS_SHARING_VIOLATION);
  EXPECT_EQ(over_status, STATUS_ACCESS_DENIED);
  EXPECT_EQ(move_status, STATUS_ACCESS_DENIED);
  EXPECT_EQ(disposition, STATUS_SUCCESS);
  EXPECT_EQ(pending, STATUS_DELETE_PENDING);
}

TEST_F(ClosingInMemory, NoExclusiveOpenIsLostToACloseUnderWay) {
  make_file(u"\\f");
  const int rounds = ntemu::test::rounds(2000, 100000);
  std::atomic<io::OpenFile *> handed{nullptr};
  std::atomic<bool> done{false};
  Beside closer([&] {
    while (!done) {
      if (io::OpenFile *file = handed.exchange(nullptr)) delete file;
    }
    return STATUS_SUCCESS;
  });
  int refused = 0;
  for (int round = 0; round < rounds; ++round) {
    auto file = open(u"\\f", {.mode = KernelMode});
    if (!file.file) break;
    file->note_closing();
    handed = file.file.release();
    if (try_open(u"\\f", {.share = 0, .mode = KernelMode}) != STATUS_SUCCESS) ++refused;
    while (handed) std::this_thread::yield();
  }
  done = true;
  EXPECT_EQ(closer.result(), STATUS_SUCCESS);
  EXPECT_EQ(refused, 0) << "of " << rounds;
}

}  // namespace
}  // namespace ntemu::fs::test
