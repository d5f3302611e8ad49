#include "ntemu/vf/options.h"

namespace ntemu::vf {
namespace {

constexpr std::string_view kNothing = "nothing is checked";

constexpr OptionRow kOptions[] = {
    {0x1, 1, true, "Special pool", ""},
    {0x2, 2, true, "Force IRQL checking", "partial: pageable data is not paged out; 0x36 has no call here"},
    {0x8, 4, true, "Pool tracking", ""},
    {0x10, 5, true, "I/O verification",
     "partial: not 0xC9/8, 9, C, D, F, and of the errors from 200 on 201-204, 206-208, 225, 227, 228, 240 and 245; no "
     "remove locks (0xD5-0xD7); not how DriverEntry, work items and threads return"},
    {0x20, 6, true, "Deadlock detection", ""},
    {0x80, 8, true, "DMA checking", kNothing},
    {0x100, 9, true, "Security checks", "partial: a user-mode address is one below 0x10000; not 0xE0"},
    {0x800, 12, true, "Miscellaneous checks",
     "partial: 0xF6 has no meaning, as every driver runs in the System process"},
    {0x20000, 18, true, "DDI compliance checking",
     "partial: the rules 0x20003 to 0x20022 as far as their calls exist, 0x40003, 0x40006, 0x40007, 0x40009, 0x4000E"},
    {0x4, 3, false, "Randomized low resources simulation", ""},
    {0x200, 10, false, "Force pending I/O requests", kNothing},
    {0x400, 11, false, "IRP logging", kNothing},
    {0x2000, 14, false, "Invariant MDL checking for stack", kNothing},
    {0x4000, 15, false, "Invariant MDL checking for driver", kNothing},
    {0x8000, 16, false, "Power framework delay fuzzing", kNothing},
    {0x10000, 17, false, "Port/miniport interface checking", kNothing},
    {0x40000, 19, false, "Systematic low resources simulation", ""},
    {0x80000, 20, false, "DDI compliance checking (additional)", kNothing},
    {0x200000, 22, false, "NDIS/WIFI verification", kNothing},
    {0x800000, 24, false, "Kernel synchronization delay fuzzing", ""},
    {0x1000000, 25, false, "VM switch verification", kNothing},
    {0x2000000, 26, false, "Code integrity checks", kNothing},
};

}  // namespace

std::span<const OptionRow> option_table() { return kOptions; }

ULONG known_options() {
  ULONG all = 0;
  for (const OptionRow &row : kOptions) {
    if (row.lacks != kNothing) all |= row.flag;
  }
  return all;
}

}  // namespace ntemu::vf
