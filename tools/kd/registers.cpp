#include "tools/kd/registers.h"

#include <sys/user.h>

#include <cstring>

namespace ntemu::debug {
namespace {

constexpr const char *kNames[kRegisters] = {"rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8",
                                            "r9",  "r10", "r11", "r12", "r13", "r14", "r15", "rip"};

}  // namespace

Registers Registers::from(const elf_gregset_t &set) {
  user_regs_struct user;
  static_assert(sizeof user == sizeof set);
  std::memcpy(&user, set, sizeof user);
  Registers result;
  const uint64_t values[kRegisters] = {user.rax, user.rdx, user.rcx, user.rbx, user.rsi, user.rdi,
                                       user.rbp, user.rsp, user.r8,  user.r9,  user.r10, user.r11,
                                       user.r12, user.r13, user.r14, user.r15, user.rip};
  for (unsigned i = 0; i < kRegisters; ++i) result.set(i, values[i]);
  result.flags = user.eflags;
  const unsigned long long selectors[] = {user.cs, user.ss, user.ds, user.es, user.fs, user.gs};
  for (size_t i = 0; i < result.selectors.size(); ++i) result.selectors[i] = static_cast<uint16_t>(selectors[i]);
  return result;
}

std::optional<unsigned> register_number(std::string_view name) {
  for (unsigned i = 0; i < kRegisters; ++i) {
    if (name == kNames[i]) return i;
  }
  return std::nullopt;
}

const char *register_name(unsigned number) { return number < kRegisters ? kNames[number] : "?"; }

}  // namespace ntemu::debug
