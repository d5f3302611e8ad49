// The seam under ntemu::testing's mocks: a function that stands in for an API of the kernel, in every call from outside
// the kernel, until it is taken away.
#pragma once

#include <memory>
#include <string_view>

namespace ntemu::api {

struct Override {
  // In truth bool (*)(void *context, const void *caller, void *result, P...) for an API with the parameters P...: true
  // when it decided the call, having stored what the API returns in `result` (null where it returns nothing); false
  // when the API itself is to run.
  void (*call)() = nullptr;
  void *context = nullptr;
  std::shared_ptr<void> keeps;  // alive while a call is on its way
};

// From now on `override` stands in for the API of that name; null: nothing does. What did so before. A name that is not
// in the table of APIs is refused with std::invalid_argument.
std::shared_ptr<const Override> exchange_override(std::string_view api, std::shared_ptr<const Override> override);

// While one of a thread lives, the thread's own calls pass all mocks, faults and observers by.
class Bypass {
 public:
  Bypass();
  ~Bypass();
  Bypass(const Bypass &) = delete;
  Bypass &operator=(const Bypass &) = delete;
};
bool is_bypassed();

// While one lives, the thread's next call of an API passes by in that way; what it calls in turn (a driver's dispatch
// routine) does not.
class BypassOne {
 public:
  BypassOne();
  ~BypassOne();
  BypassOne(const BypassOne &) = delete;
  BypassOne &operator=(const BypassOne &) = delete;
};

}  // namespace ntemu::api
