// u, uf: instructions.
#include <fmt/format.h>

#include "tools/kd/commands.h"
#include "tools/kd/disassembly.h"
#include "tools/kd/format.h"

namespace ntemu::debug {
namespace {

constexpr uint64_t kMostInstructions = 10'000;

// Until `end`, or `count` of them; the address behind the last one.
Address tell_code(Session &session, Output &output, Address at, Address end, uint64_t count) {
  std::string function;
  for (uint64_t i = 0; i < count && at < end; ++i) {
    const Place place = session.symbols().place(at);
    if (i == 0 || place.function != function) output.text(place.text(at) + ":");
    function = place.function;
    size_t length = 0;
    const std::string line = instruction_line(session, at, length);
    Object object(output, "instructions");
    output.value("address", hex16(at), "");
    const auto instruction = instruction_at(session, at);
    output.value("text", instruction ? instruction->text : "", line);
    if (length == 0) break;
    at += length;
  }
  return at;
}

bool unassemble(Session &session, Arguments &arguments, Output &output) {
  if (!can_disassemble()) return fail(output, "This kd is built without a disassembler (libzydis-dev)");
  const auto &words = arguments.words();
  const auto start = words.empty() ? session.evaluate("@rip") : session.evaluate(words.front());
  if (!start) return fail(output, start.error().text);
  if (!session.memory().get<uint8_t>(*start))
    return fail(output, fmt::format("Memory access error at {}", ticked(*start)));
  if (arguments.name() == "uf") {
    const auto symbols = session.symbols().near(*start);
    if (symbols.empty()) return fail(output, fmt::format("No code found at {}", ticked(*start)));
    const Symbol &symbol = symbols.front().second;
    tell_code(session, output, symbol.address, symbol.address + symbol.size, kMostInstructions);
    return true;
  }
  uint64_t count = 8;
  if (words.size() > 1 && (words[1][0] == 'L' || words[1][0] == 'l')) {
    const auto wanted = session.evaluate(words[1].substr(1));
    if (!wanted) return fail(output, wanted.error().text);
    count = std::min(*wanted, kMostInstructions);
  }
  tell_code(session, output, *start, ~Address{0}, count);
  return true;
}

constexpr Command kCodeCommands[] = {
    {"u", "[ADDRESS] [L COUNT]", "Instructions from an address on", unassemble},
    {"uf", "[ADDRESS]", "The instructions of a function", unassemble},
};

}  // namespace

std::span<const Command> code_commands() { return kCodeCommands; }

}  // namespace ntemu::debug
