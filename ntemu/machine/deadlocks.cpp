#include "ntemu/machine/deadlocks.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "ntemu/vf/lock_order.h"

namespace ntemu::machine {
namespace {

using nlohmann::json;

std::string address(const void *value) { return fmt::format("{:#x}", reinterpret_cast<uintptr_t>(value)); }

json place(const void *site) { return site ? json(vf::describe_site(site)) : json(nullptr); }

json threads_of(const vf::Cycle &cycle) {
  auto rows = json::array();
  for (const vf::CycleThread &thread : cycle) {
    rows.push_back(
        {{"id", thread.id},
         {"address", address(thread.thread)},
         {"has", {{"lock", address(thread.has.lock)}, {"at", place(thread.has.site)}}},
         {"wants",
          {{"lock", address(thread.wants.lock)}, {"type", thread.wants.type}, {"at", place(thread.wants.site)}}}});
  }
  return rows;
}

}  // namespace

json deadlocks() {
  const auto cycles = vf::wait_cycles();
  const auto inversions = vf::inversions();
  json reply{{"ok", true}, {"cycles", json::array()}, {"inversions", json::array()}};
  std::vector<vf::Cycle> all = cycles;
  for (const vf::Cycle &cycle : cycles)
    reply["cycles"].push_back({{"threads", threads_of(cycle)}, {"text", vf::describe(cycle)}});
  for (const vf::Inversion &inversion : inversions) {
    all.push_back(inversion.cycle);
    reply["inversions"].push_back({{"threads", threads_of(inversion.cycle)},
                                   {"by_class", inversion.by_class},
                                   {"text", vf::describe(inversion)}});
  }
  reply["dot"] = vf::to_dot(all);
  const vf::LockOrderCounts counts = vf::lock_order_counts();
  reply["counts"] = {{"locks", counts.locks},
                     {"edges", counts.edges},
                     {"classes", counts.classes},
                     {"dropped", counts.dropped},
                     {"inversions", counts.inversions}};
  return reply;
}

}  // namespace ntemu::machine
