// The object manager's objects: what their headers say, and the directories that have their names.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/kd/session.h"

namespace ntemu::debug {

struct ObjectFacts {
  bool valid = false;  // an object's header lies in front of it
  Address body = 0, header = 0, type = 0;
  std::string type_name;
  int64_t pointers = 0, handles = 0;
  std::string name;       // empty: it has none
  Address directory = 0;  // that has the name
};

ObjectFacts object_facts(Session &session, Address body);
// "\Driver\TestDrv"; as far as it can be followed.
std::string full_name(Session &session, const ObjectFacts &object);
// Object: ..., its header and its name, as !object shows them.
void show_object_header(const ObjectFacts &object, Output &output);

// The bodies of what a directory has.
Walk<Address> directory_entries(Session &session, Address directory);
// The body of the object with that path; case makes no difference.
Result<Address> find_object(Session &session, std::string_view path);

// Types of the kernel's dispatcher objects.
bool is_dispatcher_type(uint8_t type);
// "nt!_KEVENT" of an object type "Event"; null for a type that has no dispatcher object in front.
const char *dispatcher_type_of(std::string_view object_type);

struct HandleEntry {
  uint64_t handle = 0;
  Address entry = 0, body = 0;
  uint32_t access = 0;
};
// All that are open.
Walk<HandleEntry> open_handles(Session &session);

}  // namespace ntemu::debug
