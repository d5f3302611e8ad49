#include "ntemu/rtl/case.h"

#include <cstdint>
#include <iterator>

namespace ntemu::rtl {
namespace {

// Every step-th unit from first to last maps to itself plus delta.
struct Run {
  uint16_t first;
  uint16_t last;
  uint16_t step;
  int32_t delta;
};

#include "ntemu/rtl/case_table.inc"

template <size_t size>
char16_t map(const Run (&runs)[size], char16_t c) {
  const Run *run =
      std::lower_bound(std::begin(runs), std::end(runs), c, [](const Run &r, char16_t unit) { return r.last < unit; });
  if (run == std::end(runs) || c < run->first || (c - run->first) % run->step != 0) return c;
  return static_cast<char16_t>(c + run->delta);
}

}  // namespace

char16_t upcase_beyond_ascii(char16_t c) { return map(kUpcase, c); }
char16_t downcase_beyond_ascii(char16_t c) { return map(kDowncase, c); }

}  // namespace ntemu::rtl
