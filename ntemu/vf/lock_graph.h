// Which lock was taken while which other was held: a graph that is to have no cycle.
#pragma once

#include <unordered_map>
#include <vector>

#include "ntemu/vf/deadlock.h"

namespace ntemu::vf {

// A node is a lock, or the place where locks of one class are initialized.
class LockGraph {
 public:
  // The edges of a graph, and the most that it keeps.
  static constexpr size_t kMostEdges = 16384;

  bool has(const void *from, const void *to) const;
  // The way from one node to another, or nothing; each step as a thread that has its beginning and wants its end.
  Cycle find_path(const void *from, const void *to) const;
  // False: there is no room.
  bool add(CycleThread step);
  void remove(const void *node);
  void clear();
  size_t edges() const { return edges_; }

 private:
  std::unordered_map<const void *, std::vector<CycleThread>> steps_;  // by what is held
  size_t edges_ = 0;
};

}  // namespace ntemu::vf
