#include "ntemu/machine/sanitizer_stops.h"

#include "ntemu/base/sanitizers.h"

#if !defined(NTEMU_ASAN) && !defined(NTEMU_TSAN)

namespace ntemu::machine {
bool has_sanitizer() { return false; }
void before_sanitizer_ends(void (*)()) {}
void stop_on_sanitizer_reports(bool) {}
}  // namespace ntemu::machine

#else

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "ntemu/base/log.h"
#include "ntemu/ex/pool.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ldr/image.h"

// Source: sanitizer/asan_interface.h, and the comments of compiler-rt's interfaces that have no public header.
extern "C" {
void __sanitizer_set_death_callback(void (*callback)());
void __sanitizer_set_report_fd(void *fd);
__attribute__((visibility("default"))) void __ubsan_on_report();
__attribute__((visibility("default"))) void __tsan_on_report(void *report);
__attribute__((weak)) void __ubsan_get_current_report_data(const char **kind, const char **message, const char **file,
                                                           unsigned *line, unsigned *column, char **address);
}

namespace ntemu::machine {
namespace {

// The fourth parameter: Windows' shadow code in bits 0 to 7, bit 8 for a write; above it what only we have.
[[maybe_unused]] constexpr ULONG_PTR kWrite = 0x100, kUndefined = 0x10000, kRace = 0x20000;

std::atomic<bool> asked{false};
int report_text = -1;
void (*leave)() = [] {};
// gcc's UndefinedBehaviorSanitizer is a library of its own, with callbacks of its own under the same names.
constexpr const char *kUndefinedLibrary = "libubsan.so.1";

// Where the code of a driver or of the kernel comes from that the sanitizer speaks of, as a call from there.
struct Place {
  ucontext_t registers;
  bool found;
};

_Unwind_Reason_Code look_at_frame(_Unwind_Context *frame, void *raw) {
  constexpr int kFramePointer = 6;  // in DWARF's count
  auto &place = *static_cast<Place *>(raw);
  const auto back = _Unwind_GetIP(frame);
  if (!ldr::find_image(reinterpret_cast<const void *>(back))) return _URC_NO_REASON;
  greg_t *registers = place.registers.uc_mcontext.gregs;
  registers[REG_RIP] = static_cast<greg_t>(back);
  registers[REG_RBP] = static_cast<greg_t>(_Unwind_GetGR(frame, kFramePointer));
  registers[REG_RSP] = static_cast<greg_t>(_Unwind_GetCFA(frame));
  place.found = true;
  return _URC_END_OF_STACK;
}

// What the sanitizer has written, as far as it is of use without the memory that it is about.
void log_report_text() {
  if (report_text < 0) return;
  const off_t bytes = lseek(report_text, 0, SEEK_END);
  std::string text(bytes < 0 ? 0 : static_cast<size_t>(bytes), '\0');
  const ssize_t got = pread(report_text, text.data(), text.size(), 0);
  std::string_view rest = std::string_view(text).substr(0, got < 0 ? 0 : static_cast<size_t>(got));
  rest = rest.substr(0, rest.find("Shadow bytes around"));
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (!line.empty() && !line.starts_with("====")) base::log(base::Level::kError, "sanitizer", line);
  }
}

struct Access {
  const char *what;
  const void *address;
  size_t bytes;
  ULONG_PTR kind;
};

// Of the report that is made now, on this thread.
Place find_place() {
  Place place{};
  getcontext(&place.registers);
  _Unwind_Backtrace(look_at_frame, &place);
  return place;
}

[[noreturn]] void stop(const Access &access, const Place &place) {
  log_report_text();
  base::log(base::Level::kError, "sanitizer", "{}", access.what);
  ke::bugcheck_from(place.registers,
                    {0x1F2,
                     {reinterpret_cast<ULONG_PTR>(access.address), access.bytes,
                      static_cast<ULONG_PTR>(place.registers.uc_mcontext.gregs[REG_RIP]) - 1, access.kind}});
}

void for_each_runtime(const char *name, const auto &visit) {
  void *const first = dlsym(RTLD_DEFAULT, name);
  if (first) visit(first);
  void *const library = dlopen(kUndefinedLibrary, RTLD_LAZY | RTLD_NOLOAD);
  void *const second = library ? dlsym(library, name) : nullptr;
  if (second && second != first) visit(second);
}

// Each library of its own closes what it had before.
void divert_text() {
  if (report_text < 0) return;
  for_each_runtime("__sanitizer_set_report_fd", [](void *set) {
    const intptr_t file = fcntl(report_text, F_DUPFD_CLOEXEC, 0);
    if (file >= 0) reinterpret_cast<decltype(&__sanitizer_set_report_fd)>(set)(reinterpret_cast<void *>(file));
  });
}

}  // namespace

bool has_sanitizer() { return true; }

void stop_on_sanitizer_reports(bool keep_text) {
  if (keep_text) report_text = memfd_create("sanitizer", MFD_CLOEXEC);
  divert_text();
  asked = true;
}

}  // namespace ntemu::machine

using namespace ntemu;
using machine::asked;

#ifdef NTEMU_ASAN

#include <sanitizer/asan_interface.h>

namespace ntemu::machine {
namespace {

std::string undefined;  // what was reported last

// What lies at the address, in Windows' numbers, and in ASan's where Windows has none.
__attribute__((no_sanitize("address"))) ULONG_PTR shadow_code(uintptr_t address, size_t bytes) {
  size_t scale = 0, offset = 0;
  __asan_get_shadow_mapping(&scale, &offset);
  const auto *shadow = reinterpret_cast<const uint8_t *>((address >> scale) + offset);
  if (*shadow == 0 && bytes > 8) ++shadow;
  if (*shadow < 0x80) ++shadow;  // the end of something: what follows it says of what
  constexpr struct { uint8_t theirs, ours; } kCodes[] = {{0xCA, 0x81}, {0xCB, 0x83}, {0xF9, 0x84}};
  for (const auto &code : kCodes) {
    if (*shadow == code.theirs) return code.ours;
  }
  const auto look = ex::look_at_pool(reinterpret_cast<const void *>(address), false);
  if (look.what == ex::PoolLook::kNothing) return *shadow;
  const bool freed = ex::look_at_pool(look.block.start, false).what == ex::PoolLook::kFreed;
  return freed ? 0x87 : 0x86;
}

// Nothing that the sanitizer protects itself with is needed from here on, but for its reports, of which this is the
// last.
void on_death() {
  if (!asked) return leave();
  if (!__asan_report_present())
    stop({undefined.empty() ? "UndefinedBehaviorSanitizer" : undefined.c_str(), nullptr, 0, kUndefined}, find_place());
  const void *address = __asan_get_report_address();
  const size_t bytes = __asan_get_report_access_size();
  const bool write = __asan_get_report_access_type() != 0;
  static std::string what;
  what = fmt::format("AddressSanitizer: {}, a {} of {} byte{}", __asan_get_report_description(),
                     write ? "write" : "read", bytes, bytes == 1 ? "" : "s");
  stop({what.c_str(), address, bytes, shadow_code(reinterpret_cast<uintptr_t>(address), bytes) | (write ? kWrite : 0)},
       find_place());
}

}  // namespace

void before_sanitizer_ends(void (*what)()) {
  leave = what;
  for_each_runtime("__sanitizer_set_death_callback",
                   [](void *set) { reinterpret_cast<decltype(&__sanitizer_set_death_callback)>(set)(on_death); });
}

}  // namespace ntemu::machine

// Called before the report is written; the end comes after it.
void __ubsan_on_report() {
  if (!asked || !__ubsan_get_current_report_data) return;
  const char *kind = "", *message = "", *file = "";
  unsigned line = 0, column = 0;
  char *address = nullptr;
  __ubsan_get_current_report_data(&kind, &message, &file, &line, &column, &address);
  machine::divert_text();  // with its first report it has chosen standard error anew
  machine::undefined = fmt::format("UndefinedBehaviorSanitizer: {} ({}:{}:{})", message, file, line, column);
}

#else

extern "C" {
int __tsan_get_report_data(void *report, const char **description, int *count, int *stacks, int *accesses,
                           int *locations, int *mutexes, int *threads, int *unique_threads, void **sleep, uintptr_t);
int __tsan_get_report_mop(void *report, uintptr_t index, int *thread, void **address, int *bytes, int *write,
                          int *atomic, void **trace, uintptr_t size);
}

namespace ntemu::machine {

void before_sanitizer_ends(void (*what)()) {
  leave = what;
  __sanitizer_set_death_callback(what);
}

namespace {

struct {
  std::atomic<bool> taken;
  Access access;
  Place place;
  std::string what;
} first;

}  // namespace
}  // namespace ntemu::machine

// Where the call returns to that has led to the report.
asm(R"(.text
ntemu_after_report:
  call ntemu_stop_after_report
  ud2
)");
extern "C" {
__attribute__((visibility("hidden"))) extern const char ntemu_after_report[];

__attribute__((used, visibility("hidden"))) void ntemu_stop_after_report() {
  machine::stop(machine::first.access, machine::first.place);
}
}

// The report is written, and the sanitizer's locks are still held, which others may wait for with locks that a stop
// needs. So the stop is made when the sanitizer returns to the code that it reports of.
__attribute__((no_sanitize("thread"))) void __tsan_on_report(void *report) {
  using machine::first;
  if (!asked.load(std::memory_order_relaxed) || first.taken.load(std::memory_order_relaxed)) return;
  const machine::Place place = machine::find_place();
  if (!place.found || first.taken.exchange(true)) return;
  const char *description = "";
  int counts[8] = {}, thread = 0, bytes = 0, write = 0, atomic = 0;
  void *sleep = nullptr, *address = nullptr, *trace = nullptr;
  __tsan_get_report_data(report, &description, counts, counts + 1, counts + 2, counts + 3, counts + 4, counts + 5,
                         counts + 6, &sleep, 0);
  if (counts[2] > 0) __tsan_get_report_mop(report, 0, &thread, &address, &bytes, &write, &atomic, &trace, 1);
  first.what = fmt::format("ThreadSanitizer: {}", description);
  first.place = place;
  first.access = {first.what.c_str(), address, static_cast<size_t>(bytes),
                  machine::kRace | (write ? machine::kWrite : 0)};
  const auto stack = static_cast<uintptr_t>(place.registers.uc_mcontext.gregs[REG_RSP]);
  reinterpret_cast<const void **>(stack)[-1] = ntemu_after_report;
}

#endif
#endif
