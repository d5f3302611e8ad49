#include "ntemu/include/ntemu/testing/mock_kernel.h"

#include <fmt/format.h>

#include <cstring>
#include <set>

#include "ntemu/api/enter.h"
#include "ntemu/base/current.h"
#include "ntemu/base/lock.h"
#include "ntemu/ke/thread.h"
#include "ntemu/ldr/image.h"
#include "ntemu/testing/report.h"
#include "ntemu/vf/stack.h"

namespace ntemu::testing {
namespace detail {
namespace {

thread_local Turn *innermost = nullptr;

// A printf-like API of the kernel calls its va_list form: the driver's line is further out.
const void *driver_site(const void *caller) {
  const ldr::Image *image = ldr::find_image(caller);
  if (!image || image->handle) return caller;
  const void *frames[16];
  const size_t count = vf::capture_stack(frames);
  for (size_t i = 0; i < count; ++i) {
    image = ldr::find_image(frames[i]);
    if (image && image->handle) return frames[i];
  }
  return caller;
}

}  // namespace

MockerBase::MockerBase(const char *name, Scope scope) : name_(name), scope_(scope), thread_(base::current_thread()) {}

MockerBase::~MockerBase() = default;

void MockerBase::install(const std::shared_ptr<MockerBase> &mocker, void (*call)()) {
  auto override = std::make_shared<api::Override>();
  override->call = call;
  override->context = mocker.get();
  override->keeps = mocker;
  mocker->active_.store(true);
  mocker->previous_ = api::exchange_override(mocker->name_, override);
}

void MockerBase::remove() {
  if (!active_.exchange(false)) return;
  const auto on_top = api::exchange_override(name_, previous_);
  // Another mocker stands before this one: it passes on what this one no longer takes.
  if (on_top && on_top->context != this) api::exchange_override(name_, on_top);
}

bool MockerBase::takes_call() const {
  if (!active_.load()) return false;
  return (scope_ == Scope::kMachine || base::current_thread() == thread_) && !Turn::is_of(*this);
}

// What fails during the call tells the line that made it.
struct Turn::Trace {
  ::testing::ScopedTrace trace;
  Trace(const machine::SourceLine &line, const std::string &text) : trace(line.file, line.line, text) {}
};

Turn::Turn(const MockerBase &mocker, const void *caller) : mocker_(mocker), outer_(innermost) {
  const machine::SourceLine line = machine::find_line(driver_site(caller));
  const ETHREAD &thread = *base::current_thread();
  std::string text = fmt::format("{} is called by {}", mocker.name(), line.function);
  if (!thread.adopted) text += fmt::format(" on thread {}", reinterpret_cast<ULONG_PTR>(thread.Cid.UniqueThread));
  trace_ = std::make_unique<Trace>(line, text);
  innermost = this;
}
Turn::~Turn() { innermost = outer_; }
void Turn::pass_on() {
  if (innermost) innermost->passed_on_ = true;
}
bool Turn::is_of(const MockerBase &mocker) {
  for (const Turn *turn = innermost; turn; turn = turn->outer_) {
    if (&turn->mocker_ == &mocker) return true;
  }
  return false;
}

}  // namespace detail

MockKernel::~MockKernel() {
  for (const auto &mocker : mockers_) mocker->remove();
  ::testing::Mock::VerifyAndClearExpectations(this);
  // A thread that an action keeps for ever (a deadlock that is tested) keeps the mocker too: GoogleMock would fail the
  // program for that at its end.
  if (!mockers_.empty()) ::testing::Mock::AllowLeak(this);
}

detail::MockerBase *MockKernel::find(const char *name) const {
  for (const auto &mocker : mockers_) {
    if (std::strcmp(mocker->name(), name) == 0) return mocker.get();
  }
  return nullptr;
}

void MockKernel::add(std::shared_ptr<detail::MockerBase> mocker, void (*call)()) {
  detail::MockerBase::install(mocker, call);
  mockers_.push_back(std::move(mocker));
}

namespace {

// Each API is told once.
struct Strays {
  base::Mutex mutex;
  std::set<api::Id> told NTEMU_GUARDED_BY(mutex);
};
Strays &strays() {
  static Strays *all = new Strays;
  return *all;
}

void judge_stray(api::Id id, const void *caller) {
  const void *site = detail::driver_site(caller);
  const ldr::Image *image = ldr::find_image(site);
  if (!image || !image->handle || api::find_override(id)) return;
  {
    base::Guard guard(strays().mutex);
    if (!strays().told.insert(id).second) return;
  }
  const machine::SourceLine line = machine::find_line(site);
  FAIL_AT(line) << "Unexpected call of " << api::entry(id).name << " at " << line.function
                << ": a StrictMockKernel is in place, and the test expects no call of this API.\n"
                << "If the driver may call it, say so: EXPECT_CALL(kernel." << api::entry(id).name
                << ", Call).Times(AnyNumber());";
}

}  // namespace

StrictMockKernel::StrictMockKernel() {
  {
    base::Guard guard(strays().mutex);
    strays().told.clear();
  }
  api::observe_call = judge_stray;
  api::hooks.fetch_or(api::kObserve);
}

StrictMockKernel::~StrictMockKernel() { api::hooks.fetch_and(~uint32_t{api::kObserve}); }

}  // namespace ntemu::testing
