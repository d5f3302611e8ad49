#include "ntemu/machine/device_operations.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "ntemu/base/hex.h"
#include "ntemu/base/utf.h"
#include "ntemu/io/control_request.h"

namespace ntemu::machine {
namespace {

using nlohmann::json;

// So that an answer in hexadecimal is a line of the control socket.
constexpr ULONG kMostOutput = 256 << 10;

std::u16string nt_name(const std::string &name) {
  std::u16string wide = base::to_utf16_lossy(name);
  for (const std::u16string_view prefix : {u"\\\\.\\", u"\\\\?\\"}) {
    if (wide.starts_with(prefix)) return u"\\??\\" + wide.substr(prefix.size());
  }
  return wide.starts_with(u'\\') ? wide : u"\\??\\" + wide;
}

json answer(const io::ControlRequest &request, const std::string &device) {
  if (!NT_SUCCESS(request.opened)) return refusal({request.opened, fmt::format("cannot open the device {}", device)});
  const size_t good = std::min<size_t>(request.information, request.output.size());
  return {{"ok", true},
          {"status", fmt::format("0x{:08X}", static_cast<uint32_t>(request.status))},
          {"information", request.information},
          {"output", base::to_hex(request.output.data(), good)}};
}

json control_device(Machine &machine, const json &arguments, const std::atomic<bool> &stopping) {
  const auto device = arguments.at("device").get<std::string>();
  const auto length = arguments.value("output_length", 0U);
  auto input = base::from_hex(arguments.value("input", ""));
  if (!input) return refusal({STATUS_INVALID_PARAMETER, "the input is not hexadecimal"});
  if (length > kMostOutput)
    return refusal({STATUS_INVALID_PARAMETER, fmt::format("the output may have {} bytes at most", kMostOutput)});
  auto request = std::make_shared<io::ControlRequest>();
  request->device = nt_name(device);
  if (request->device.size() > MAXUSHORT / sizeof(WCHAR))
    return refusal({STATUS_NAME_TOO_LONG, "the device's name is too long"});
  request->code = arguments.at("code").get<ULONG>();
  request->input = std::move(*input);
  request->output.resize(length);

  if (const NTSTATUS status = io::start_request(request); !NT_SUCCESS(status))
    return refusal({status, "no thread for the request"});
  machine.wait_until([&] { return request->done || stopping; }, std::nullopt);
  if (request->done) return answer(*request, device);
  return refusal({STATUS_SYSTEM_SHUTDOWN, "the machine ends before the device has completed the request"});
}

}  // namespace

Operations device_operations(Machine &machine) {
  Operations operations;
  operations["device.control"] = [&machine](const json &arguments, const std::atomic<bool> &stopping) {
    return control_device(machine, arguments, stopping);
  };
  return operations;
}

}  // namespace ntemu::machine
