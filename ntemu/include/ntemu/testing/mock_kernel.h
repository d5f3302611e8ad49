// Mocks of the kernel's API: any function of it can be expected, replaced or watched in a test of a driver, without a
// change in the driver.
//
//   MockKernel kernel;
//   EXPECT_CALL(kernel.ZwCreateFile, Call(_, _,
//   ObjectNameIs(u"\\??\\C:\\a.txt"))).WillOnce(Return(STATUS_ACCESS_DENIED));
//
// What no expectation decides is done by the emulation itself: an EXPECT_CALL without an action lets the call through
// and counts it. An API that a test does not name is not intercepted at all. The printf-like APIs are mocked in their
// va_list form (vDbgPrintEx, RtlStringCchVPrintfW); macros and inline functions (InitializeObjectAttributes,
// InsertTailList) call no API and cannot be mocked.
#pragma once

#include <gmock/gmock.h>

#include <atomic>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "ntemu/override.h"
#include "ntifs.h"
#include "ntintsafe.h"
#include "ntstrsafe.h"

namespace ntemu::testing {

class MockKernel;

// Whose calls a MockKernel sees.
enum class Scope {
  kMachine,     // those of every thread
  kThisThread,  // those of the thread that made the MockKernel
};

namespace detail {

template <auto Function>
inline constexpr const char *kName = nullptr;
#define NTEMU_EACH_API(name) \
  template <>                \
  inline constexpr const char *kName<&::name> = #name;
#include "ntemu/testing/apis.inc"
#undef NTEMU_EACH_API

class MockerBase {
 public:
  MockerBase(const char *name, Scope scope);
  virtual ~MockerBase();
  MockerBase(const MockerBase &) = delete;
  MockerBase &operator=(const MockerBase &) = delete;

  const char *name() const { return name_; }
  // From now on stands in for the API; until `remove`, at the latest when its owner is destroyed.
  static void install(const std::shared_ptr<MockerBase> &mocker, void (*call)());
  void remove();
  // Whether a call by the calling thread is the mocker's to decide: not one that its own action makes.
  bool takes_call() const;
  // What stood in for the API before this mocker.
  const api::Override *previous() const { return previous_.get(); }

 private:
  const char *name_;
  Scope scope_;
  const void *thread_;
  std::atomic<bool> active_{false};
  std::shared_ptr<const api::Override> previous_;
};

// A call that a mocker decides now, on this thread.
class Turn {
 public:
  Turn(const MockerBase &mocker, const void *caller);
  ~Turn();
  Turn(const Turn &) = delete;
  Turn &operator=(const Turn &) = delete;
  // Lets the innermost one's API do the work, after the mocker has returned.
  static void pass_on();
  bool passed_on() const { return passed_on_; }
  static bool is_of(const MockerBase &mocker);

 private:
  struct Trace;
  const MockerBase &mocker_;
  std::unique_ptr<Trace> trace_;
  Turn *outer_;
  bool passed_on_ = false;
};

struct PassOn {
  template <class R, class Arguments>
  R Perform(const Arguments &) const {
    Turn::pass_on();
    return R();
  }
};

template <class R, class... P>
class Mocker : public MockerBase {
 public:
  using MockerBase::MockerBase;
  ::testing::internal::FunctionMocker<R(P...)> calls;

  static bool decide(void *context, const void *caller, void *result, P... arguments) {
    auto &self = *static_cast<Mocker *>(context);
    if (!self.takes_call()) {
      const api::Override *previous = self.previous();
      if (!previous) return false;
      return reinterpret_cast<bool (*)(void *, const void *, void *, P...)>(previous->call)(previous->context, caller,
                                                                                            result, arguments...);
    }
    Turn turn(self, caller);
    if constexpr (std::is_void_v<R>) {
      self.calls.Invoke(arguments...);
    } else {
      R value = self.calls.Invoke(arguments...);
      if (!turn.passed_on()) *static_cast<R *>(result) = value;
    }
    return !turn.passed_on();
  }
};

// A matcher for each argument of a call; those left out at the end match anything.
template <class... P>
struct Arguments {
  template <class... M>
  static constexpr bool kMatch = sizeof...(M) <= sizeof...(P) &&
                                 (!std::is_same_v<std::decay_t<M>, ::testing::internal::WithoutMatchers> && ...);

  template <class M>
  static std::tuple<::testing::Matcher<P>...> match(const M &matchers) {
    return each(matchers, std::index_sequence_for<P...>{});
  }

 private:
  template <class M, size_t... I>
  static std::tuple<::testing::Matcher<P>...> each(const M &matchers, std::index_sequence<I...>) {
    return {nth<P, I>(matchers)...};
  }
  template <class Argument, size_t I, class M>
  static ::testing::Matcher<Argument> nth([[maybe_unused]] const M &matchers) {
    if constexpr (I < std::tuple_size_v<M>) {
      return ::testing::SafeMatcherCast<Argument>(std::get<I>(matchers));
    } else {
      return ::testing::A<Argument>();
    }
  }
};

template <class R, class... P>
Mocker<R, P...> &mocker_of(void *apis, const char *name);

// The members of MockKernel. They are empty, so that all of them lie where their MockKernel does.
template <auto Function, class Type = decltype(Function)>
struct Api {};  // a printf-like function: mock its va_list form
template <auto Function, class R, class... P>
struct Api<Function, R (*)(P...)> {
  using Spec = ::testing::internal::MockSpec<R(P...)>;
  template <class... M>
  requires(Arguments<P...>::template kMatch<M...>) Spec gmock_Call(M &&...matchers) {
    auto &calls = mocker_of<R, P...>(this, kName<Function>).calls;
    return std::apply([&](auto &&...each) { return calls.With(each...); },
                      Arguments<P...>::match(std::forward_as_tuple(std::forward<M>(matchers)...)));
  }
  Spec gmock_Call(const ::testing::internal::WithoutMatchers &, R (*)(P...)) {
    auto &calls = mocker_of<R, P...>(this, kName<Function>).calls;
    return calls.With(::testing::A<P>()...);
  }
};

struct Apis {
#define NTEMU_EACH_API(name) [[no_unique_address]] Api<&::name> name;
#include "ntemu/testing/apis.inc"
#undef NTEMU_EACH_API
};
static_assert(std::is_empty_v<Apis>);

}  // namespace detail

// Has one member for each API, named like it. The expectations hold until it is destroyed, and are verified then.
// NiceMock and StrictMock work as with any mock: they say what a call means whose API has an ON_CALL only.
class MockKernel : public detail::Apis {
 public:
  explicit MockKernel(Scope scope = Scope::kMachine) : scope_(scope) {}
  ~MockKernel();
  MockKernel(const MockKernel &) = delete;
  MockKernel &operator=(const MockKernel &) = delete;

 private:
  template <class R, class... P>
  friend detail::Mocker<R, P...> &detail::mocker_of(void *apis, const char *name);
  // The mocker of that API, if the test has named it.
  detail::MockerBase *find(const char *name) const;
  void add(std::shared_ptr<detail::MockerBase> mocker, void (*call)());

  Scope scope_;
  std::vector<std::shared_ptr<detail::MockerBase>> mockers_;
};

using NiceMockKernel = ::testing::NiceMock<MockKernel>;

// Every call of a driver's has to be expected: one of an API that no EXPECT_CALL or ON_CALL names fails the test, and
// names the line that made it. Only calls from loaded images are judged, not those of the test program.
class StrictMockKernel : public ::testing::StrictMock<MockKernel> {
 public:
  StrictMockKernel();
  ~StrictMockKernel();
};

// Calls the API itself. The default action of every mock, for DoAll and Sequence of actions.
inline ::testing::PolymorphicAction<detail::PassOn> CallsReal() {
  return ::testing::MakePolymorphicAction(detail::PassOn());
}

template <class R, class... P>
detail::Mocker<R, P...> &detail::mocker_of(void *apis, const char *name) {
  auto &kernel = static_cast<MockKernel &>(*static_cast<Apis *>(apis));
  if (MockerBase *known = kernel.find(name)) return static_cast<Mocker<R, P...> &>(*known);
  auto fresh = std::make_shared<Mocker<R, P...>>(name, kernel.scope_);
  auto &calls = fresh->calls;
  calls.SetOwnerAndName(&kernel, name);
  calls.RegisterOwner(&kernel);
  calls.With(::testing::A<P>()...)
      .InternalDefaultActionSetAt("the emulation", -1, "kernel", name)
      .WillByDefault(CallsReal());
  kernel.add(fresh, reinterpret_cast<void (*)()>(&Mocker<R, P...>::decide));
  return *fresh;
}

}  // namespace ntemu::testing
