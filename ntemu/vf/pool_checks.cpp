#include "ntemu/vf/pool_checks.h"

#include "ntemu/base/address.h"
#include "ntemu/base/log.h"
#include "ntemu/base/pages.h"
#include "ntemu/ex/lookaside.h"
#include "ntemu/ex/resource.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ke/timer.h"
#include "ntemu/vf/paged_access.h"
#include "ntemu/vf/pool_tracking.h"
#include "ntemu/vf/special_pool.h"
#include "ntemu/vf/verified.h"

namespace ntemu::vf {
namespace {

using api::Call;
using api::Id;
using ex::PoolLook;

[[noreturn]] void report(const Call &call, std::string_view why, ULONG_PTR kind, ULONG_PTR p2, ULONG_PTR p3,
                         ULONG_PTR p4) {
  base::log(base::Level::kError, "verifier", "{}: {}: {}", api::entry(call.id).name, why,
            ex::describe_site(call.caller));
  violation(kind, p2, p3, p4);
}

constexpr int kHowToFail = POOL_RAISE_IF_ALLOCATION_FAILURE | POOL_QUOTA_FAIL_INSTEAD_OF_RAISE | POOL_ZERO_ALLOCATION;

// Of a call whose flags mean nothing the pool type is 0.
ex::PoolRequest request_of(const Call &call, bool &valid) {
  valid = true;
  if (call.id == Id::ExAllocatePool2) {
    const auto tag = static_cast<ULONG>(call.arguments[2]);
    if (const auto request = ex::parse_request(call.arguments[0], call.arguments[1], tag, call.caller)) return *request;
    valid = false;
    const auto type = call.arguments[0] & POOL_FLAG_PAGED ? PagedPool : NonPagedPoolNx;
    return {type, call.arguments[1], tag, false, call.caller};
  }
  const auto type = static_cast<int>(call.arguments[0]);
  const bool zero = call.id == Id::ExAllocatePoolZero || (type & POOL_ZERO_ALLOCATION);
  const ULONG tag = call.id == Id::ExAllocatePool ? ex::kNoTag : static_cast<ULONG>(call.arguments[2]);
  return {static_cast<POOL_TYPE>(type & ~kHowToFail), call.arguments[1], tag, zero, call.caller};
}

bool serve_allocation(const Call &call, ULONG options, uint64_t &result) {
  bool valid;
  const ex::PoolRequest request = request_of(call, valid);
  const KIRQL irql = ke::current().irql;
  const auto type = static_cast<ULONG_PTR>(request.type);
  if (request.bytes == 0) report(call, "no bytes are asked for", 0x00, irql, type, 0);
  if (request.paged() && irql > APC_LEVEL) report(call, "paged pool above APC_LEVEL", 0x01, irql, type, request.bytes);
  if (irql > DISPATCH_LEVEL) report(call, "nonpaged pool above DISPATCH_LEVEL", 0x02, irql, type, request.bytes);
  if (!valid) return false;
  void *block = take_special_block(request, options);
  if (!block && (options & kPoolTracking)) block = ex::allocate_pool(request);
  if (!block) return false;  // the call itself knows how to fail
  if (options & kPoolTracking) remember_taker(block);
  result = base::address_of(block);
  return true;
}

// Objects that somebody still knows of.
void check_contents(const Call &call, const ex::PoolBlock &block, ULONG options) {
  const ULONG_PTR type = block.paged ? PagedPool : NonPagedPool;
  if (const KTIMER *timer = ke::find_set_timer(block.start, block.bytes))
    report(call, "the block contains a timer that is set", 0x15, base::address_of(timer), type,
           base::address_of(block.start));
  if (!(options & kMiscellaneous)) return;
  if (const void *list = ex::find_lookaside_list(block.start, block.bytes))
    report(call, "the block contains a lookaside list in use", 0xCC, base::address_of(list),
           base::address_of(block.start), block.bytes);
  if (const ERESOURCE *resource = ex::find_resource(block.start, block.bytes))
    report(call, "the block contains a resource in use", 0xD2, base::address_of(resource),
           base::address_of(block.start), block.bytes);
}

// What is not told here, the pool itself tells when it is to free the block.
void check_free(const Call &call, ULONG options) {
  const auto *address = reinterpret_cast<const void *>(call.arguments[0]);
  const PoolLook look = ex::look_at_pool(address);
  const bool tracking = options & kPoolTracking;
  switch (look.what) {
    case PoolLook::kNothing:
      // A large block leaves nothing behind when it is freed.
      if (look.special || (base::in_arena(address) && base::address_of(address) % base::kPageSize == 0)) return;
      report(call, "the address is none of a block of pool", 0x10, base::address_of(address), 0, 0);
    case PoolLook::kInside:
      if (look.special) return;
      report(call, "the address lies in the middle of a block", 0x16, 0, base::address_of(address), 0);
    case PoolLook::kFreed:
      if (look.special) return;
      report(call, "the block is free already", 0x13, 0, base::address_of(look.header), look.header_contents);
    case PoolLook::kDamaged:
      if (!tracking) return;
      report(call, "the block's header is overwritten", 0x53, base::address_of(address), 0, 0);
    case PoolLook::kBlock:
      break;
  }
  const ex::PoolBlock &block = look.block;
  const KIRQL irql = ke::current().irql;
  if (block.paged && irql > APC_LEVEL)
    report(call, "paged pool is freed above APC_LEVEL", 0x11, irql, PagedPool, base::address_of(address));
  if (irql > DISPATCH_LEVEL)
    report(call, "nonpaged pool is freed above DISPATCH_LEVEL", 0x12, irql, NonPagedPool, base::address_of(address));
  if (look.overrun && tracking) {
    if (look.next_header_damaged)
      report(call, "the header behind the block is overwritten", 0x52, base::address_of(address), 0, block.bytes);
    report(call, "the block was written beyond its end", 0x51, base::address_of(address),
           base::address_of(look.overrun), block.bytes);
  }
  check_contents(call, block, options);
  if (tracking) forget_taker(address);
}

}  // namespace

bool verify_pool_call(const Call &call, uint64_t &result) {
  const ULONG options = options_at(call.caller);
  if (options == 0) return false;
  switch (call.id) {
    case Id::ExAllocatePool:
    case Id::ExAllocatePool2:
    case Id::ExAllocatePoolUninitialized:
    case Id::ExAllocatePoolWithTag:
    case Id::ExAllocatePoolZero:
      return serve_allocation(call, options, result);
    case Id::ExFreePool:
    case Id::ExFreePoolWithTag:
      check_free(call, options);
      return false;
    default:
      if (options & kForceIrql) check_paged_arguments(call);
      return false;
  }
}

}  // namespace ntemu::vf
