#include "ntemu/ldr/unloaded.h"

#include <elf.h>
#include <fmt/format.h>
#include <sys/mman.h>

#include <array>
#include <atomic>

#include "ntemu/base/clock.h"
#include "ntemu/base/lock.h"
#include "ntemu/base/pages.h"
#include "ntemu/base/utf.h"
#include "ntemu/ldr/image.h"

extern "C" {
__attribute__((visibility("default"))) ntemu::ldr::UNLOADED_DRIVERS *MmUnloadedDrivers = nullptr;
__attribute__((visibility("default"))) ULONG MmLastUnloadedDriver = 0;
}

namespace ntemu::ldr {
namespace {

constexpr size_t kMost = 50;

struct Row {
  std::array<char16_t, 64> name;
  std::atomic<uintptr_t> begin{0}, end{0};
  bool reserved = false;  // the pages are ours to give back
};

struct Unloaded {
  base::Mutex mutex;
  std::array<Row, kMost> rows;
  std::array<UNLOADED_DRIVERS, kMost> table{};
  size_t next NTEMU_GUARDED_BY(mutex) = 0;
};

Unloaded &unloaded() {
  static Unloaded *all = new Unloaded;
  return *all;
}

void release(Row &row) {
  if (row.reserved) munmap(reinterpret_cast<void *>(row.begin.load()), row.end.load() - row.begin.load());
  row.reserved = false;
  row.begin = row.end = 0;
}

void add(std::u16string_view name, void *base, size_t bytes, bool reserved) {
  Unloaded &all = unloaded();
  base::Guard guard(all.mutex);
  const auto begin = reinterpret_cast<uintptr_t>(base);
  size_t at = all.next;
  for (size_t i = 0; i < kMost; ++i) {
    if (all.rows[i].begin == begin) at = i;  // its code was forbidden before
  }
  Row &row = all.rows[at];
  release(row);
  row.name = {};
  const size_t length = name.copy(row.name.data(), row.name.size() - 1);
  row.reserved = reserved;
  row.end = begin + bytes;
  row.begin = begin;
  all.table[at] = {base::to_unicode_string(std::u16string_view(row.name.data(), length)),
                   base,
                   reinterpret_cast<PVOID>(begin + bytes),
                   {}};
  all.table[at].CurrentTime.QuadPart = base::clock().system_time();
  if (at == all.next) all.next = (at + 1) % kMost;
  MmUnloadedDrivers = all.table.data();
  MmLastUnloadedDriver = static_cast<ULONG>(all.next);
}

const Row *find(const void *address) {
  const auto at = reinterpret_cast<uintptr_t>(address);
  for (const Row &row : unloaded().rows) {
    if (at >= row.begin.load() && at < row.end.load()) return &row;
  }
  return nullptr;
}

}  // namespace

void forbid_code(const Image &image) {
  const auto base = reinterpret_cast<uintptr_t>(image.entry.DllBase);
  const auto *header = reinterpret_cast<const Elf64_Ehdr *>(base);
  const auto *segments = reinterpret_cast<const Elf64_Phdr *>(base + header->e_phoff);
  for (int i = 0; i < header->e_phnum; ++i) {
    if (segments[i].p_type != PT_LOAD || !(segments[i].p_flags & PF_X)) continue;
    const uintptr_t begin = (base + segments[i].p_vaddr) & ~(base::kPageSize - 1);
    mprotect(reinterpret_cast<void *>(begin), base + segments[i].p_vaddr + segments[i].p_memsz - begin, PROT_NONE);
  }
  add(image.base_name, image.entry.DllBase, image.entry.SizeOfImage, false);
}

void reserve_unloaded(std::u16string_view name, void *base, size_t bytes) {
  void *const place =
      mmap(base, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (place == MAP_FAILED) return;  // somebody was faster, or the loader keeps it
  if (place != base) {
    munmap(place, bytes);
    return;
  }
  add(name, base, bytes, true);
}

void forget_unloaded() {
  Unloaded &all = unloaded();
  base::Guard guard(all.mutex);
  for (Row &row : all.rows) release(row);
  all.next = 0;
  all.table = {};
}

bool is_unloaded(const void *address) { return find(address) != nullptr; }

std::optional<std::string> describe_unloaded(const void *address) {
  const Row *row = find(address);
  if (!row) return std::nullopt;
  return fmt::format("<Unloaded_{}>+{:#x}", base::to_utf8(std::u16string_view(row->name.data())),
                     reinterpret_cast<uintptr_t>(address) - row->begin.load());
}

}  // namespace ntemu::ldr
