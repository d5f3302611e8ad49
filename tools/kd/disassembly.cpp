#include "tools/kd/disassembly.h"

#include <fmt/format.h>

#include <algorithm>

#include "tools/kd/format.h"

#ifdef NTEMU_ZYDIS
#include <Zydis/Zydis.h>
#endif

namespace ntemu::debug {

#ifdef NTEMU_ZYDIS
namespace {

constexpr ZyanU8 kMnemonicWidth = 8;

struct Where {
  Session &session;
  Address address;  // the formatter of this style keeps it to itself
};

// Addresses as WinDbg has them: the symbol, and the address in parentheses.
ZyanStatus print_address(const ZydisFormatter *, ZydisFormatterBuffer *buffer, ZydisFormatterContext *context) {
  const auto &where = *static_cast<const Where *>(context->user_data);
  ZyanU64 address = 0;
  if (const ZyanStatus failed =
          ZydisCalcAbsoluteAddress(context->instruction, context->operand, where.address, &address);
      !ZYAN_SUCCESS(failed))
    return failed;
  const Place place = where.session.symbols().place(address);
  const std::string text =
      place.module ? fmt::format("{} ({})", place.text(address), ticked(address)) : ticked(address);
  ZyanString *string = nullptr;
  if (const ZyanStatus failed = ZydisFormatterBufferAppend(buffer, ZYDIS_TOKEN_SYMBOL); !ZYAN_SUCCESS(failed))
    return failed;
  if (const ZyanStatus failed = ZydisFormatterBufferGetString(buffer, &string); !ZYAN_SUCCESS(failed)) return failed;
  ZyanStringView view;
  ZyanStringViewInsideBufferEx(&view, text.data(), text.size());
  return ZyanStringAppend(string, &view);
}

const ZydisFormatter &formatter() {
  static const ZydisFormatter made = [] {
    ZydisFormatter result;
    ZydisFormatterInit(&result, ZYDIS_FORMATTER_STYLE_INTEL_MASM);
    const void *hook = reinterpret_cast<const void *>(print_address);
    ZydisFormatterSetHook(&result, ZYDIS_FORMATTER_FUNC_PRINT_ADDRESS_ABS, &hook);
    ZydisFormatterSetProperty(&result, ZYDIS_FORMATTER_PROP_FORCE_SIZE, ZYAN_TRUE);
    return result;
  }();
  return made;
}

// The mnemonic in a column of its own, and no blanks behind commas.
std::string arranged(std::string text) {
  for (size_t at; (at = text.find(", ")) != text.npos;) text.erase(at + 1, 1);
  const size_t blank = text.find(' ');
  if (blank != text.npos && blank < kMnemonicWidth) text.insert(blank, kMnemonicWidth - blank - 1, ' ');
  return text;
}

}  // namespace

bool can_disassemble() { return true; }

std::optional<Instruction> instruction_at(Session &session, Address address) {
  ZyanU8 bytes[ZYDIS_MAX_INSTRUCTION_LENGTH];
  const size_t got = session.memory().read(address, bytes, sizeof bytes);
  ZydisDecoder decoder;
  ZydisDecodedInstruction instruction;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
  if (!ZYAN_SUCCESS(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)) ||
      !ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, got, &instruction, operands)))
    return std::nullopt;
  char text[1024];
  Where where{session, address};
  if (!ZYAN_SUCCESS(ZydisFormatterFormatInstruction(
          &formatter(), &instruction, operands, instruction.operand_count_visible, text, sizeof text, address, &where)))
    return std::nullopt;
  return Instruction{instruction.length, arranged(text)};
}

#else

bool can_disassemble() { return false; }
std::optional<Instruction> instruction_at(Session &, Address) { return std::nullopt; }

#endif

std::string instruction_line(Session &session, Address address, size_t &length) {
  const auto instruction = instruction_at(session, address);
  constexpr size_t kBytesOfNone = 8;
  uint8_t bytes[16];
  length = session.memory().read(address, bytes,
                                 instruction         ? instruction->length
                                 : can_disassemble() ? 1
                                                     : kBytesOfNone);
  std::string text;
  for (size_t i = 0; i < length; ++i) text += fmt::format("{:02x}", bytes[i]);
  if (text.empty()) text = "??";
  if (!can_disassemble()) return ticked(address) + " " + text;
  const std::string what = instruction ? instruction->text : "???";
  return fmt::format("{} {:<15} {}", ticked(address), text, what);
}

}  // namespace ntemu::debug
