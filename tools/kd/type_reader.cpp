#include "tools/kd/type_reader.h"

#include <dwarf.h>

#include <algorithm>

#include "tools/kd/dwarf_expression.h"

namespace ntemu::debug {
namespace {

// The kernel's source that names every public type, so that its debug information has them all.
constexpr std::string_view kMainUnit = "nt_types.cpp";

std::optional<uint64_t> number(Dwarf_Die &die, unsigned attribute) {
  Dwarf_Attribute found;
  Dwarf_Word value = 0;
  if (!dwarf_attr_integrate(&die, attribute, &found) || dwarf_formudata(&found, &value) != 0) return std::nullopt;
  return value;
}

std::string name_of(Dwarf_Die &die) {
  const char *name = dwarf_diename(&die);
  return name ? name : "";
}

bool is_declaration(Dwarf_Die &die) { return dwarf_hasattr(&die, DW_AT_declaration) != 0; }

template <class Take>
void for_each_child(Dwarf_Die &parent, const Take &take) {
  Dwarf_Die child;
  if (dwarf_child(&parent, &child) != 0) return;
  do {
    take(child);
  } while (dwarf_siblingof(&child, &child) == 0);
}

// How many elements each dimension has.
std::vector<uint64_t> dimensions(Dwarf_Die &array) {
  std::vector<uint64_t> counts;
  for_each_child(array, [&](Dwarf_Die &range) {
    if (dwarf_tag(&range) != DW_TAG_subrange_type) return;
    if (const auto count = number(range, DW_AT_count)) {
      counts.push_back(*count);
    } else if (const auto last = number(range, DW_AT_upper_bound)) {
      counts.push_back(*last + 1);
    } else {
      counts.push_back(0);
    }
  });
  return counts;
}

void set_basic_kind(Type &type, uint64_t encoding) {
  type.is_signed = encoding == DW_ATE_signed || encoding == DW_ATE_signed_char;
  switch (encoding) {
    case DW_ATE_boolean:
      type.kind = TypeKind::kBoolean;
      break;
    case DW_ATE_float:
      type.kind = TypeKind::kFloat;
      break;
    case DW_ATE_signed_char:
    case DW_ATE_unsigned_char:
      type.kind = TypeKind::kCharacter;
      break;
    case DW_ATE_UTF:
      type.kind = type.size == 1 ? TypeKind::kCharacter : TypeKind::kWideCharacter;
      break;
    case DW_ATE_signed:
      type.kind = TypeKind::kSigned;
      break;
    default:
      type.kind = TypeKind::kUnsigned;
  }
  if (type.name == "wchar_t") type.kind = TypeKind::kWideCharacter;
}

TypeKind kind_of(int tag) {
  switch (tag) {
    case DW_TAG_structure_type:
    case DW_TAG_class_type:
      return TypeKind::kStruct;
    case DW_TAG_union_type:
      return TypeKind::kUnion;
    case DW_TAG_enumeration_type:
      return TypeKind::kEnum;
    case DW_TAG_pointer_type:
    case DW_TAG_reference_type:
    case DW_TAG_rvalue_reference_type:
    case DW_TAG_ptr_to_member_type:
      return TypeKind::kPointer;
    case DW_TAG_array_type:
      return TypeKind::kArray;
    case DW_TAG_subroutine_type:
      return TypeKind::kFunction;
    default:
      return TypeKind::kVoid;
  }
}

bool is_type_tag(int tag) {
  return tag == DW_TAG_structure_type || tag == DW_TAG_class_type || tag == DW_TAG_union_type ||
         tag == DW_TAG_enumeration_type || tag == DW_TAG_typedef || tag == DW_TAG_base_type;
}

// "_KMUTANT" for "KMUTANT" and the other way round.
std::string other_name(std::string_view name) {
  return name.starts_with('_') ? std::string(name.substr(1)) : "_" + std::string(name);
}

}  // namespace

void TypeReader::index_children(Dwarf_Die &parent, const std::string &scope, Names &types) {
  for_each_child(parent, [&](Dwarf_Die &child) {
    const int tag = dwarf_tag(&child);
    if (tag == DW_TAG_namespace) {
      const std::string name = name_of(child);
      index_children(child, name.empty() ? scope : scope + name + "::", types);
      return;
    }
    const bool variable = tag == DW_TAG_variable && dwarf_hasattr(&child, DW_AT_location);
    if (!variable && (!is_type_tag(tag) || is_declaration(child))) return;
    const std::string name = name_of(child);
    if (!name.empty()) (variable ? variables_ : types).try_emplace(scope + name, dwarf_dieoffset(&child));
  });
}

void TypeReader::index_main_unit() {
  if (main_known_) return;
  main_known_ = true;
  Dwarf_CU *unit = nullptr;
  Dwarf_Die die;
  while (file_.dwarf() && dwarf_get_units(file_.dwarf(), unit, &unit, nullptr, nullptr, &die, nullptr) == 0) {
    if (!name_of(die).ends_with(kMainUnit)) continue;
    index_children(die, "", main_);
    return;
  }
}

void TypeReader::index_all() {
  if (all_known_) return;
  all_known_ = true;
  Dwarf_CU *unit = nullptr;
  Dwarf_Die die;
  while (file_.dwarf() && dwarf_get_units(file_.dwarf(), unit, &unit, nullptr, nullptr, &die, nullptr) == 0)
    index_children(die, "", all_);
}

bool TypeReader::has_main_unit() {
  index_main_unit();
  return !main_.empty();
}

const Type *TypeReader::from(Names &names, std::string_view name) {
  auto at = names.find(std::string(name));
  if (at == names.end()) at = names.find(other_name(name));
  Dwarf_Die die;
  return at != names.end() && dwarf_offdie(file_.dwarf(), at->second, &die) ? make(die) : nullptr;
}

const Type *TypeReader::find(std::string_view name, bool everywhere) {
  index_main_unit();
  const Type *found = from(main_, name);
  if (found || (!everywhere && !main_.empty())) return found;
  index_all();
  return from(all_, name);
}

const Type *TypeReader::find_variable(std::string_view name, uint64_t &address) {
  index_all();
  const auto at = variables_.find(std::string(name));
  Dwarf_Die die;
  if (at == variables_.end() || !dwarf_offdie(file_.dwarf(), at->second, &die)) return nullptr;
  Dwarf_Attribute attribute;
  Dwarf_Op *operations = nullptr;
  size_t count = 0;
  if (dwarf_getlocation(dwarf_attr_integrate(&die, DW_AT_location, &attribute), &operations, &count) != 0 || count != 1)
    return nullptr;
  if (operations[0].atom == DW_OP_addr) {
    address = operations[0].number;
  } else if (operations[0].atom == DW_OP_addrx) {
    Dwarf_Attribute place;
    if (dwarf_getlocation_attr(&attribute, &operations[0], &place) != 0 || dwarf_formaddr(&place, &address) != 0)
      return nullptr;
  } else {
    return nullptr;
  }
  return type_of(die);
}

std::vector<std::string> TypeReader::names() {
  index_all();
  std::vector<std::string> result;
  for (const auto &[name, offset] : all_) result.push_back(name);
  std::sort(result.begin(), result.end());
  return result;
}

const Type *TypeReader::type_of(Dwarf_Die &die) {
  static const Type nothing;
  Dwarf_Attribute attribute;
  Dwarf_Die type;
  if (!dwarf_formref_die(dwarf_attr_integrate(&die, DW_AT_type, &attribute), &type)) return &nothing;
  return make(type);
}

const Type *TypeReader::make(Dwarf_Die die, unsigned dimension) {
  std::string typedef_name;
  bool wide = false;
  constexpr int kMostSteps = 100;
  for (int i = 0; i < kMostSteps; ++i) {
    const int tag = dwarf_tag(&die);
    const bool is_typedef = tag == DW_TAG_typedef;
    if (!is_typedef && tag != DW_TAG_const_type && tag != DW_TAG_volatile_type && tag != DW_TAG_restrict_type &&
        tag != DW_TAG_atomic_type)
      break;
    if (is_typedef) typedef_name = name_of(die);
    wide |= typedef_name == "WCHAR" || typedef_name == "wchar_t";
    Dwarf_Attribute attribute;
    Dwarf_Die next;
    if (!dwarf_formref_die(dwarf_attr_integrate(&die, DW_AT_type, &attribute), &next)) {
      static const Type nothing;
      return &nothing;
    }
    die = next;
  }
  // A declaration stands for the type that another unit has.
  if (is_declaration(die)) {
    const Type *whole = find(name_of(die), true);
    if (whole && whole->die_.addr != die.addr) return whole;
  }
  // In C a wide character is but another name of a number.
  constexpr unsigned kWide = 1u << 31;
  const auto [at, fresh] = types_.try_emplace({dwarf_dieoffset(&die), dimension | (wide ? kWide : 0)});
  if (!fresh) return at->second.get();
  at->second = std::make_unique<Type>();
  Type &type = *at->second;
  type.reader_ = this;
  type.die_ = die;
  type.dimension_ = dimension;
  type.name = name_of(die);
  if (type.name.empty()) type.name = typedef_name;
  type.size = number(die, DW_AT_byte_size).value_or(0);
  const int tag = dwarf_tag(&die);
  type.kind = kind_of(tag);
  if (tag == DW_TAG_base_type) set_basic_kind(type, number(die, DW_AT_encoding).value_or(0));
  if (wide && type.kind == TypeKind::kUnsigned) type.kind = TypeKind::kWideCharacter;
  if (type.kind == TypeKind::kPointer) type.size = sizeof(uint64_t);
  if (type.kind == TypeKind::kEnum) {
    const Type *underlying = type_of(die);
    type.is_signed = underlying->is_signed;
  }
  if (type.kind == TypeKind::kArray) {
    const auto counts = dimensions(die);
    type.count = dimension < counts.size() ? counts[dimension] : 0;
    const Type *element = target_of(type);
    if (__builtin_mul_overflow(type.count, element->size, &type.size)) type.size = 0;
  }
  return &type;
}

const Type *TypeReader::target_of(const Type &type) {
  Dwarf_Die die = type.die_;
  if (type.kind == TypeKind::kArray && type.dimension_ + 1 < dimensions(die).size())
    return make(die, type.dimension_ + 1);
  return type_of(die);
}

std::vector<Member> TypeReader::members_of(const Type &type) {
  std::vector<Member> members;
  Dwarf_Die parent = type.die_;
  for_each_child(parent, [&](Dwarf_Die &child) {
    const int tag = dwarf_tag(&child);
    if ((tag != DW_TAG_member && tag != DW_TAG_inheritance) || is_declaration(child) ||
        dwarf_hasattr(&child, DW_AT_external))
      return;
    Member member;
    if (tag == DW_TAG_member) member.name = name_of(child);
    member.type = type_of(child);
    member.offset = number(child, DW_AT_data_member_location).value_or(0);
    member.bit_size = static_cast<unsigned>(std::min<uint64_t>(number(child, DW_AT_bit_size).value_or(0), 64));
    if (member.bit_size) {
      const uint64_t unit = std::max<uint64_t>(member.type->size, 1);
      if (const auto bits = number(child, DW_AT_data_bit_offset)) {
        member.offset = *bits / (8 * unit) * unit;
        member.bit_offset = static_cast<unsigned>(*bits - 8 * member.offset);
      } else if (const auto from_top = number(child, DW_AT_bit_offset)) {
        const uint64_t storage = number(child, DW_AT_byte_size).value_or(unit);
        member.bit_offset = static_cast<unsigned>(8 * storage - *from_top - member.bit_size);
      }
    }
    members.push_back(std::move(member));
  });
  return members;
}

std::vector<Enumerator> TypeReader::enumerators_of(const Type &type) {
  std::vector<Enumerator> result;
  Dwarf_Die parent = type.die_;
  for_each_child(parent, [&](Dwarf_Die &child) {
    if (dwarf_tag(&child) != DW_TAG_enumerator) return;
    Dwarf_Attribute attribute;
    Dwarf_Sword value = 0;
    dwarf_formsdata(dwarf_attr(&child, DW_AT_const_value, &attribute), &value);
    result.push_back({name_of(child), value});
  });
  return result;
}

}  // namespace ntemu::debug
