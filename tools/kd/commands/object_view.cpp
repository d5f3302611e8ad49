#include "tools/kd/commands/object_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "tools/kd/format.h"

namespace ntemu::debug {
namespace {

// OBJECT_HEADER lies in front of the body, OBJECT_HEADER_NAME_INFO in front of that.
constexpr uint64_t kObjectHeaderSize = 0x30, kHandleCount = 8, kTypeIndex = 0x18, kInfoMask = 0x1a;
constexpr uint64_t kNameInfoSize = 0x20, kName = 8;
constexpr uint8_t kHasNameInfo = 2;
// A directory has a pointer to a std::unordered_multimap of names and bodies: the first node's place in it, and what is
// in a node behind the pointer to the next.
constexpr uint64_t kFirstNode = 16, kCount = 24, kNodeBody = 40;
constexpr size_t kMostNames = 100'000, kMostDepth = 32, kMostNameLength = 1024;
constexpr size_t kSegments = 16384, kSegmentEntries = 1024, kHandleEntry = 16;
constexpr uint64_t kEntryFlags = 15;

bool same(std::string_view one, std::string_view other) {
  return std::equal(one.begin(), one.end(), other.begin(), other.end(), [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
  });
}

// A std::u16string_view: its length, then its text.
std::optional<std::string> view_text(Memory &memory, Address view) {
  const auto length = memory.pointer(view), text = memory.pointer(view + 8);
  if (!length || !text || *length == 0 || *length > kMostNameLength) return std::nullopt;
  return memory.wide_text(*text, *length * sizeof(char16_t));
}

Address root_directory(Session &session) {
  const void *variable = session.target().data().root_directory;
  return variable ? session.memory().pointer(address_of(variable)).value_or(0) : 0;
}

}  // namespace

bool is_dispatcher_type(uint8_t type) { return type <= 9; }

const char *dispatcher_type_of(std::string_view object_type) {
  static constexpr std::pair<std::string_view, const char *> kTypes[] = {
      {"Event", "nt!_KEVENT"}, {"Mutant", "nt!_KMUTANT"}, {"Semaphore", "nt!_KSEMAPHORE"},
      {"Timer", "nt!_KTIMER"}, {"Thread", "nt!_ETHREAD"}, {"Process", "nt!_EPROCESS"}};
  for (const auto &[name, type] : kTypes) {
    if (name == object_type) return type;
  }
  return nullptr;
}

ObjectFacts object_facts(Session &session, Address body) {
  Memory &memory = session.memory();
  ObjectFacts facts;
  facts.body = body;
  facts.header = body - kObjectHeaderSize;
  const auto pointers = memory.get<int64_t>(facts.header), handles = memory.get<int64_t>(facts.header + kHandleCount);
  const auto index = memory.get<uint8_t>(facts.header + kTypeIndex);
  const auto mask = memory.get<uint8_t>(facts.header + kInfoMask);
  const auto table = session.symbols().address("nt!ObTypeIndexTable");
  if (!pointers || !handles || !index || !mask || !table || *pointers < 0 || *handles < 0 || *handles > *pointers)
    return facts;
  facts.type = memory.pointer(*table + *index * sizeof(Address)).value_or(0);
  const auto type_name = facts.type ? view_text(memory, facts.type) : std::nullopt;
  if (!type_name) return facts;
  facts.valid = true;
  facts.type_name = *type_name;
  facts.pointers = *pointers;
  facts.handles = *handles;
  if (*mask & kHasNameInfo) {
    const Address info = facts.header - kNameInfoSize;
    facts.directory = memory.pointer(info).value_or(0);
    facts.name = memory.unicode_string(info + kName).value_or("");
  }
  return facts;
}

std::string full_name(Session &session, const ObjectFacts &object) {
  const Address root = root_directory(session);
  if (object.body == root) return "\\";
  std::string path;
  ObjectFacts at = object;
  for (size_t depth = 0; depth < kMostDepth && at.valid && at.body != root; ++depth) {
    if (at.name.empty()) break;
    path = "\\" + at.name + path;
    if (!at.directory) break;
    at = object_facts(session, at.directory);
  }
  return path;
}

void show_object_header(const ObjectFacts &object, Output &output) {
  output.value("object", hex16(object.body),
               fmt::format("Object: {}  Type: ({}) {}", hex16(object.body), hex16(object.type), object.type_name));
  output.value("type", object.type_name, "");
  output.value("header", hex16(object.header), fmt::format("    ObjectHeader: {} (new version)", hex16(object.header)));
  output.value("handles", object.handles, "");
  output.value("pointers", object.pointers,
               fmt::format("    HandleCount: {}  PointerCount: {}", object.handles, object.pointers));
  if (!object.name.empty())
    output.value("name", object.name,
                 fmt::format("    Directory Object: {}  Name: {}", hex16(object.directory), object.name));
}

Walk<Address> directory_entries(Session &session, Address directory) {
  Walk<Address> result;
  Memory &memory = session.memory();
  const auto map = memory.pointer(directory);
  const auto count = map ? memory.pointer(*map + kCount) : std::nullopt;
  auto node = map ? memory.pointer(*map + kFirstNode) : std::nullopt;
  if (!count || !node) {
    result.problems.push_back(fmt::format("the directory at {} cannot be read", hex16(directory)));
    return result;
  }
  const uint64_t most = std::min<uint64_t>(*count, kMostNames);
  while (node && *node && result.found.size() < most) {
    const auto body = memory.pointer(*node + kNodeBody);
    if (!body) break;
    result.found.push_back(*body);
    node = memory.pointer(*node);
  }
  if (result.found.size() != *count)
    result.problems.push_back(fmt::format("the directory at {} says that it has {} entries; {} are found",
                                          hex16(directory), *count, result.found.size()));
  return result;
}

Result<Address> find_object(Session &session, std::string_view path) {
  Address at = root_directory(session);
  if (!at) return Failure{"the root of the namespace cannot be read"};
  std::string_view rest = path;
  while (!rest.empty()) {
    if (rest[0] == '\\') rest.remove_prefix(1);
    const size_t end = std::min(rest.find('\\'), rest.size());
    const std::string_view part = rest.substr(0, end);
    rest.remove_prefix(end);
    if (part.empty()) continue;
    const ObjectFacts directory = object_facts(session, at);
    if (!directory.valid || directory.type_name != "Directory")
      return Failure{fmt::format("Object {} not found: {} is no directory", path, hex16(at))};
    const auto entries = directory_entries(session, at).found;
    const auto found = std::find_if(entries.begin(), entries.end(),
                                    [&](Address body) { return same(object_facts(session, body).name, part); });
    if (found == entries.end()) return Failure{fmt::format("Object {} not found", path)};
    at = *found;
  }
  return at;
}

Walk<HandleEntry> open_handles(Session &session) {
  Walk<HandleEntry> result;
  Memory &memory = session.memory();
  const Address segments = address_of(session.target().data().handle_segments);
  if (!segments) {
    result.problems.push_back("the kernel does not say where its handle table is");
    return result;
  }
  for (size_t i = 0; i < kSegments; ++i) {
    const auto segment = memory.pointer(segments + i * sizeof(Address));
    if (!segment) result.problems.push_back("the handle table cannot be read");
    if (!segment || !*segment) break;
    for (size_t k = 0; k < kSegmentEntries; ++k) {
      const Address entry = *segment + k * kHandleEntry;
      const auto value = memory.pointer(entry);
      const auto access = memory.get<uint32_t>(entry + sizeof(uint64_t));
      if (!value || !access) {
        result.problems.push_back(fmt::format("the handle table cannot be read at {}", hex16(entry)));
        break;
      }
      if (*value) result.found.push_back({(i * kSegmentEntries + k) * 4, entry, *value & ~kEntryFlags, *access});
    }
  }
  return result;
}

}  // namespace ntemu::debug
