#include "ntemu/kd/dump.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "ntemu/base/pages.h"
#include "ntemu/base/sanitizers.h"
#include "ntemu/ke/freeze.h"
#include "ntemu/ps/process.h"
#include "tests/support/kernel_test.h"

extern "C" ULONG_PTR KiBugCheckData[5];

namespace ntemu::test {
namespace {

namespace stdfs = std::filesystem;

// A dump as a debugger reads it.
class Core {
 public:
  explicit Core(const stdfs::path &path) : file_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    EXPECT_GE(file_, 0) << path;
    const auto header = at<Elf64_Ehdr>(0);
    EXPECT_EQ(std::memcmp(header.e_ident, ELFMAG, SELFMAG), 0);
    EXPECT_EQ(header.e_type, ET_CORE);
    // Where there are too many to count in 16 bits, their number is in the first section.
    const uint32_t count =
        header.e_phnum == PN_XNUM ? at<Elf64_Shdr>(header.e_shoff).sh_info : uint32_t{header.e_phnum};
    for (uint32_t i = 0; i < count; ++i) {
      const auto segment = at<Elf64_Phdr>(header.e_phoff + i * sizeof(Elf64_Phdr));
      if (segment.p_type == PT_LOAD) segments_.push_back(segment);
      if (segment.p_type == PT_NOTE) read_notes(segment);
    }
  }
  ~Core() { close(file_); }

  template <class T>
  std::vector<T> notes(const char *name, uint32_t type) const {
    std::vector<T> found;
    for (const Note &note : notes_) {
      if (note.name != name || note.type != type || note.contents.size() < sizeof(T)) continue;
      std::memcpy(static_cast<void *>(&found.emplace_back()), note.contents.data(), sizeof(T));
    }
    return found;
  }
  // Fails where the dump does not have it.
  template <class T>
  T memory(const void *address) const {
    T value{};
    const auto wanted = reinterpret_cast<uint64_t>(address);
    for (const Elf64_Phdr &segment : segments_) {
      if (wanted - segment.p_vaddr >= segment.p_filesz) continue;
      EXPECT_EQ(pread(file_, static_cast<void *>(&value), sizeof value,
                      static_cast<off_t>(segment.p_offset + wanted - segment.p_vaddr)),
                static_cast<ssize_t>(sizeof value));
      return value;
    }
    ADD_FAILURE() << "the dump does not have " << address;
    return value;
  }
  bool has(const void *address) const {
    return std::any_of(segments_.begin(), segments_.end(), [&](const Elf64_Phdr &segment) {
      return reinterpret_cast<uint64_t>(address) - segment.p_vaddr < segment.p_filesz;
    });
  }
  const std::vector<Elf64_Phdr> &segments() const { return segments_; }
  uint64_t size() const { return info().st_size < 0 ? 0 : static_cast<uint64_t>(info().st_size); }
  uint64_t stored() const { return static_cast<uint64_t>(info().st_blocks) * 512; }
  mode_t mode() const { return info().st_mode & 07777; }

 private:
  struct Note {
    std::string name;
    uint32_t type;
    std::vector<char> contents;
  };
  template <class T>
  T at(uint64_t offset) const {
    T value{};
    EXPECT_EQ(pread(file_, &value, sizeof value, static_cast<off_t>(offset)), static_cast<ssize_t>(sizeof value));
    return value;
  }
  struct stat info() const {
    struct stat info {};
    fstat(file_, &info);
    return info;
  }
  void read_notes(const Elf64_Phdr &segment) {
    for (uint64_t offset = segment.p_offset; offset < segment.p_offset + segment.p_filesz;) {
      const auto header = at<Elf64_Nhdr>(offset);
      offset += sizeof header;
      std::string name(header.n_namesz, 0);
      EXPECT_EQ(pread(file_, name.data(), name.size(), static_cast<off_t>(offset)), static_cast<ssize_t>(name.size()));
      offset += (header.n_namesz + 3) / 4 * 4;
      std::vector<char> contents(header.n_descsz);
      EXPECT_EQ(pread(file_, contents.data(), contents.size(), static_cast<off_t>(offset)),
                static_cast<ssize_t>(contents.size()));
      offset += (header.n_descsz + 3) / 4 * 4;
      notes_.push_back({name.c_str(), header.n_type, std::move(contents)});
    }
  }

  int file_;
  std::vector<Elf64_Phdr> segments_;
  std::vector<Note> notes_;
};

// A directory that goes with the test.
class Place {
 public:
  Place() {
    std::string pattern = (stdfs::temp_directory_path() / "ntemu-dump-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~Place() { stdfs::remove_all(path_); }
  stdfs::path dump() const { return path_ / kd::kDumpName; }
  const stdfs::path &path() const { return path_; }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto &entry : stdfs::directory_iterator(path_)) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }

 private:
  stdfs::path path_;
};

using Names = std::vector<std::string>;

kd::DumpResult live_dump(const stdfs::path &path, unsigned keep = kd::kKeptDumps) {
  return kd::write_live_dump({.path = path.c_str(), .keep = keep});
}

// In a process that ends afterwards, as a dump for a bugcheck leaves the world frozen.
template <class Body>
int in_child(const Body &body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

class LiveDump : public KernelTest {
 protected:
  Place place;
};

TEST_F(LiveDump, IsACoreFileThatNamesItsBugcheck) {
  const kd::DumpResult result = live_dump(place.dump());
  ASSERT_EQ(result.error, 0) << result.message.text();
  const Core core(place.dump());
  EXPECT_EQ(core.size(), result.bytes);
  EXPECT_EQ(core.mode(), 0600u);
  EXPECT_EQ(place.names(), Names{kd::kDumpName});
  const auto notes = core.notes<kd::DumpNote>("NTEMU", kd::kDumpNote);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(notes[0].kind, kd::DumpKind::kLive);
  EXPECT_EQ(notes[0].process, getpid());
  EXPECT_EQ(notes[0].bugcheck_code, 0x161u);
  EXPECT_EQ(notes[0].bugcheck_parameters[0], 0x5461736B6D6772u);
  EXPECT_EQ(notes[0].debugger_data.PsActiveProcessHead, &PsActiveProcessHead);
  EXPECT_GE(notes[0].uptime, 0);
  EXPECT_EQ(core.notes<elf_prpsinfo>("CORE", NT_PRPSINFO).size(), 1u);
  EXPECT_EQ(core.notes<uint64_t>("CORE", NT_AUXV).size(), 1u);
  EXPECT_EQ(core.notes<uint64_t>("CORE", NT_FILE).size(), 1u);
}

TEST_F(LiveDump, HasAStoppedMachinesDataWhileTheMachineKeepsItsOwn) {
  ASSERT_EQ(live_dump(place.dump()).error, 0);
  const Core core(place.dump());
  EXPECT_EQ(core.memory<ULONG_PTR>(&KiBugCheckData[0]), 0x161u);
  EXPECT_EQ(core.memory<ULONG_PTR>(&KiBugCheckData[1]), 0x5461736B6D6772u);
  EXPECT_EQ(KiBugCheckData[0], 0u);
  EXPECT_EQ(core.memory<uint32_t>(&KdDebuggerDataBlock.version), kd::kDebuggerDataVersion);
  EXPECT_EQ(core.memory<LIST_ENTRY>(&PsActiveProcessHead).Flink, PsActiveProcessHead.Flink);
}

TEST_F(LiveDump, HasARegisterSetForEachThread) {
  KEVENT event;
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  SystemThread waiter([&] { wait(&event); });
  waiter.await_blocked();
  ASSERT_EQ(live_dump(place.dump()).error, 0);
  const Core core(place.dump());
  std::map<pid_t, elf_prstatus> states;
  for (const auto &state : core.notes<elf_prstatus>("CORE", NT_PRSTATUS)) states[state.pr_pid] = state;
  ASSERT_TRUE(states.contains(waiter.thread().host_id));
  EXPECT_EQ(core.notes<elf_prstatus>("CORE", NT_PRSTATUS).front().pr_pid, gettid());
  // The stack of a waiting thread can be walked from what is saved on it.
  const auto &registers = reinterpret_cast<const user_regs_struct &>(states[waiter.thread().host_id].pr_reg);
  EXPECT_GE(registers.rsp, reinterpret_cast<uint64_t>(waiter.tcb().StackLimit));
  EXPECT_LT(registers.rsp, reinterpret_cast<uint64_t>(waiter.tcb().StackBase));
  core.memory<uint64_t>(reinterpret_cast<void *>(registers.rsp));
  KeSetEvent(&event, 0, FALSE);
}

TEST_F(LiveDump, LeavesOutWhatHasNotBeenTouched) {
  constexpr size_t kReserved = size_t{1} << 32;
  void *pages = mmap(nullptr, kReserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(pages, MAP_FAILED);
  char *bytes = static_cast<char *>(pages);
  bytes[kReserved / 2] = 42;
  bytes[kReserved - 1] = 43;
  const kd::DumpResult result = live_dump(place.dump());
  ASSERT_EQ(result.error, 0) << result.message.text();
  const Core core(place.dump());
  EXPECT_EQ(core.memory<char>(bytes + kReserved / 2), 42);
  EXPECT_EQ(core.memory<char>(bytes + kReserved - 1), 43);
  EXPECT_LT(core.size(), kReserved / 2);
  EXPECT_LT(core.stored(), core.size());
  EXPECT_LT(result.stored_bytes, core.size());
  munmap(pages, kReserved);
}

TEST_F(LiveDump, HasMemoryThatNobodyMayReadAndThatOfDriversPool) {
  auto *closed =
      static_cast<char *>(mmap(nullptr, 3 * kd::kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  closed[0] = 7;
  closed[2 * kd::kPage] = 8;
  mprotect(closed, 3 * kd::kPage, PROT_NONE);
  auto *block = static_cast<uint64_t *>(ExAllocatePool2(POOL_FLAG_NON_PAGED, 64, 'pmuD'));
  *block = 0x1234567812345678;
  ASSERT_EQ(live_dump(place.dump()).error, 0);
  const Core core(place.dump());
  EXPECT_EQ(core.memory<char>(closed), 7);
  EXPECT_EQ(core.memory<char>(closed + 2 * kd::kPage), 8);
  EXPECT_FALSE(core.has(closed + kd::kPage)) << "that nobody has touched it is all that is known of it";
  EXPECT_EQ(core.memory<uint64_t>(block), 0x1234567812345678u);
  ExFreePoolWithTag(block, 'pmuD');
  munmap(closed, 3 * kd::kPage);
}

TEST_F(LiveDump, HasMoreSegmentsThanAnElfHeaderCounts) {
  if (!std::getenv("NTEMU_TEST_FULL")) GTEST_SKIP() << "takes 300 MB of page tables";
  constexpr uint64_t kMany = 66000, kStep = (1 << 20) + kd::kPage;
  void *pages =
      mmap(nullptr, kMany * kStep, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(pages, MAP_FAILED);
  madvise(pages, kMany * kStep, MADV_NOHUGEPAGE);
  volatile char *bytes = static_cast<char *>(pages);
  bytes[(kMany - 1) * kStep] = 42;
  for (uint64_t i = 0; i < kMany; ++i) bytes[i * kStep];  // the page of zeros: it is there, and takes no memory
  const kd::DumpResult result = live_dump(place.dump());
  ASSERT_EQ(result.error, 0) << result.message.text();
  const Core core(place.dump());
  EXPECT_GT(core.segments().size(), kMany);
  EXPECT_EQ(core.memory<char>(static_cast<char *>(pages) + (kMany - 1) * kStep), 42);
  munmap(pages, kMany * kStep);
}

// Threads that wait, wake each other, begin and end: each dump has registers for every thread it names, and its thread
// list is whole.
TEST_F(LiveDump, StressOfThreadsThatComeAndGo) {
#if defined(NTEMU_ASAN) || defined(NTEMU_TSAN)
  constexpr int kRounds = 3;  // a sanitizer's shadow memory is part of each dump
#else
  constexpr int kRounds = 20;
#endif
  std::atomic<bool> stop{false};
  KSEMAPHORE ping, pong;
  KeInitializeSemaphore(&ping, 0, 1000);
  KeInitializeSemaphore(&pong, 0, 1000);
  const auto play = [&](KSEMAPHORE &mine, KSEMAPHORE &other) {
    while (!stop.load()) {
      LARGE_INTEGER limit = relative(base::kNtPerMillisecond);
      wait(&mine, &limit);
      if (KeReadStateSemaphore(&other) < 10) KeReleaseSemaphore(&other, 0, 1, FALSE);
    }
  };
  SystemThread one([&] { play(ping, pong); }), other([&] { play(pong, ping); });
  SystemThread maker([&] {
    while (!stop.load()) SystemThread([] {});
  });
  // Also when an assertion leaves the test.
  const std::unique_ptr<std::atomic<bool>, void (*)(std::atomic<bool> *)> stopping(
      &stop, [](std::atomic<bool> *flag) { flag->store(true); });
  for (int i = 0; i < rounds(kRounds, 500); ++i) {
    const kd::DumpResult result = live_dump(place.dump(), 0);
    ASSERT_EQ(result.error, 0) << result.message.text();
    const Core core(place.dump());
    const auto states = core.notes<elf_prstatus>("CORE", NT_PRSTATUS);
    ASSERT_EQ(states.size(), result.threads);
#ifndef NTEMU_TSAN
    ASSERT_EQ(result.running, 0u);
    for (const elf_prstatus &state : states)
      ASSERT_NE(reinterpret_cast<const user_regs_struct &>(state.pr_reg).rip, 0u);
#endif
    const LIST_ENTRY *head = &PsInitialSystemProcess->Pcb.ThreadListHead;
    size_t listed = 0;
    for (const auto *entry = core.memory<LIST_ENTRY>(head).Flink; entry != head && listed < 1000; ++listed)
      entry = core.memory<LIST_ENTRY>(entry).Flink;
    ASSERT_GE(listed, 3u);
    ASSERT_LT(listed, 1000u);
  }
}

TEST_F(LiveDump, KeepsOlderOnes) {
  for (int i = 0; i < 4; ++i) {
    ASSERT_EQ(live_dump(place.dump(), 2).error, 0);
    std::ofstream(place.dump()) << i;  // tells it from the others
  }
  EXPECT_EQ(place.names(), (Names{"MEMORY.DMP", "MEMORY.DMP.1", "MEMORY.DMP.2"}));
  const auto content = [&](const char *name) {
    std::ifstream file(place.path() / name);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  EXPECT_EQ(content("MEMORY.DMP.1"), "2");
  EXPECT_EQ(content("MEMORY.DMP.2"), "1");
  ASSERT_EQ(live_dump(place.dump(), 0).error, 0);
  EXPECT_EQ(content("MEMORY.DMP.1"), "2");
}

TEST_F(LiveDump, TakesOverWhatAKilledProcessLeft) {
  std::ofstream(place.dump().string() + ".tmp") << "half";
  ASSERT_EQ(live_dump(place.dump()).error, 0);
  EXPECT_EQ(place.names(), Names{"MEMORY.DMP"});
}

TEST_F(LiveDump, IsRefusedWhereAnotherIsBeingWritten) {
  kd::DumpFile other;
  kd::Message message;
  ASSERT_EQ(other.begin(place.dump().c_str(), message), 0);
  const kd::DumpResult result = live_dump(place.dump());
  EXPECT_EQ(result.error, EBUSY);
  EXPECT_EQ(std::string(result.message.text()), "a dump is being written to " + place.dump().string() + " already");
}

TEST_F(LiveDump, NeedsADirectoryThatIsThere) {
  const kd::DumpResult result = live_dump(place.path() / "no" / "MEMORY.DMP");
  EXPECT_EQ(result.error, ENOENT);
  EXPECT_NE(std::string(result.message.text()).find("No such file or directory"), std::string::npos);
}

TEST_F(LiveDump, DoesNotTakeTheNameOfADirectory) {
  stdfs::create_directory(place.dump());
  const kd::DumpResult result = live_dump(place.dump());
  EXPECT_EQ(result.error, EISDIR);
  EXPECT_EQ(place.names(), Names{"MEMORY.DMP"});
  EXPECT_TRUE(stdfs::is_directory(place.dump()));
}

TEST_F(LiveDump, LeavesNothingAndTheOlderOneWhenTheFileMayNotGrow) {
  std::ofstream(place.dump()) << "older";
  rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{1 << 20, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const kd::DumpResult result = live_dump(place.dump());
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(result.error, EFBIG);
  EXPECT_NE(std::string(result.message.text()).find("File too large"), std::string::npos);
  EXPECT_EQ(place.names(), Names{"MEMORY.DMP"});
  EXPECT_EQ(stdfs::file_size(place.dump()), 5u);
  EXPECT_EQ(live_dump(place.dump()).error, 0);
}

TEST_F(LiveDump, LeavesTheMachineRunningAndNoChild) {
  KEVENT event;
  KeInitializeEvent(&event, SynchronizationEvent, FALSE);
  std::atomic<int> rounds_done{0};
  SystemThread waiter([&] {
    for (int i = 0; i < 3; ++i) {
      wait(&event);
      ++rounds_done;
    }
  });
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(live_dump(place.dump()).error, 0);
    KeSetEvent(&event, 0, FALSE);
    while (rounds_done.load() <= i) std::this_thread::yield();
  }
  EXPECT_EQ(waitpid(-1, nullptr, __WALL | WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

// What the stop of the machine calls, with no more stack than a handler has.
class BugcheckDump : public KernelTest {
 protected:
  Place place;
};

constexpr ke::Bugcheck kStop{0xD1, {1, 2, 8, 4}};

TEST_F(BugcheckDump, HasTheStopAndTheTrapsRegistersFirst) {
  const int code = in_child([&] {
    ucontext_t trap;
    getcontext(&trap);
    trap.uc_mcontext.gregs[REG_RBX] = 0x5EED;
    const kd::DumpResult result = kd::write_bugcheck_dump(place.dump().c_str(), kStop, &trap);
    return result.error;
  });
  ASSERT_EQ(code, 0);
  const Core core(place.dump());
  const auto notes = core.notes<kd::DumpNote>("NTEMU", kd::kDumpNote);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(notes[0].kind, kd::DumpKind::kBugcheck);
  EXPECT_EQ(notes[0].bugcheck_code, 0xD1u);
  EXPECT_EQ(notes[0].bugcheck_parameters[3], 4u);
  EXPECT_EQ(core.memory<ULONG_PTR>(&KiBugCheckData[3]), 8u);
  const auto first = core.notes<elf_prstatus>("CORE", NT_PRSTATUS).front();
  EXPECT_EQ(reinterpret_cast<const user_regs_struct &>(first.pr_reg).rbx, 0x5EEDu);
  EXPECT_EQ(first.pr_cursig, SIGABRT);
}

// The child of this test has one thread, so that it makes another.
TEST_F(BugcheckDump, StopsTheOtherThreadsForGood) {
#ifdef NTEMU_TSAN
  GTEST_SKIP() << "ThreadSanitizer makes no threads after a fork";
#endif
#ifdef NTEMU_ASAN
  GTEST_SKIP() << "hangs now and then with AddressSanitizer, for a reason that is not known";
#endif
  const int code = in_child([&] {
    std::atomic<uint64_t> count{0};
    std::thread([&] {
      for (;;) ++count;
    }).detach();
    while (count.load() == 0) std::this_thread::yield();
    const kd::DumpResult result = kd::write_bugcheck_dump(place.dump().c_str(), kStop, nullptr);
    const uint64_t before = count.load();
    for (int i = 0; i < 1000; ++i) sched_yield();
    return result.error ? result.error : result.threads != 2 ? 201 : count.load() != before ? 202 : 0;
  });
  EXPECT_EQ(code, 0);
}

TEST_F(BugcheckDump, IsWrittenByAFaultHandlerOnASmallStack) {
#if defined(NTEMU_ASAN) || defined(NTEMU_TSAN)
  GTEST_SKIP() << "sanitizers report the test's own fault, and what its handler allocates";
#endif
  static Place *the_place;
  the_place = &place;
  const int code = in_child([] {
#if defined(NTEMU_ASAN) || defined(NTEMU_TSAN)
    static char stack[512 << 10];
#else
    static char stack[32 << 10];
#endif
    const stack_t alternate{stack, 0, sizeof stack};
    sigaltstack(&alternate, nullptr);
    struct sigaction action {};
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    action.sa_sigaction = [](int, siginfo_t *, void *context) {
      const kd::DumpResult result =
          kd::write_bugcheck_dump(the_place->dump().c_str(), kStop, static_cast<ucontext_t *>(context));
      _exit(result.error);
    };
    sigaction(SIGSEGV, &action, nullptr);
    *static_cast<volatile int *>(nullptr) = 0;
    return 200;
  });
  EXPECT_EQ(code, 0);
  EXPECT_EQ(place.names(), Names{"MEMORY.DMP"});
}

TEST_F(BugcheckDump, SaysWhyThereIsNone) {
  const int code = in_child([&] {
    const kd::DumpResult result = kd::write_bugcheck_dump((place.path() / "no" / "MEMORY.DMP").c_str(), kStop, nullptr);
    return result.error == ENOENT && std::strstr(result.message.text(), "MEMORY.DMP: No such file") ? 0 : 1;
  });
  EXPECT_EQ(code, 0);
}

class OutsideDump : public KernelTest {
 protected:
  // The machine's process, stopped, dumps being written by this one.
  template <class Body>
  void of_a_stopped_child(const Body &body) {
    const pid_t child = fork();
    if (child == 0) {
      raise(SIGSTOP);
      _exit(7);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, WUNTRACED), child);
    ASSERT_TRUE(WIFSTOPPED(status));
    body(child);
    kill(child, SIGCONT);
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 7);
  }
  Place place;
};

TEST_F(OutsideDump, IsOfAProcessThatDoesNotRun) {
  of_a_stopped_child([&](pid_t child) {
    const kd::DumpResult result = kd::write_outside_dump(child, {.path = place.dump().c_str()});
    if (result.error == EPERM) GTEST_SKIP() << result.message.text();
    ASSERT_EQ(result.error, 0) << result.message.text();
    const Core core(place.dump());
    const auto notes = core.notes<kd::DumpNote>("NTEMU", kd::kDumpNote);
    ASSERT_EQ(notes.size(), 1u);
    EXPECT_EQ(notes[0].kind, kd::DumpKind::kOutside);
    EXPECT_EQ(notes[0].process, child);
    EXPECT_EQ(core.memory<uint32_t>(reinterpret_cast<void *>(notes[0].debugger_data_address + 4)),
              kd::kDebuggerDataVersion);
    EXPECT_EQ(notes[0].debugger_data.PsActiveProcessHead, &PsActiveProcessHead);
    EXPECT_EQ(core.memory<ULONG_PTR>(&KiBugCheckData[0]), 0x161u);
    EXPECT_EQ(core.notes<elf_prstatus>("CORE", NT_PRSTATUS).front().pr_pid, child);
  });
}

TEST_F(OutsideDump, IsRefusedOfAnythingElse) {
  const kd::DumpResult result = kd::write_outside_dump(getpid() + 0x400000, {.path = place.dump().c_str()});
  EXPECT_EQ(result.error, ESRCH);
  EXPECT_EQ(place.names(), Names{});
}

}  // namespace
}  // namespace ntemu::test
