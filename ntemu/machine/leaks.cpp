#include "ntemu/machine/leaks.h"

#include <fmt/format.h>

#include <set>

#include "ntemu/base/utf.h"
#include "ntemu/ex/worker.h"
#include "ntemu/ke/processor.h"
#include "ntemu/ob/object.h"
#include "ntemu/ps/exit.h"
#include "ntemu/ps/process.h"
#include "ntemu/ps/ps.h"
#include "ntemu/vf/watch.h"

namespace ntemu::machine {
namespace {

std::string name_in_quotes(void *body) {
  const std::u16string name = ob::name_of(body);
  return name.empty() ? "" : fmt::format(" '{}'", base::to_utf8(name));
}

std::string type_name(void *body) { return base::to_utf8(ob::type_of(body).name); }

std::string tag_text(ULONG tag) {
  std::string text;
  for (int i = 0; i < 4; ++i) {
    const auto letter = static_cast<char>(tag >> 8 * i);
    text += letter >= ' ' && letter <= '~' ? letter : '.';
  }
  return text;
}

// Threads of the kernel's own that a driver's call brought about.
bool is_kernels(void *body) {
  if (&ob::type_of(body) != *PsThreadType) return false;
  auto &thread = *static_cast<ETHREAD *>(body);
  return thread.adopted || ex::is_worker(thread) || ke::is_dpc_thread(thread);
}

std::string describe_object(void *body) {
  return fmt::format("object of type {}{}, {} reference{}, {} open handle{}: made", type_name(body),
                     name_in_quotes(body), ob::reference_count(body), ob::reference_count(body) == 1 ? "" : "s",
                     ob::handle_count(body), ob::handle_count(body) == 1 ? "" : "s");
}

void add_locks(ETHREAD &thread, std::vector<Leak> &leaks) {
  for (uint32_t i = 0; i < thread.held.known(); ++i) {
    const ke::HeldLock &held = thread.held[i];
    leaks.push_back({fmt::format("{} {}, held by thread {}: acquired", ps::name_of(held.kind()), fmt::ptr(held.lock),
                                 reinterpret_cast<ULONG_PTR>(thread.Cid.UniqueThread)),
                     find_line(held.site())});
  }
}

}  // namespace

std::vector<Leak> find_leaks() {
  std::vector<Leak> leaks;
  std::set<void *> with_handle;
  for (const vf::OutstandingHandle &each : vf::outstanding_handles()) {
    const auto body = ob::reference_by_handle(each.handle, 0, nullptr, KernelMode);
    if (!body) continue;
    leaks.push_back(
        {fmt::format("handle {} to {}{}: opened", fmt::ptr(each.handle), type_name(*body), name_in_quotes(*body)),
         find_line(each.site)});
    with_handle.insert(*body);
    ob::dereference(*body);
  }
  for (const vf::OutstandingBlock &each : vf::outstanding_blocks()) {
    if (void *body = ob::object_in(each.block, each.bytes, each.tag)) {
      // An open handle is the reason, and is told already.
      if (!with_handle.contains(body) && !is_kernels(body))
        leaks.push_back({describe_object(body), find_line(each.site)});
    } else if (each.tag != ob::kNameTag) {  // names go with their objects
      leaks.push_back({fmt::format("{} bytes of pool, tag '{}', at {}: allocated", each.bytes, tag_text(each.tag),
                                   fmt::ptr(each.block)),
                       find_line(each.site)});
    }
  }
  ps::for_each_thread([&](ETHREAD &thread) { add_locks(thread, leaks); });
  return leaks;
}

}  // namespace ntemu::machine
