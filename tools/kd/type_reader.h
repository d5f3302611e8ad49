// Types out of one image's debug information.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tools/kd/image_file.h"
#include "tools/kd/types.h"

namespace ntemu::debug {

class TypeReader {
 public:
  explicit TypeReader(ImageFile &file) : file_(file) {}

  // By its name, with a leading underscore or without. With `everywhere` false only in the unit that has all of the
  // kernel's public types, where there is one.
  const Type *find(std::string_view name, bool everywhere);
  // A variable's type, and its address in the file.
  const Type *find_variable(std::string_view name, uint64_t &address);
  bool has_main_unit();
  // The names of all types.
  std::vector<std::string> names();

  const Type *type_of(Dwarf_Die &die);  // of what has DW_AT_type; void without
  const Type *target_of(const Type &type);
  std::vector<Member> members_of(const Type &type);
  std::vector<Enumerator> enumerators_of(const Type &type);

 private:
  using Names = std::unordered_map<std::string, Dwarf_Off>;

  void index_main_unit();
  void index_all();
  void index_children(Dwarf_Die &parent, const std::string &scope, Names &types);
  const Type *from(Names &names, std::string_view name);
  const Type *make(Dwarf_Die die, unsigned dimension = 0);

  ImageFile &file_;
  bool main_known_ = false, all_known_ = false;
  Names main_, all_, variables_;
  std::map<std::pair<Dwarf_Off, unsigned>, std::unique_ptr<Type>> types_;
};

}  // namespace ntemu::debug
