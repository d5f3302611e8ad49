// Memory of a test's own making.
#pragma once

#include <map>
#include <vector>

#include "tools/kd/memory.h"

namespace ntemu::test {

class FakeMemory : public debug::MemorySource {
 public:
  size_t read(debug::Address address, void *buffer, size_t size) override {
    size_t done = 0;
    for (auto at = bytes_.find(address); done < size && at != bytes_.end() && at->first == address + done; ++at)
      static_cast<uint8_t *>(buffer)[done++] = at->second;
    return done;
  }

  template <class T>
  void put(debug::Address address, const T &value) {
    const auto *from = reinterpret_cast<const uint8_t *>(&value);
    for (size_t i = 0; i < sizeof value; ++i) bytes_[address + i] = from[i];
  }
  void put_bytes(debug::Address address, const std::vector<uint8_t> &bytes) {
    for (size_t i = 0; i < bytes.size(); ++i) bytes_[address + i] = bytes[i];
  }
  void remove(debug::Address address) { bytes_.erase(address); }

 private:
  std::map<debug::Address, uint8_t> bytes_;
};

}  // namespace ntemu::test
