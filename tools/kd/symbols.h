// Names for addresses and addresses for names, from the images' symbol tables and line tables.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/kd/image_file.h"
#include "tools/kd/target.h"

namespace ntemu::debug {

struct Symbol {
  std::string name;  // without scopes and arguments
  Address address = 0;
  uint64_t size = 0;
  bool function = false;
};

struct Place {
  Module *module = nullptr;  // null: in no image
  std::string function;      // empty: no symbol covers it
  uint64_t offset = 0;       // from the function, or from the image without one

  // "nt!KeSetEvent+0x12", "TestDriver+0x113d", or the address.
  std::string text(Address address) const;
};

class Symbols {
 public:
  explicit Symbols(Target &target) : target_(target) {}

  // With `after_call` the address is one that a call returns to: what is told is the call's.
  Place place(Address address, bool after_call = false);
  std::string name(Address address, bool after_call = false) { return place(address, after_call).text(address); }
  std::optional<SourceLine> line(Address address, bool after_call = false);

  // "nt!KeSetEvent", or a name alone, which is looked for in the kernel and then in the drivers.
  std::optional<Address> address(std::string_view name);
  // Those whose names match `pattern` ("TestDriver!File*"; * and ? stand for others), by address.
  Result<std::vector<std::pair<Module *, Symbol>>> matching(std::string_view pattern);
  // The symbol at or before `address` and the one behind it.
  std::vector<std::pair<Module *, Symbol>> near(Address address);

 private:
  Target &target_;
};

}  // namespace ntemu::debug
