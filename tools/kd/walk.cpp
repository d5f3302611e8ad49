#include "tools/kd/walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "tools/kd/format.h"

namespace ntemu::debug {
namespace {

struct Links {
  Address next, previous;
};

class Walker {
 public:
  Walker(Memory &memory, Address head, std::string_view name, size_t most)
      : memory_(memory), head_(head), name_(name), most_(most) {}

  Walk<Address> walk() {
    const auto links = memory_.get<Links>(head_);
    if (!links) {
      problem(fmt::format("its head at {} cannot be read", ticked(head_)));
    } else if (!follow(links->next, &Links::next, &Links::previous, result_.found)) {
      std::vector<Address> rest;
      follow(links->previous, &Links::previous, &Links::next, rest);
      result_.found.insert(result_.found.end(), rest.rbegin(), rest.rend());
    }
    return std::move(result_);
  }

 private:
  void problem(const std::string &text) { result_.problems.push_back(fmt::format("{}: {}", name_, text)); }

  // Whether it ends where it began.
  bool follow(Address at, Address Links::*onward, Address Links::*back, std::vector<Address> &found) {
    Address before = head_;
    while (at != head_) {
      if (seen_.contains(at)) {
        // From the other end, that is where both meet.
        if (onward == &Links::next)
          problem(fmt::format("{} leads to {}, which comes again", ticked(before), ticked(at)));
        return false;
      }
      const auto links = memory_.get<Links>(at);
      if (!links) {
        problem(fmt::format("{} leads to {}, which cannot be read", ticked(before), ticked(at)));
        return false;
      }
      if ((*links).*back != before) {
        problem(fmt::format("{} leads to {}, which does not lead back", ticked(before), ticked(at)));
        return false;
      }
      seen_.insert(at);
      if (seen_.size() > most_) {
        problem(fmt::format("it has more than {} entries", most_));
        return true;
      }
      found.push_back(at);
      before = at;
      at = (*links).*onward;
    }
    return true;
  }

  Memory &memory_;
  const Address head_;
  const std::string_view name_;
  const size_t most_;
  std::unordered_set<Address> seen_;
  Walk<Address> result_;
};

}  // namespace

Walk<Address> walk_list(Memory &memory, Address head, std::string_view name, size_t most) {
  return Walker(memory, head, name, most).walk();
}

}  // namespace ntemu::debug
