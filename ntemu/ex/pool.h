// What the kernel keeps about its pool.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>

#include "ntemu/base/result.h"
#include "ntifs.h"

// One row per tag, in no order; a row with the Key 0 is unused, except the last, which counts what has no row of its
// own. Source: the fields of nt!_POOL_TRACKER_TABLE that !poolused shows.
typedef struct _POOL_TRACKER_TABLE {
  ULONG Key;
  SIZE_T NonPagedBytes;
  SIZE_T NonPagedAllocs;
  SIZE_T NonPagedFrees;
  SIZE_T PagedBytes;
  SIZE_T PagedAllocs;
  SIZE_T PagedFrees;
} POOL_TRACKER_TABLE, *PPOOL_TRACKER_TABLE;

extern "C" {
extern POOL_TRACKER_TABLE *PoolTrackTable;
extern SIZE_T PoolTrackTableSize;
}

namespace ntemu::ex {

// Bytes and blocks that are allocated now, over all tags.
struct PoolUse {
  SIZE_T bytes;
  SIZE_T blocks;
};
PoolUse pool_use();

// Told of every block while it is set; called on the thread that takes or frees the block.
struct PoolWatch {
  void (*taken)(void *block, SIZE_T bytes, ULONG tag);
  void (*given)(void *block);
};
extern std::atomic<const PoolWatch *> pool_watch;

inline constexpr ULONG kNoTag = 0x656e6f4e;  // 'None', of ExAllocatePool

// What a call of one of the ExAllocatePool... asks for.
struct PoolRequest {
  POOL_TYPE type = NonPagedPool;  // without the bits that say how to fail
  SIZE_T bytes = 0;
  ULONG tag = 0;
  bool zero = false;
  const void *site = nullptr;  // the return address of the call
  bool paged() const { return type & PagedPool; }
  bool cache_aligned() const { return type & NonPagedPoolCacheAligned; }
};
// What ExAllocatePool2 asks for; nothing when it refuses to.
std::optional<PoolRequest> parse_request(POOL_FLAGS flags, SIZE_T bytes, ULONG tag, const void *site);
// From the ordinary pool; nullptr when there is no memory.
void *allocate_pool(const PoolRequest &request);

// A block that is allocated.
struct PoolBlock {
  void *start;
  SIZE_T bytes;
  ULONG tag;
  bool paged;
  const void *site;  // the return address of the call that took it
};
// All of them, also those of the special pool, as far as they hold still meanwhile. Nothing may be allocated under it.
void for_each_pool_block(const std::function<void(const PoolBlock &)> &visit);

// No call is said to have taken it from now on: the code is about to go where it lay.
void forget_site(void *block);

// What somebody sees who is about to free a block.
struct PoolLook {
  enum What {
    kNothing,  // that address was never a block
    kInside,   // it lies in the middle of one, or in its header
    kFreed,    // it is one, which is free
    kDamaged,  // it is one, whose header is overwritten
    kBlock     // `block` is that one
  } what = kNothing;
  bool special = false;              // it lies in the special pool
  PoolBlock block = {};              // also of kInside
  const void *header = nullptr;      // of a small block
  ULONG_PTR header_contents = 0;     // its first 8 bytes
  const void *overrun = nullptr;     // of kBlock: the first byte behind it that is overwritten
  bool next_header_damaged = false;  // that byte lies in the next block
};
// Without a lock nothing is known of large blocks.
PoolLook look_at_pool(const void *address, bool may_lock = true);

// Where a return address lies, for people: with its source line once the machine has set it.
extern std::string (*describe_site)(const void *site);
// The four letters of a tag.
std::string tag_text(ULONG tag);

// Of a block that is allocated, as it was asked for; 0 for another address.
SIZE_T block_bytes(const void *block);

}  // namespace ntemu::ex
