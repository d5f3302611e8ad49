#include "ntemu/vf/lock_graph.h"

#include <algorithm>
#include <unordered_set>

namespace ntemu::vf {

bool LockGraph::has(const void *from, const void *to) const {
  const auto found = steps_.find(from);
  return found != steps_.end() && std::any_of(found->second.begin(), found->second.end(),
                                              [&](const CycleThread &step) { return step.wants.lock == to; });
}

// The shortest way, breadth first.
Cycle LockGraph::find_path(const void *from, const void *to) const {
  std::unordered_map<const void *, const CycleThread *> reached_by;
  std::vector<const void *> next{from};
  for (size_t i = 0; i < next.size() && !reached_by.contains(to); ++i) {
    const auto found = steps_.find(next[i]);
    if (found == steps_.end()) continue;
    for (const CycleThread &step : found->second) {
      if (reached_by.try_emplace(step.wants.lock, &step).second) next.push_back(step.wants.lock);
    }
  }
  Cycle path;
  for (const void *at = to; reached_by.contains(to);) {
    const CycleThread &step = *reached_by.at(at);
    path.push_back(step);
    at = step.has.lock;
    if (at == from) break;
  }
  std::reverse(path.begin(), path.end());
  return path;
}

bool LockGraph::add(CycleThread step) {
  if (edges_ == kMostEdges) return false;
  ++edges_;
  steps_[step.has.lock].push_back(std::move(step));
  return true;
}

void LockGraph::remove(const void *node) {
  if (const auto found = steps_.find(node); found != steps_.end()) {
    edges_ -= found->second.size();
    steps_.erase(found);
  }
  for (auto &[from, steps] : steps_)
    edges_ -= std::erase_if(steps, [&](const CycleThread &step) { return step.wants.lock == node; });
}

void LockGraph::clear() {
  steps_.clear();
  edges_ = 0;
}

}  // namespace ntemu::vf
