#include "tools/kd/commands/type_view.h"

#include <fmt/format.h>

#include "tools/kd/format.h"
#include "tools/kd/value_text.h"

namespace ntemu::debug {
namespace {

constexpr size_t kMostLines = 5000;
constexpr size_t kRule = 82;

class TypeView {
 public:
  TypeView(Facts &facts, std::optional<Address> object, Output &output)
      : facts_(facts), object_(object), output_(output) {}

  // `base`: from the outermost structure; `shown`: from the one whose members they are.
  void members(const Type &type, uint64_t base, uint64_t shown, unsigned depth, size_t indent) {
    for (const Member &member : type.members()) {
      if (++lines_ > kMostLines) return;
      const Field field{base + member.offset, member.type, member.bit_offset, member.bit_size};
      if (member.name.empty()) {
        members(*member.type, field.offset, shown + member.offset, depth, indent);
        continue;
      }
      Object row(output_, "fields");
      output_.value("offset", field.offset, "");
      output_.value("name", member.name, "");
      output_.value("type", member.type->text(), "");
      output_.text(std::string(indent, ' ') +
                   fmt::format("   +0x{:03x} {:<20} : {}", shown + member.offset, member.name, text_of(field)));
      if (depth && member.type->is_composite()) members(*member.type, field.offset, 0, depth - 1, indent + 3);
    }
  }

 private:
  std::string text_of(const Field &field) {
    if (!object_) {
      if (!field.bit_size) return field.type->text();
      return fmt::format("Pos {}, {} Bit{}", field.bit_offset, field.bit_size, field.bit_size == 1 ? "" : "s");
    }
    const Address at = *object_ + field.offset;
    const ValueText value = value_text(facts_.session(), at, field);
    output_.value("value", value.value.is_null() ? nlohmann::json(value.text) : value.value, "");
    return value.text + annotation(at, field);
  }

  std::string annotation(Address at, const Field &field) {
    const std::string type = field.type->text();
    Memory &memory = facts_.memory();
    if (type == "_LIST_ENTRY") {
      const auto next = memory.pointer(at), previous = memory.pointer(at + 8);
      return next && previous && *next == *previous ? " [EMPTY OR 1 ELEMENT]" : "";
    }
    if (field.type->kind != TypeKind::kPointer) return "";
    const std::string target = field.type->target() ? field.type->target()->text() : "";
    if (target != "_KTHREAD" && target != "_ETHREAD") return "";
    const std::string process = facts_.process_name(memory.pointer(at).value_or(0));
    return process.empty() ? "" : fmt::format(" ({})", process);
  }

  Facts &facts_;
  const std::optional<Address> object_;
  Output &output_;
  size_t lines_ = 0;
};

}  // namespace

bool show_type(Facts &facts, std::string_view name, std::optional<Address> object, unsigned depth, Output &output) {
  const Type *type = facts.session().types().find(name);
  if (!type) {
    output.error(fmt::format("Symbol {} not found.", name));
    return false;
  }
  output.text("");
  output.value(
      "type", type->text(),
      fmt::format("dt {} {}() Recursive: [ -r1 -r2 -r ] Verbose Normal dt", name, object ? hex16(*object) + " " : ""));
  output.text(std::string(kRule, '='));
  if (object) output.value("address", hex16(*object), "");
  TypeView(facts, object, output).members(*type, 0, 0, depth, 0);
  return true;
}

}  // namespace ntemu::debug
