// Objects with names, handles and reference counts; what every other manager's types are made of.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "ntemu/base/result.h"
#include "ntifs.h"

namespace ntemu::ob {

// What a walk needs to know of the open that started it.
struct OpenRequest {
  ACCESS_MASK access = 0;
  ULONG attributes = 0;  // OBJ_...
  KPROCESSOR_MODE mode = KernelMode;
  void *context = nullptr;  // the type's own: e.g. io's file create parameters
};
// An object whose type parses the rest of a path itself (devices: file names; keys: key paths). `rest` is empty or
// starts with a backslash, or, under RootDirectory, is what the caller gave: relative. The result carries a reference.
using Parse = Result<void *> (*)(void *body, std::u16string_view rest, OpenRequest &request);

}  // namespace ntemu::ob

// The public name POBJECT_TYPE is opaque to drivers; this is what stands behind it.
struct _OBJECT_TYPE {
  std::u16string_view name;
  ULONG valid_access;
  GENERIC_MAPPING generic_mapping;
  // Byte offset of a DISPATCHER_HEADER in the body that waits on a handle use; -1 when the object cannot be waited on.
  LONG dispatcher_offset = -1;
  // The last reference is gone: free what the body owns. Runs where the reference was dropped, without locks.
  void (*on_delete)(void *body) = nullptr;
  // The last handle was closed (a file's cleanup).
  void (*on_last_handle_closed)(void *body) = nullptr;
  // The full name of an object that the namespace does not hold itself (files, keys); empty when it has none.
  std::u16string (*query_name)(void *body) = nullptr;
  ntemu::ob::Parse parse = nullptr;
  UCHAR index = 0;  // into ObTypeIndexTable; given at the first object
};

namespace ntemu::ob {

// Life.

// A zeroed, 16-aligned body with one reference. nullptr when memory is short.
void *create(_OBJECT_TYPE &type, size_t body_size);
void reference(void *body);
void dereference(void *body);
// The same at any IRQL up to DISPATCH_LEVEL: what the last reference's end does happens on a system worker then.
void dereference_at_any_irql(void *body);
// False when the last reference is already gone.
bool reference_unless_dying(void *body);
_OBJECT_TYPE &type_of(void *body);
LONG64 reference_count(void *body);
LONG64 handle_count(void *body);

// A counted pointer to an object's body.
template <class T>
class Ref {
 public:
  Ref() = default;
  // Takes over a reference that the caller owns.
  static Ref adopt(T *body) {
    Ref ref;
    ref.body_ = body;
    return ref;
  }
  static Ref share(T *body) {
    if (body) reference(body);
    return adopt(body);
  }
  Ref(Ref &&other) noexcept : body_(std::exchange(other.body_, nullptr)) {}
  Ref(const Ref &other) : Ref(share(other.body_)) {}
  Ref &operator=(Ref other) noexcept {
    std::swap(body_, other.body_);
    return *this;
  }
  ~Ref() {
    if (body_) dereference(body_);
  }
  T *get() const { return body_; }
  T *operator->() const { return body_; }
  std::add_lvalue_reference_t<T> operator*() const { return *body_; }
  explicit operator bool() const { return body_ != nullptr; }
  T *release() { return std::exchange(body_, nullptr); }

 private:
  T *body_ = nullptr;
};

// The object in a block of pool that `create` took; nullptr when the block is none of those.
void *object_in(void *block, SIZE_T bytes, ULONG tag);

// Handles.

// One table: every driver runs in the System process. OBJ_KERNEL_HANDLE only changes the handle's value.
// OBJ_PROTECT_CLOSE makes close_handle fail. Generic rights in `granted` are mapped.
Result<HANDLE> create_handle(void *body, ACCESS_MASK granted, ULONG attributes);
// The specific rights that generic ones stand for.
ACCESS_MASK map_generic(const _OBJECT_TYPE &type, ACCESS_MASK access);
// The same, and MAXIMUM_ALLOWED is all.
ACCESS_MASK map_access(const _OBJECT_TYPE &type, ACCESS_MASK access);
// `type` nullptr accepts any. UserMode callers need every bit of `access` granted; KernelMode callers need none.
Result<void *> reference_by_handle(HANDLE handle, ACCESS_MASK access, const _OBJECT_TYPE *type, KPROCESSOR_MODE mode,
                                   ACCESS_MASK *granted = nullptr, ULONG *attributes = nullptr);
// STATUS_INVALID_HANDLE; STATUS_HANDLE_NOT_CLOSABLE when protected.
NTSTATUS close_handle(HANDLE handle);
NTSTATUS protect_handle(HANDLE handle, bool protect);
size_t open_handles();
// Told of every handle while it is set; `index` is its place in the table, which is not taken again before `given`.
struct HandleWatch {
  void (*taken)(HANDLE handle, ULONG index);
  void (*given)(ULONG index);
};
extern std::atomic<const HandleWatch *> handle_watch;

// Names.

// Opens `attributes->ObjectName` (with RootDirectory, symbolic links, \DosDevices = \??); the result carries a
// reference. Sets request.attributes. A link itself is opened by asking for symbolic_link_type.
Result<void *> open_by_name(const OBJECT_ATTRIBUTES &attributes, const _OBJECT_TYPE *type, OpenRequest &request);
// Case-insensitive.
Result<void *> open_by_path(std::u16string_view path, const _OBJECT_TYPE *type);
// Enters an object under its full path, e.g. \Device\Foo; the directory must exist. STATUS_OBJECT_NAME_COLLISION.
// The namespace holds a reference until remove_name: the name is permanent.
NTSTATUS insert_name(void *body, std::u16string_view path);
// Enters an object under `attributes` (none when ObjectName is empty). Without OBJ_PERMANENT the name goes with the
// last handle. The result carries a reference: `body`, or with OBJ_OPENIF the object of the same type that has the
// name.
Result<void *> insert(void *body, const OBJECT_ATTRIBUTES &attributes);
void remove_name(void *body);
// Drops OBJ_PERMANENT: the name goes now when no handle is open, else with the last one.
void make_temporary(void *body);
std::u16string name_of(void *body);

NTSTATUS create_directory(std::u16string_view path);
NTSTATUS create_symbolic_link(std::u16string_view path, std::u16string_view target);
NTSTATUS delete_symbolic_link(std::u16string_view path);
// Calls `visit(name, body)` for each entry of a directory, in no particular order, without holding locks.
NTSTATUS for_each(std::u16string_view directory, const std::function<void(std::u16string_view, void *)> &visit);

// A terminated copy of a name in pool, where debuggers and drivers may read it; its Buffer is freed under kNameTag.
// Buffer nullptr: memory is short, or the text too long.
inline constexpr ULONG kNameTag = 0x6D4E624F;  // shows as ObNm
UNICODE_STRING pool_copy(std::u16string_view text);

// Builds \, \??, \DosDevices, \GLOBAL??, \Device, \Driver, \FileSystem, \BaseNamedObjects, \KernelObjects, \Callback.
void boot();
// Closes every handle and drops every name.
void teardown();

extern _OBJECT_TYPE directory_type;
extern _OBJECT_TYPE symbolic_link_type;

}  // namespace ntemu::ob
