// dt: types, and objects in memory.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "tools/kd/commands.h"
#include "tools/kd/format.h"
#include "tools/kd/value_text.h"

namespace ntemu::debug {
namespace {

constexpr unsigned kMostDepth = 10;
constexpr size_t kMostLines = 20'000;

class TypeDump {
 public:
  TypeDump(Session &session, Output &output, std::optional<Address> object, std::vector<std::string> wanted,
           bool by_prefix)
      : session_(session), output_(output), object_(object), wanted_(std::move(wanted)), by_prefix_(by_prefix) {}

  void tell(const Type &type, unsigned depth) { members(type, 0, 0, depth, 0, ""); }
  bool any() const { return lines_ > 0; }

 private:
  // `base`: where the outermost structure has it; `shown`: where the one that is told has it.
  void members(const Type &type, uint64_t base, uint64_t shown, unsigned depth, size_t indent,
               const std::string &path) {
    for (const Member &member : type.members()) {
      const Field field{base + member.offset, member.type, member.bit_offset, member.bit_size};
      const std::string name = path.empty() ? member.name : path + "." + member.name;
      if (member.name.empty()) {
        members(*member.type, field.offset, shown + member.offset, depth, indent, path);
      } else if (is_wanted(name)) {
        if (lines_++ >= kMostLines) return;
        Object object(output_, "fields");
        line(member, field, shown + member.offset, indent, name);
        if (depth > 0 && member.type->is_composite())
          members(*member.type, field.offset, 0, depth - 1, indent + 3, name);
      } else if (leads_on(name) && member.type->is_composite()) {
        members(*member.type, field.offset, shown + member.offset, depth, indent, name);
      }
    }
  }

  bool is_wanted(const std::string &name) const {
    if (wanted_.empty()) return true;
    return std::any_of(wanted_.begin(), wanted_.end(), [&](const std::string &wanted) {
      if (name.starts_with(wanted + ".")) return true;  // below a wanted one
      return matches(by_prefix_ ? wanted + "*" : wanted, name);
    });
  }
  bool leads_on(const std::string &name) const {
    return std::any_of(wanted_.begin(), wanted_.end(), [&](const std::string &wanted) {
      return wanted.size() > name.size() + 1 && matches(name + ".*", wanted);
    });
  }

  void line(const Member &member, const Field &field, uint64_t shown, size_t indent, const std::string &name) {
    output_.value("offset", field.offset, "");
    output_.value("name", name, "");
    output_.value("type", field.type->text(), "");
    std::string text = std::string(indent, ' ') + fmt::format("   +0x{:03x} {:<16} : ", shown, member.name);
    if (object_) {
      const ValueText value = value_text(session_, *object_ + field.offset, field);
      text += value.text;
      output_.value("value", value.value.is_null() ? nlohmann::json(value.text) : value.value, "");
    } else if (field.bit_size) {
      text += fmt::format("Pos {}, {} Bit{}", field.bit_offset, field.bit_size, field.bit_size == 1 ? "" : "s");
      output_.value("bits", field.bit_size, "");
      output_.value("position", field.bit_offset, "");
    } else {
      text += field.type->text();
    }
    output_.text(text);
  }

  Session &session_;
  Output &output_;
  const std::optional<Address> object_;
  const std::vector<std::string> wanted_;
  const bool by_prefix_;
  size_t lines_ = 0;
};

std::optional<unsigned> take_depth(Arguments &arguments) {
  const auto &words = arguments.words();
  const auto at =
      std::find_if(words.begin(), words.end(), [](const std::string &word) { return word.starts_with("-r"); });
  if (at == words.end()) return std::nullopt;
  unsigned depth = kMostDepth;
  std::from_chars(at->data() + 2, at->data() + at->size(), depth);
  arguments.take_option(std::string(*at));
  return std::min(depth, kMostDepth);
}

bool list_types(Session &session, const std::string &pattern, Output &output) {
  const auto names = session.types().matching(pattern);
  for (const std::string &name : names) output.line("          " + name);
  return !names.empty() || fail(output, fmt::format("Symbol {} not found.", pattern));
}

void tell_value(Session &session, Output &output, const Type &type, std::optional<Address> object) {
  if (object) {
    const ValueText value = value_text(session, *object, {0, &type});
    output.value("value", value.value.is_null() ? nlohmann::json(value.text) : value.value, value.text);
  } else {
    output.text(type.text());
  }
  for (const Enumerator &each : object ? std::vector<Enumerator>{} : type.enumerators()) {
    Object row(output, "enumerators");
    output.value("value", each.value, "");
    output.value("name", each.name, fmt::format("   {} = 0n{}", each.name, each.value));
  }
}

bool dump_type(Session &session, Arguments &arguments, Output &output) {
  const unsigned depth = take_depth(arguments).value_or(0);
  const bool by_prefix = arguments.take_option("-y");
  const bool verbose = arguments.take_option("-v");
  std::vector<std::string> words = arguments.words();
  if (words.empty()) return fail(output, "dt needs the name of a type: dt nt!_KTHREAD");
  if (words.front().find_first_of("*?") != std::string::npos) return list_types(session, words.front(), output);
  const Type *type = session.types().find(words.front());
  std::optional<Address> object;
  if (!type && words.size() > 1 && (type = session.types().find(words[1]))) {
    std::swap(words[0], words[1]);  // the address may come first
  } else if (!type) {
    const auto variable = session.types().variable(words.front());
    if (!variable) return fail(output, fmt::format("Symbol {} not found.", words.front()));
    type = variable->type;
    object = variable->address;
    output.value("variable", words.front(),
                 fmt::format("{} @ 0x{} Type {}", words.front(), ticked(variable->address), type->text()));
  }
  words.erase(words.begin());
  for (std::string &word : words) {
    if (word.ends_with('.')) word += '*';
  }
  if (!object && !words.empty()) {
    // What is no address is a member's name.
    if (const auto address = session.evaluate(words.front())) {
      object = *address;
      words.erase(words.begin());
    }
  }
  output.value("type", type->text(), verbose ? fmt::format("struct {}, 0x{:x} bytes", type->text(), type->size) : "");
  output.value("size", type->size, "");
  if (object) output.value("address", hex16(*object), "");
  if (!type->is_composite()) {
    tell_value(session, output, *type, object);
    return true;
  }
  TypeDump dump(session, output, object, words, by_prefix);
  dump.tell(*type, depth);
  return dump.any() || words.empty() || fail(output, fmt::format("{} has no member {}", type->text(), words.front()));
}

constexpr Command kTypeCommands[] = {
    {"dt", "[-r[N]] [-v] [-y] [MODULE!]TYPE [ADDRESS] [MEMBER...]", "A type, or an object of it at an address",
     dump_type},
};

}  // namespace

std::span<const Command> type_commands() { return kTypeCommands; }

}  // namespace ntemu::debug
