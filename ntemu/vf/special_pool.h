// Special pool as the verifier uses it: which blocks get it, and what a fault in it means.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ntemu/ex/special_pool.h"
#include "ntemu/ke/bugcheck.h"

namespace ntemu::vf {

using Alignment = ex::SpecialAlignment;

// In force for the blocks that images verified with kSpecialPool take from now on. Source: the options of Gflags.
struct SpecialPoolSettings {
  Alignment alignment = Alignment::kEnd;
  std::vector<std::string> tags = {};  // up to 4 characters, or with * at the end; none: any tag
  SIZE_T least = 0;                    // bytes; smaller blocks come from the ordinary pool,
  SIZE_T most = ~SIZE_T{0};            // as do larger ones
};
void set_special_pool(const SpecialPoolSettings &settings);

// Whether one of the patterns fits; so does any tag when there is none.
bool tag_fits(const std::vector<std::string> &patterns, ULONG tag);

// A block of the special pool for that call of a driver verified with these options; nullptr when the ordinary pool is
// to serve it. Paged pool gets it by kForceIrql too, whatever the settings, since it is trimmed by pages.
void *take_special_block(const ex::PoolRequest &request, ULONG options);

// What an access that faulted in the special pool means: 0xD6 or 0xCD behind or before a block, 0xD5 or 0xCC in one
// that was freed, with the access as their parameters; the second of each when it was not a driver that did it. Nothing
// when the address lies elsewhere. May be called by a signal handler: takes no lock.
std::optional<ke::Bugcheck> explain_special_pool_fault(const void *address, bool write, const void *ip);
// The same in words, with the stacks that took and freed the block, and the same of a block of paged pool at `address`:
// for the log, once the machine is lost.
std::vector<std::string> describe_special_pool_fault(const void *address);

}  // namespace ntemu::vf
