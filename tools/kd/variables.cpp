#include "tools/kd/variables.h"

#include <dwarf.h>

#include <algorithm>

#include "tools/kd/image_file.h"
#include "tools/kd/type_reader.h"

namespace ntemu::debug {
namespace {

// What holds in one frame.
struct FrameContext {
  Session &session;
  const Frame &frame;
  std::optional<Address> frame_address;
};

// Where something is: an address, or what it is itself.
struct Location {
  std::optional<Address> address;
  std::optional<uint64_t> value;
};

class Evaluator {
 public:
  Evaluator(const FrameContext &place, std::optional<uint64_t> frame_base, uint64_t bias)
      : place_(place), frame_base_(frame_base), bias_(bias) {}

  Location evaluate(const Dwarf_Op *operations, size_t count) {
    std::optional<uint64_t> top;
    for (size_t i = 0; i < count; ++i) {
      const Dwarf_Op &operation = operations[i];
      const uint8_t code = operation.atom;
      if (code >= DW_OP_reg0 && code <= DW_OP_reg31)
        return {{}, count == 1 ? place_.frame.registers.get(code - DW_OP_reg0) : std::nullopt};
      if (code >= DW_OP_breg0 && code <= DW_OP_breg31) {
        top = plus(place_.frame.registers.get(code - DW_OP_breg0), operation.number);
      } else if (code >= DW_OP_lit0 && code <= DW_OP_lit31) {
        top = code - DW_OP_lit0;
      } else if (code == DW_OP_stack_value) {
        return {{}, top};
      } else if (!step(operation, top)) {
        return {};
      }
      if (!top) return {};
    }
    return {top, {}};
  }

 private:
  static std::optional<uint64_t> plus(std::optional<uint64_t> value, uint64_t more) {
    return value ? std::optional(*value + more) : std::nullopt;
  }

  // False for what only a whole stack machine could tell.
  bool step(const Dwarf_Op &operation, std::optional<uint64_t> &top) {
    switch (operation.atom) {
      case DW_OP_fbreg:
        top = plus(frame_base_, operation.number);
        return true;
      case DW_OP_call_frame_cfa:
        top = place_.frame_address;
        return true;
      case DW_OP_addr:
        top = operation.number + bias_;
        return true;
      case DW_OP_const1u:
      case DW_OP_const2u:
      case DW_OP_const4u:
      case DW_OP_const8u:
      case DW_OP_constu:
      case DW_OP_const1s:
      case DW_OP_const2s:
      case DW_OP_const4s:
      case DW_OP_const8s:
      case DW_OP_consts:
        top = operation.number;
        return true;
      case DW_OP_plus_uconst:
        top = plus(top, operation.number);
        return true;
      case DW_OP_deref:
        top = top ? place_.session.memory().pointer(*top) : std::nullopt;
        return true;
      default:
        return false;
    }
  }

  const FrameContext &place_;
  const std::optional<uint64_t> frame_base_;
  const uint64_t bias_;
};

// Of a register only as much counts as the type has.
uint64_t narrowed(uint64_t value, const Type &type) {
  if (type.size == 0 || type.size >= sizeof value) return value;
  const uint64_t mask = (uint64_t{1} << (8 * type.size)) - 1, sign = uint64_t{1} << (8 * type.size - 1);
  value &= mask;
  return type.is_signed && (value & sign) ? value | ~mask : value;
}

class Function {
 public:
  Function(const FrameContext &place, Module &module, TypeReader &types, uint64_t pc)
      : place_(place), module_(module), types_(types), pc_(pc) {}

  std::vector<LocalVariable> variables(Dwarf_Die &function) {
    Dwarf_Attribute attribute;
    if (Dwarf_Attribute *base = dwarf_attr_integrate(&function, DW_AT_frame_base, &attribute))
      frame_base_ = base_of(*base);
    take(function);
    std::stable_partition(found_.begin(), found_.end(), [](const LocalVariable &each) { return each.parameter; });
    return std::move(found_);
  }

 private:
  std::optional<uint64_t> base_of(Dwarf_Attribute &attribute) {
    const Location where = locate(attribute);
    return where.address ? where.address : where.value;
  }

  Location locate(Dwarf_Attribute &attribute) {
    Dwarf_Op *operations = nullptr;
    size_t count = 0;
    if (dwarf_getlocation_addr(&attribute, pc_, &operations, &count, 1) != 1) return {};
    return Evaluator(place_, frame_base_, module_.bias()).evaluate(operations, count);
  }

  // Of the function, and of the blocks in it that the frame is in.
  void take(Dwarf_Die &scope) {
    Dwarf_Die child;
    if (dwarf_child(&scope, &child) != 0) return;
    do {
      const int tag = dwarf_tag(&child);
      if (tag == DW_TAG_lexical_block && dwarf_haspc(&child, pc_) > 0) take(child);
      if (tag != DW_TAG_formal_parameter && tag != DW_TAG_variable) continue;
      const char *name = dwarf_diename(&child);
      if (!name) continue;
      LocalVariable variable;
      variable.name = name;
      variable.parameter = tag == DW_TAG_formal_parameter;
      variable.type = types_.type_of(child);
      Dwarf_Attribute attribute;
      Dwarf_Word constant = 0;
      if (Dwarf_Attribute *location = dwarf_attr_integrate(&child, DW_AT_location, &attribute)) {
        const Location where = locate(*location);
        variable.address = where.address;
        if (where.value) variable.value = narrowed(*where.value, *variable.type);
      } else if (dwarf_formudata(dwarf_attr_integrate(&child, DW_AT_const_value, &attribute), &constant) == 0) {
        variable.value = constant;
      }
      found_.push_back(std::move(variable));
    } while (dwarf_siblingof(&child, &child) == 0);
  }

  const FrameContext &place_;
  Module &module_;
  TypeReader &types_;
  const uint64_t pc_;
  std::optional<uint64_t> frame_base_;
  std::vector<LocalVariable> found_;
};

}  // namespace

std::vector<LocalVariable> variables(Session &session, size_t number) {
  const Stack &stack = session.stack();
  if (number >= stack.frames.size()) return {};
  const Frame &frame = stack.frames[number];
  const Address inside = frame.pc - (frame.after_call ? 1 : 0);
  Module *module = session.target().module_at(inside);
  ImageFile *file = module ? module->file() : nullptr;
  TypeReader *types = module ? session.types().reader_of(*module) : nullptr;
  Dwarf_Die function;
  if (!file || !types || !file->function_at(inside - module->bias(), function)) return {};
  // The next frame's stack pointer is this one's canonical frame address.
  const auto next = number + 1 < stack.frames.size() ? std::optional(stack.frames[number + 1].stack) : std::nullopt;
  const FrameContext place{session, frame, next};
  return Function(place, *module, *types, inside - module->bias()).variables(function);
}

std::optional<uint64_t> value_of(Session &session, const LocalVariable &variable) {
  if (variable.value) return variable.value;
  if (!variable.address) return std::nullopt;
  return session.types().read(*variable.address, {0, variable.type});
}

}  // namespace ntemu::debug
