// The life of objects: creation, reference counts, deletion.
#include "ntemu/ob/object.h"

#include "ntemu/base/lock.h"
#include "ntemu/ex/worker.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ob/header.h"

extern "C" {
POBJECT_TYPE ObTypeIndexTable[256];
UCHAR ObHeaderCookie = 0;
}

namespace ntemu::ob {
namespace {

constexpr size_t kPrefix = sizeof(OBJECT_HEADER_NAME_INFO) + sizeof(OBJECT_HEADER);
static_assert(kPrefix % 16 == 0, "bodies are 16-aligned");

base::Mutex types_mutex;

UCHAR index_of(_OBJECT_TYPE &type) {
  if (const UCHAR index = __atomic_load_n(&type.index, __ATOMIC_ACQUIRE)) return index;
  base::Guard guard(types_mutex);
  if (type.index) return type.index;
  UCHAR index = 2;  // as on Windows, where 0 and 1 never denote a type
  while (ObTypeIndexTable[index]) ++index;
  __atomic_store_n(&ObTypeIndexTable[index], &type, __ATOMIC_RELEASE);
  __atomic_store_n(&type.index, index, __ATOMIC_RELEASE);
  return index;
}

// The first four letters of the type's name: Devi, Driv, File, Key...
ULONG tag_of(const _OBJECT_TYPE &type) {
  ULONG tag = 0;
  for (size_t i = 0; i < 4; ++i) tag |= (i < type.name.size() ? static_cast<ULONG>(type.name[i]) : ' ') << 8 * i;
  return tag;
}

void destroy(OBJECT_HEADER &header) {
  void *body = body_of(header);
  _OBJECT_TYPE &type = type_of(body);
  // Each handle has a reference of its own.
  if (header.HandleCount > 0)
    ke::bugcheck(0x18, reinterpret_cast<ULONG_PTR>(&type), reinterpret_cast<ULONG_PTR>(body), 2, 0);
  if (type.on_delete) type.on_delete(body);
  ExFreePoolWithTag(&name_info_of(header), tag_of(type));
}

}  // namespace

void *create(_OBJECT_TYPE &type, size_t body_size) {
  const UCHAR index = index_of(type);
  auto *block = static_cast<char *>(ExAllocatePool2(POOL_FLAG_NON_PAGED, kPrefix + body_size, tag_of(type)));
  if (!block) return nullptr;
  auto &header = *reinterpret_cast<OBJECT_HEADER *>(block + sizeof(OBJECT_HEADER_NAME_INFO));
  header.PointerCount = 1;
  header.TypeIndex = index;
  header.InfoMask = kNameInfoMask;
  return body_of(header);
}

void *object_in(void *block, SIZE_T bytes, ULONG tag) {
  if (bytes < kPrefix) return nullptr;
  auto &header = *reinterpret_cast<OBJECT_HEADER *>(static_cast<char *>(block) + sizeof(OBJECT_HEADER_NAME_INFO));
  const POBJECT_TYPE type = ObTypeIndexTable[header.TypeIndex];
  return header.InfoMask == kNameInfoMask && type && tag_of(*type) == tag ? body_of(header) : nullptr;
}

_OBJECT_TYPE &type_of(void *body) {
  return *__atomic_load_n(&ObTypeIndexTable[header_of(body).TypeIndex], __ATOMIC_RELAXED);
}

void reference(void *body) {
  OBJECT_HEADER &header = header_of(body);
  const LONG64 before = __atomic_fetch_add(&header.PointerCount, 1, __ATOMIC_RELAXED);
  if (before <= 0) [[unlikely]] {
    ke::bugcheck(0x18, reinterpret_cast<ULONG_PTR>(&type_of(body)), reinterpret_cast<ULONG_PTR>(body), 1,
                 static_cast<ULONG_PTR>(before));
  }
}

bool reference_unless_dying(void *body) {
  LONG64 &count = header_of(body).PointerCount;
  LONG64 seen = __atomic_load_n(&count, __ATOMIC_RELAXED);
  while (seen > 0) {
    if (__atomic_compare_exchange_n(&count, &seen, seen + 1, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) return true;
  }
  return false;
}

void dereference(void *body) {
  OBJECT_HEADER &header = header_of(body);
  const LONG64 left = __atomic_sub_fetch(&header.PointerCount, 1, __ATOMIC_ACQ_REL);
  if (left > 0) return;
  if (left < 0) {
    ke::bugcheck(0x18, reinterpret_cast<ULONG_PTR>(&type_of(body)), reinterpret_cast<ULONG_PTR>(body), 2,
                 static_cast<ULONG_PTR>(left));
  }
  destroy(header);
}

void dereference_at_any_irql(void *body) {
  LONG64 &count = header_of(body).PointerCount;
  LONG64 seen = __atomic_load_n(&count, __ATOMIC_RELAXED);
  while (seen > 1) {
    if (__atomic_compare_exchange_n(&count, &seen, seen - 1, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) return;
  }
  if (KeGetCurrentIrql() < DISPATCH_LEVEL) return dereference(body);
  ex::queue_to_system_worker(dereference, body);
}

LONG64 reference_count(void *body) { return __atomic_load_n(&header_of(body).PointerCount, __ATOMIC_RELAXED); }
LONG64 handle_count(void *body) { return __atomic_load_n(&header_of(body).HandleCount, __ATOMIC_RELAXED); }

void count_handle(void *body) {
  reference(body);
  __atomic_fetch_add(&header_of(body).HandleCount, 1, __ATOMIC_RELAXED);
}

void release_handle(void *body) {
  if (__atomic_sub_fetch(&header_of(body).HandleCount, 1, __ATOMIC_ACQ_REL) == 0) {
    const _OBJECT_TYPE &type = type_of(body);
    if (type.on_last_handle_closed) type.on_last_handle_closed(body);
    remove_temporary_name(body);
  }
  dereference(body);
}

void teardown() {
  close_all_handles();
  drop_all_names();
}

}  // namespace ntemu::ob
