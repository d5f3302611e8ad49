#include "ntemu/include/ntemu/testing/fuzz.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <string_view>

#include "ntemu/include/ntemu/testing/device.h"
#include "ntemu/include/ntemu/testing/machine.h"
#include "ntemu/include/ntemu/testing/matchers.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/testing/report.h"

// What the kernel holds through its own pages LeakSanitizer takes for lost; what the driver loses DeviceFuzzer tells.
extern "C" int __lsan_is_turned_off() { return 1; }

namespace ntemu::testing {
namespace {

constexpr char kService[] = "fuzzed";

// libFuzzer keeps the input of a process that aborts.
class AbortOnFailure : public ::testing::EmptyTestEventListener {
  void OnTestPartResult(const ::testing::TestPartResult &result) override {
    if (!result.failed()) return;
    fmt::print(stderr, "{}\n", result.message());
    std::abort();
  }
};

class Bytes {
 public:
  explicit Bytes(std::span<const uint8_t> all) : left_(all) {}
  bool empty() const { return left_.empty(); }
  uint32_t number(size_t bytes) {
    uint32_t value = 0;
    for (size_t i = 0; i < bytes && !left_.empty(); ++i) {
      value |= uint32_t{left_[0]} << 8 * i;
      left_ = left_.subspan(1);
    }
    return value;
  }
  std::string_view text(size_t length) {
    const auto taken = left_.subspan(0, std::min(length, left_.size()));
    left_ = left_.subspan(taken.size());
    return {reinterpret_cast<const char *>(taken.data()), taken.size()};
  }

 private:
  std::span<const uint8_t> left_;
};

}  // namespace

struct DeviceFuzzer::State {
  PDRIVER_INITIALIZE entry;
  std::string path;
  std::vector<ULONG> codes;
  bool traces = std::getenv("NTEMU_FUZZ_TRACE") != nullptr;
  std::optional<Machine> machine;

  void trace(std::string_view what, const Answer &answer) const {
    if (traces) fmt::print(stderr, "{}: {}, information {}\n", what, status_name(answer.status), answer.information);
  }
  void request(Device &device, Bytes &bytes) const;
};

void DeviceFuzzer::State::request(Device &device, Bytes &bytes) const {
  const size_t kind = bytes.number(1) % (codes.size() + 3);
  const ULONG output = bytes.number(2);
  const std::string_view input = bytes.text(bytes.number(2));
  if (kind < codes.size()) {
    if (traces) fmt::print(stderr, "control {:#x}, {} bytes in, {} bytes out\n", codes[kind], input.size(), output);
    // What waits is cancelled when the request goes.
    Request request = device.start_control(codes[kind], input, output);
    if (request.completed()) trace("  answer", request.wait());
  } else if (kind == codes.size()) {
    if (traces) fmt::print(stderr, "read {} bytes\n", output);
    Request request = device.start_read(output);
    if (request.completed()) trace("  answer", request.wait());
  } else if (kind == codes.size() + 1) {
    if (traces) fmt::print(stderr, "write {} bytes\n", input.size());
    Request request = device.start_write(input);
    if (request.completed()) trace("  answer", request.wait());
  } else {
    if (traces) fmt::print(stderr, "close\n");
    device.close();
  }
}

DeviceFuzzer::DeviceFuzzer(PDRIVER_INITIALIZE entry, std::string path, std::vector<ULONG> codes)
    : state_(std::make_unique<State>()) {
  state_->entry = entry;
  state_->path = std::move(path);
  state_->codes = std::move(codes);
  ::testing::UnitTest::GetInstance()->listeners().Append(new AbortOnFailure);
  state_->machine.emplace();
  ke::end_machine = [](const ke::Stop &) { std::abort(); };
}

DeviceFuzzer::~DeviceFuzzer() = default;

void DeviceFuzzer::run(std::span<const uint8_t> input) {
  Machine &machine = *state_->machine;
  if (!NT_SUCCESS(machine.start(kService, state_->entry))) FAIL_TEST() << machine.problem();
  for (Bytes bytes(input); !bytes.empty();) {
    Device device(state_->path);
    if (!NT_SUCCESS(device.status())) FAIL_TEST() << state_->path << ": " << status_name(device.status());
    while (!bytes.empty() && device.file()) state_->request(device, bytes);
  }
  machine.unload(kService);
  for (const std::string &leak : machine.leaks()) FAIL_TEST() << "Leaked: " << leak;
}

}  // namespace ntemu::testing
