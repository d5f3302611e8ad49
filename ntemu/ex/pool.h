// What the kernel keeps about its pool.
#pragma once

#include <atomic>

#include "ntemu/base/result.h"
#include "ntifs.h"

// One row per tag; `Key` 0 ends the used part. Source: the layout that !poolused walks.
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

}  // namespace ntemu::ex
