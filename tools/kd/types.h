// The types that the images' debug information describes, and values of them in memory.
#pragma once

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
  kCharacter,
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

struct Type;

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

// Typedefs and qualifiers are resolved. Types live as long as the Types they come from.
struct Type {
  TypeKind kind = TypeKind::kVoid;
  std::string name;  // of a struct, union or enum, or of the basic type
  uint64_t size = 0;
  const Type *target = nullptr;  // of a pointer or an array
  uint64_t count = 0;            // of an array
  bool is_signed = false;
  std::vector<Member> members;
  std::vector<Enumerator> enumerators;

  // As dt tells it: "Int4B", "Ptr64 Void", "[4] _KWAIT_BLOCK".
  std::string text() const;
  const Member *member(std::string_view name) const;
};

// A part of a structure.
struct Field {
  uint64_t offset = 0;
  const Type *type = nullptr;
  unsigned bit_offset = 0, bit_size = 0;
};

class Types {
 public:
  explicit Types(Target &target);
  ~Types();

  // "nt!_KMUTANT", "_KMUTANT", "KMUTANT", "TestDriver!_SYNC_RESOURCES". Without a module the kernel is looked at first,
  // then the drivers.
  const Type *find(std::string_view name);
  // Names of types that match a pattern, of one module ("nt!_K*").
  std::vector<std::string> matching(std::string_view pattern);

  // "_KTHREAD.WaitBlock[1].Thread", "_ETHREAD.Tcb.State"; remembered.
  const Field *field(std::string_view path);
  // The offset alone, in debug information or not there.
  std::optional<uint64_t> offset(std::string_view path);
  // The integer, pointer, enum or bit field `path` of the object at `object`.
  std::optional<uint64_t> value(Address object, std::string_view path);
  std::optional<int64_t> signed_value(Address object, std::string_view path);
  // The value at `address`; of what is no number, none.
  std::optional<uint64_t> read(Address address, const Field &field);

  // The objects of a LIST_ENTRY list: addresses of structures whose links are `link` ("_EPROCESS.ActiveProcessLinks").
  Walk<Address> list(Address head, std::string_view link, size_t most = 100'000);

 private:
  struct State;
  Target &target_;
  std::unique_ptr<State> state_;
};

}  // namespace ntemu::debug
