#include "tools/kd/call_frames.h"

#include <dwarf.h>

#include <algorithm>

#include "tools/kd/byte_reader.h"

namespace ntemu::debug {
namespace {

constexpr uint32_t kMostBytes = 1 << 20;
constexpr size_t kMostRemembered = 64;
// What binutils' and LLVM's linkers write: a table of pairs of 32 bits, from the section's beginning, in order.
constexpr uint8_t kTableEncoding = DW_EH_PE_datarel | DW_EH_PE_sdata4;

struct Record {
  std::vector<uint8_t> bytes;  // behind the length
  Address start = 0;           // of these
};

std::optional<Record> read_record(Memory &memory, Address at) {
  const auto length = memory.get<uint32_t>(at);
  if (!length || *length < sizeof(uint32_t) || *length > kMostBytes) return std::nullopt;
  Record record;
  record.start = at + sizeof *length;
  record.bytes.resize(*length);
  if (memory.read(record.start, record.bytes.data(), *length) != *length) return std::nullopt;
  return record;
}

uint64_t read_encoded(ByteReader &reader, uint8_t encoding) {
  const uint64_t place = reader.address();
  uint64_t value = 0;
  switch (encoding & 0x0f) {
    case DW_EH_PE_absptr:
    case DW_EH_PE_udata8:
    case DW_EH_PE_sdata8:
      value = reader.get<uint64_t>();
      break;
    case DW_EH_PE_udata2:
      value = reader.get<uint16_t>();
      break;
    case DW_EH_PE_udata4:
      value = reader.get<uint32_t>();
      break;
    case DW_EH_PE_sdata2:
      value = static_cast<uint64_t>(reader.get<int16_t>());
      break;
    case DW_EH_PE_sdata4:
      value = static_cast<uint64_t>(reader.get<int32_t>());
      break;
    case DW_EH_PE_uleb128:
      value = reader.uleb();
      break;
    case DW_EH_PE_sleb128:
      value = static_cast<uint64_t>(reader.sleb());
      break;
    default:
      reader.seek(SIZE_MAX);
  }
  return (encoding & 0x70) == DW_EH_PE_pcrel ? value + place : value;
}

// What descriptions have in common.
struct Common {
  uint64_t code_factor = 1;
  int64_t data_factor = 1;
  unsigned return_register = kRip;
  uint8_t encoding = DW_EH_PE_absptr;
  bool augmented = false;
  bool signal_frame = false;
  std::vector<uint8_t> program;
  Address program_start = 0;
};

std::optional<Common> read_common(Memory &memory, Address at) {
  const auto record = read_record(memory, at);
  if (!record) return std::nullopt;
  ByteReader reader(record->bytes, record->start);
  Common common;
  reader.get<uint32_t>();
  const auto version = reader.get<uint8_t>();
  std::string augmentation;
  for (char c; (c = reader.get<char>()) != 0;) augmentation += c;
  common.code_factor = reader.uleb();
  common.data_factor = reader.sleb();
  common.return_register = version == 1 ? reader.get<uint8_t>() : static_cast<unsigned>(reader.uleb());
  if (augmentation.starts_with('z')) {
    common.augmented = true;
    const uint64_t length = reader.uleb();
    const size_t end = reader.at() + std::min<uint64_t>(length, kMostBytes);
    for (const char c : augmentation.substr(1)) {
      if (c == 'R') common.encoding = reader.get<uint8_t>();
      if (c == 'L') reader.get<uint8_t>();
      if (c == 'P') read_encoded(reader, reader.get<uint8_t>());
      if (c == 'S') common.signal_frame = true;
    }
    reader.seek(end);
  }
  if (reader.failed()) return std::nullopt;
  common.program_start = reader.address();
  const auto rest = reader.take(record->bytes.size() - reader.at());
  common.program.assign(rest.begin(), rest.end());
  return common;
}

class Program {
 public:
  Program(const Common &common, Address location, Address pc) : common_(common), location_(location), pc_(pc) {
    row_.signal_frame = common.signal_frame;
    row_.return_register = common.return_register;
  }

  // False when it makes no sense.
  bool run(std::span<const uint8_t> bytes, Address start) {
    ByteReader reader(bytes, start);
    while (reader.more() && !failed_ && location_ <= pc_) step(reader);
    return !failed_ && !reader.failed();
  }
  // What CFA_restore goes back to.
  void note_initial() { initial_ = row_; }
  const FrameRow &row() const { return row_; }

 private:
  RegisterRule *rule(uint64_t number) { return number < kRegisters ? &row_.rules[number] : nullptr; }
  void set(uint64_t number, RegisterRule value) {
    if (RegisterRule *place = rule(number)) *place = std::move(value);
  }
  void restore(uint64_t number) {
    if (number < kRegisters) row_.rules[number] = initial_.rules[number];
  }
  // The row is complete when the location passes the one that is asked for.
  void advance(uint64_t count) { location_ += count * common_.code_factor; }
  int64_t scaled(uint64_t value) const {
    return static_cast<int64_t>(value * static_cast<uint64_t>(common_.data_factor));
  }
  int64_t scaled(int64_t value) const { return scaled(static_cast<uint64_t>(value)); }
  static std::vector<uint8_t> block(ByteReader &reader) {
    const auto bytes = reader.take(reader.uleb());
    return {bytes.begin(), bytes.end()};
  }
  void define(uint64_t number, int64_t offset) {
    row_.frame_register = static_cast<unsigned>(number);
    row_.frame_address = {RegisterRule::kIsOffset, offset};
  }

  void step(ByteReader &reader) {
    const auto code = reader.get<uint8_t>();
    const unsigned low = code & 0x3f;
    switch (code & 0xc0) {
      case DW_CFA_advance_loc:
        return advance(low);
      case DW_CFA_offset:
        return set(low, {RegisterRule::kAtOffset, scaled(reader.uleb())});
      case DW_CFA_restore:
        return restore(low);
      default:
        break;
    }
    if (!place(code, reader) && !frame_address(code, reader)) other(code, reader);
  }

  bool place(uint8_t code, ByteReader &reader) {
    switch (code) {
      case DW_CFA_nop:
        return true;
      case DW_CFA_set_loc:
        location_ = read_encoded(reader, common_.encoding);
        return true;
      case DW_CFA_advance_loc1:
        advance(reader.get<uint8_t>());
        return true;
      case DW_CFA_advance_loc2:
        advance(reader.get<uint16_t>());
        return true;
      case DW_CFA_advance_loc4:
        advance(reader.get<uint32_t>());
        return true;
      case DW_CFA_remember_state:
        failed_ |= remembered_.size() == kMostRemembered;
        if (!failed_) remembered_.push_back(row_);
        return true;
      case DW_CFA_restore_state:
        failed_ |= remembered_.empty();
        if (failed_) return true;
        row_ = std::move(remembered_.back());
        remembered_.pop_back();
        return true;
      case DW_CFA_GNU_args_size:
        reader.uleb();
        return true;
      default:
        return false;
    }
  }

  bool frame_address(uint8_t code, ByteReader &reader) {
    switch (code) {
      case DW_CFA_def_cfa: {
        const uint64_t number = reader.uleb();
        define(number, static_cast<int64_t>(reader.uleb()));
        return true;
      }
      case DW_CFA_def_cfa_sf: {
        const uint64_t number = reader.uleb();
        define(number, scaled(reader.sleb()));
        return true;
      }
      case DW_CFA_def_cfa_register:
        row_.frame_register = static_cast<unsigned>(reader.uleb());
        return true;
      case DW_CFA_def_cfa_offset:
        row_.frame_address.offset = static_cast<int64_t>(reader.uleb());
        return true;
      case DW_CFA_def_cfa_offset_sf:
        row_.frame_address.offset = scaled(reader.sleb());
        return true;
      case DW_CFA_def_cfa_expression:
        row_.frame_address = {RegisterRule::kIsExpression, 0, block(reader)};
        return true;
      default:
        return false;
    }
  }

  void other(uint8_t code, ByteReader &reader) {
    const uint64_t number = reader.uleb();
    switch (code) {
      case DW_CFA_offset_extended:
        return set(number, {RegisterRule::kAtOffset, scaled(reader.uleb())});
      case DW_CFA_offset_extended_sf:
        return set(number, {RegisterRule::kAtOffset, scaled(reader.sleb())});
      case DW_CFA_GNU_negative_offset_extended:
        return set(number, {RegisterRule::kAtOffset, -scaled(reader.uleb())});
      case DW_CFA_val_offset:
        return set(number, {RegisterRule::kIsOffset, scaled(reader.uleb())});
      case DW_CFA_val_offset_sf:
        return set(number, {RegisterRule::kIsOffset, scaled(reader.sleb())});
      case DW_CFA_restore_extended:
        return restore(number);
      case DW_CFA_undefined:
        return set(number, {RegisterRule::kUndefined});
      case DW_CFA_same_value:
        return set(number, {RegisterRule::kSame});
      case DW_CFA_register:
        return set(number, {RegisterRule::kRegister, static_cast<int64_t>(reader.uleb())});
      case DW_CFA_expression:
        return set(number, {RegisterRule::kAtExpression, 0, block(reader)});
      case DW_CFA_val_expression:
        return set(number, {RegisterRule::kIsExpression, 0, block(reader)});
      default:
        failed_ = true;
    }
  }

  const Common &common_;
  Address location_;
  const Address pc_;
  FrameRow row_, initial_;
  std::vector<FrameRow> remembered_;
  bool failed_ = false;
};

}  // namespace

void CallFrames::read_table(Memory &memory) {
  table_known_ = true;
  struct Head {
    uint8_t version, pointer_encoding, count_encoding, table_encoding;
    int32_t frames;
    uint32_t count;
  };
  const auto head = memory.get<Head>(image_.eh_frame);
  if (!head || head->version != 1 || head->count_encoding != DW_EH_PE_udata4 || head->table_encoding != kTableEncoding)
    return;
  if (image_.eh_frame_size < sizeof *head) return;
  table_.resize(std::min<uint64_t>(
      head->count, (std::min<uint64_t>(image_.eh_frame_size, 64 << 20) - sizeof *head) / sizeof(Entry)));
  table_.resize(memory.read(image_.eh_frame + sizeof *head, table_.data(), table_.size() * sizeof(Entry)) /
                sizeof(Entry));
}

std::optional<FrameRow> CallFrames::find(Memory &memory, Address pc) {
  if (!table_known_ && image_.eh_frame) read_table(memory);
  const auto offset = static_cast<int64_t>(pc - image_.eh_frame);
  auto after = std::upper_bound(table_.begin(), table_.end(), offset,
                                [](int64_t value, const Entry &entry) { return value < entry.start; });
  if (after == table_.begin()) return std::nullopt;
  const Address description = image_.eh_frame + static_cast<uint64_t>(int64_t{(--after)->description});
  const auto record = read_record(memory, description);
  if (!record) return std::nullopt;
  ByteReader reader(record->bytes, record->start);
  const uint64_t place = reader.address();
  const auto common = read_common(memory, place - reader.get<uint32_t>());
  if (!common) return std::nullopt;
  const Address start = read_encoded(reader, common->encoding);
  const uint64_t size = read_encoded(reader, common->encoding & 0x0f);
  if (common->augmented) reader.take(reader.uleb());
  if (reader.failed() || pc - start >= size) return std::nullopt;
  Program program(*common, start, pc);
  if (!program.run(common->program, common->program_start)) return std::nullopt;
  program.note_initial();
  const Address code = reader.address();
  if (!program.run(reader.take(record->bytes.size() - reader.at()), code)) return std::nullopt;
  return program.row();
}

const FrameRow *CallFrames::row(Memory &memory, Address pc) {
  const auto [at, fresh] = rows_.try_emplace(pc);
  if (fresh) at->second = find(memory, pc);
  return at->second ? &*at->second : nullptr;
}

}  // namespace ntemu::debug
