#include "tools/kd/types.h"

#include <fmt/format.h>

#include <charconv>
#include <map>

#include "tools/kd/format.h"
#include "tools/kd/type_reader.h"

namespace ntemu::debug {
namespace {

std::string basic_text(const Type &type) {
  switch (type.kind) {
    case TypeKind::kSigned:
      return fmt::format("Int{}B", type.size);
    case TypeKind::kUnsigned:
      return fmt::format("Uint{}B", type.size);
    case TypeKind::kCharacter:
      return type.is_signed ? "Char" : "UChar";
    case TypeKind::kWideCharacter:
      return "Wchar";
    case TypeKind::kBoolean:
      return "Bool";
    case TypeKind::kFloat:
      return type.size == 4 ? "Float" : type.size == 8 ? "Double" : type.name;
    default:
      return "Void";
  }
}

constexpr int kDeepestType = 16;

std::string text_of(const Type &type, int depth) {
  if (depth == kDeepestType) return "...";
  switch (type.kind) {
    case TypeKind::kPointer: {
      const Type *target = type.target();
      if (target->kind == TypeKind::kFunction) return "Ptr64     " + text_of(*target, depth + 1);
      return "Ptr64 " + text_of(*target, depth + 1);
    }
    case TypeKind::kArray:
      return fmt::format("[{}] {}", type.count, text_of(*type.target(), depth + 1));
    case TypeKind::kFunction: {
      const Type *result = type.target();
      return (result->kind == TypeKind::kVoid ? "void" : text_of(*result, depth + 1)) + " ";
    }
    case TypeKind::kStruct:
    case TypeKind::kUnion:
    case TypeKind::kEnum:
      return type.name.empty() ? "<unnamed-tag>" : type.name;
    default:
      return basic_text(type);
  }
}

std::string_view take_word(std::string_view &path) {
  const size_t end = std::min(path.find_first_of(".["), path.size());
  const std::string_view word = path.substr(0, end);
  path.remove_prefix(end);
  return word;
}

// Also in unnamed members; the offset is from the outer type's beginning.
std::optional<Field> find_member(const Type &type, std::string_view name, int depth = 0) {
  if (!type.is_composite() || depth == kDeepestType) return std::nullopt;
  for (const Member &member : type.members()) {
    if (member.name == name) return Field{member.offset, member.type, member.bit_offset, member.bit_size};
    if (!member.name.empty()) continue;
    if (auto inner = find_member(*member.type, name, depth + 1)) {
      inner->offset += member.offset;
      return inner;
    }
  }
  return std::nullopt;
}

}  // namespace

const Type *Type::target() const {
  static const Type nothing;
  if (!target_known_) {
    target_known_ = true;
    target_ = reader_ ? reader_->target_of(*this) : nullptr;
  }
  return target_ ? target_ : &nothing;
}

const std::vector<Member> &Type::members() const {
  if (!members_known_) {
    members_known_ = true;
    if (reader_ && is_composite()) members_ = reader_->members_of(*this);
  }
  return members_;
}

const std::vector<Enumerator> &Type::enumerators() const {
  if (!enumerators_known_) {
    enumerators_known_ = true;
    if (reader_ && kind == TypeKind::kEnum) enumerators_ = reader_->enumerators_of(*this);
  }
  return enumerators_;
}

std::string Type::text() const { return text_of(*this, 0); }

struct Types::State {
  // The modules, too, since types outlive what is unloaded.
  std::vector<std::shared_ptr<Module>> modules;
  std::map<ImageFile *, std::unique_ptr<TypeReader>> readers;
  std::map<std::string, std::optional<Field>, std::less<>> fields;

  TypeReader *reader(const std::shared_ptr<Module> &module) {
    ImageFile *file = module->file();
    if (!file || !file->dwarf()) return nullptr;
    auto &reader = readers[file];
    if (!reader) {
      reader = std::make_unique<TypeReader>(*file);
      modules.push_back(module);
    }
    return reader.get();
  }
};

Types::Types(Target &target) : target_(target), state_(std::make_unique<State>()) {}
Types::~Types() = default;

const Type *Types::find(std::string_view text) {
  for (const std::string_view prefix : {"struct ", "union ", "enum "}) {
    if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
  }
  const size_t mark = text.find('!');
  const std::string_view wanted_module = mark == text.npos ? std::string_view() : text.substr(0, mark);
  const std::string_view name = mark == text.npos ? text : text.substr(mark + 1);
  if (name.empty()) return nullptr;
  const auto look = [&](ModuleKind kind, bool everywhere) -> const Type * {
    for (const auto &module : target_.modules()) {
      if (wanted_module.empty() ? module->kind != kind : !matches(wanted_module, module->name)) continue;
      TypeReader *reader = state_->reader(module);
      if (const Type *found = reader ? reader->find(name, everywhere) : nullptr) return found;
    }
    return nullptr;
  };
  const Type *found = look(ModuleKind::kKernel, false);
  if (!found && wanted_module.empty()) found = look(ModuleKind::kDriver, true);
  return found ? found : look(ModuleKind::kKernel, true);
}

TypeReader *Types::reader_of(const Module &wanted) {
  for (const auto &module : target_.modules()) {
    if (module.get() == &wanted) return state_->reader(module);
  }
  return nullptr;
}

std::optional<Variable> Types::variable(std::string_view text) {
  const size_t mark = text.find('!');
  const std::string_view wanted_module = mark == text.npos ? std::string_view() : text.substr(0, mark);
  const std::string_view name = mark == text.npos ? text : text.substr(mark + 1);
  for (const auto &module : target_.modules()) {
    if (wanted_module.empty() ? module->kind != ModuleKind::kDriver : !matches(wanted_module, module->name)) continue;
    TypeReader *reader = state_->reader(module);
    uint64_t address = 0;
    if (const Type *type = reader ? reader->find_variable(name, address) : nullptr)
      return Variable{address + module->bias(), type};
  }
  return std::nullopt;
}

std::vector<std::string> Types::matching(std::string_view pattern) {
  const size_t mark = pattern.find('!');
  const std::string_view wanted_module = mark == pattern.npos ? "nt" : pattern.substr(0, mark);
  const std::string_view names = mark == pattern.npos ? pattern : pattern.substr(mark + 1);
  std::vector<std::string> found;
  for (const auto &module : target_.modules()) {
    TypeReader *reader = matches(wanted_module, module->name) ? state_->reader(module) : nullptr;
    if (!reader) continue;
    for (const std::string &name : reader->names()) {
      if (matches(names, name)) found.push_back(module->name + "!" + name);
    }
  }
  return found;
}

std::optional<Field> Types::part(const Type &type, std::string_view path) {
  Field field{0, &type};
  while (!path.empty()) {
    if (path.starts_with('.')) path.remove_prefix(1);
    if (path.starts_with('[')) {
      uint64_t index = 0;
      const auto [end, error] = std::from_chars(path.data() + 1, path.data() + path.size(), index);
      if (error != std::errc() || end == path.data() + path.size() || *end != ']') return std::nullopt;
      if (field.type->kind != TypeKind::kArray) return std::nullopt;
      field.type = field.type->target();
      field.offset += index * field.type->size;
      path.remove_prefix(static_cast<size_t>(end + 1 - path.data()));
      continue;
    }
    const auto member = find_member(*field.type, take_word(path));
    if (!member) return std::nullopt;
    field = {field.offset + member->offset, member->type, member->bit_offset, member->bit_size};
  }
  return field;
}

const Field *Types::field(std::string_view path) {
  auto at = state_->fields.find(path);
  if (at == state_->fields.end()) {
    std::string_view rest = path;
    const Type *type = find(take_word(rest));
    at = state_->fields.emplace(path, type ? part(*type, rest) : std::nullopt).first;
  }
  return at->second ? &*at->second : nullptr;
}

std::optional<uint64_t> Types::offset(std::string_view path) {
  const Field *found = field(path);
  return found ? std::optional(found->offset) : std::nullopt;
}

std::optional<uint64_t> Types::read(Address address, const Field &field) {
  if (!field.type || !field.type->is_scalar()) return std::nullopt;
  auto value = target_.memory().integer(address, field.type->size);
  if (!value) return std::nullopt;
  unsigned bits = static_cast<unsigned>(8 * field.type->size);
  if (field.bit_size) {
    *value >>= std::min(field.bit_offset, 63u);
    bits = field.bit_size;
  }
  if (bits >= 64) return value;
  const uint64_t mask = (uint64_t{1} << bits) - 1, sign = uint64_t{1} << (bits - 1);
  *value &= mask;
  return field.type->is_signed && (*value & sign) ? *value | ~mask : *value;
}

std::optional<uint64_t> Types::value(Address object, std::string_view path) {
  const Field *found = field(path);
  return found ? read(object + found->offset, *found) : std::nullopt;
}

std::optional<int64_t> Types::signed_value(Address object, std::string_view path) {
  const auto number = value(object, path);
  return number ? std::optional(static_cast<int64_t>(*number)) : std::nullopt;
}

Walk<Address> Types::list(Address head, std::string_view link, size_t most) {
  const auto distance = offset(link);
  if (!distance) return {{}, {fmt::format("there is no type information for {}", link)}};
  Walk<Address> walk = walk_list(target_.memory(), head, link, most);
  for (Address &entry : walk.found) entry -= *distance;
  return walk;
}

}  // namespace ntemu::debug
