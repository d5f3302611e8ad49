// The types that the images' debug information describes, and values of them in memory.
#pragma once

#include <elfutils/libdw.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/kd/target.h"
#include "tools/kd/walk.h"

namespace ntemu::debug {

enum class TypeKind {
  kVoid,
  kSigned,
  kUnsigned,
  kCharacter,  // of one byte
  kWideCharacter,
  kBoolean,
  kFloat,
  kPointer,
  kArray,
  kStruct,
  kUnion,
  kEnum,
  kFunction
};

class Type;
class TypeReader;

struct Member {
  std::string name;  // empty: an unnamed struct or union, whose members count as the outer one's
  uint64_t offset = 0;
  const Type *type = nullptr;
  unsigned bit_offset = 0;  // from the lowest bit at `offset`
  unsigned bit_size = 0;    // 0: not a bit field
};

struct Enumerator {
  std::string name;
  int64_t value = 0;
};

// Typedefs and qualifiers are resolved. Types live as long as the Types they come from; what they are made of is read
// when it is first asked for.
class Type {
 public:
  TypeKind kind = TypeKind::kVoid;
  std::string name;  // of a struct, union or enum, or of the basic type
  uint64_t size = 0;
  uint64_t count = 0;  // of an array
  bool is_signed = false;

  const Type *target() const;  // of a pointer or an array; of a function what it returns
  const std::vector<Member> &members() const;
  const std::vector<Enumerator> &enumerators() const;

  bool is_composite() const { return kind == TypeKind::kStruct || kind == TypeKind::kUnion; }
  // Has a value that fits into 64 bits.
  bool is_scalar() const { return !is_composite() && kind != TypeKind::kArray && size > 0 && size <= sizeof(uint64_t); }
  // As dt tells it: "Int4B", "Ptr64 Void", "[4] _KWAIT_BLOCK".
  std::string text() const;

 private:
  friend class TypeReader;
  TypeReader *reader_ = nullptr;
  Dwarf_Die die_{};
  unsigned dimension_ = 0;  // of an array of arrays
  mutable bool members_known_ = false, target_known_ = false, enumerators_known_ = false;
  mutable const Type *target_ = nullptr;
  mutable std::vector<Member> members_;
  mutable std::vector<Enumerator> enumerators_;
};

// A part of a structure.
struct Field {
  uint64_t offset = 0;
  const Type *type = nullptr;
  unsigned bit_offset = 0, bit_size = 0;
};

// A variable of a driver or of the kernel.
struct Variable {
  Address address = 0;
  const Type *type = nullptr;
};

class Types {
 public:
  explicit Types(Target &target);
  ~Types();

  // "nt!_KMUTANT", "_KMUTANT", "KMUTANT", "TestDriver!_SYNC_RESOURCES". Without a module the kernel is looked at first,
  // then the drivers.
  const Type *find(std::string_view name);
  std::optional<Variable> variable(std::string_view name);
  // Names of types that match a pattern ("nt!_K*"), with their modules.
  std::vector<std::string> matching(std::string_view pattern);

  // "_KTHREAD.WaitBlock[1].Thread", "_ETHREAD.Tcb.State"; remembered.
  const Field *field(std::string_view path);
  // "Header.SignalState" of `type`.
  static std::optional<Field> part(const Type &type, std::string_view path);
  std::optional<uint64_t> offset(std::string_view path);
  // The integer, pointer, enum or bit field `path` of the object at `object`.
  std::optional<uint64_t> value(Address object, std::string_view path);
  std::optional<int64_t> signed_value(Address object, std::string_view path);
  // The number at `address`, sign-extended where it has a sign; of what is no number, none.
  std::optional<uint64_t> read(Address address, const Field &field);

  // Of one image; null where there is no debug information.
  TypeReader *reader_of(const Module &module);
  // The objects of a LIST_ENTRY list: addresses of structures whose links are `link` ("_EPROCESS.ActiveProcessLinks").
  Walk<Address> list(Address head, std::string_view link, size_t most = kMostEntries);

 private:
  struct State;
  Target &target_;
  std::unique_ptr<State> state_;
};

}  // namespace ntemu::debug
