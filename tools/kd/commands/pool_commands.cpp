// !poolused, !pool, !poolfind: what is allocated, by tag and by address.
#include <fmt/format.h>

#include <algorithm>

#include "tools/kd/commands/inspection.h"
#include "tools/kd/commands/pool_blocks.h"
#include "tools/kd/commands/pool_view.h"
#include "tools/kd/commands/thread_views.h"
#include "tools/kd/format.h"

namespace ntemu::debug {
namespace {

enum UsedFlag : unsigned { kVerbose = 1, kByNonpaged = 2, kByPaged = 4 };

std::string shown_tag(uint32_t tag) { return tag ? tag_name(tag) : "None"; }

void sort_tags(std::vector<PoolTag> &rows, unsigned flags) {
  std::sort(rows.begin(), rows.end(), [&](const PoolTag &a, const PoolTag &b) {
    if (flags & kByNonpaged && a.nonpaged_bytes != b.nonpaged_bytes) return a.nonpaged_bytes > b.nonpaged_bytes;
    if (flags & kByPaged && a.paged_bytes != b.paged_bytes) return a.paged_bytes > b.paged_bytes;
    return tag_name(a.tag) < tag_name(b.tag);
  });
}

Cell number(uint64_t value) { return {fmt::format("{}", value), value}; }

std::vector<Cell> used_row(const PoolTag &row, bool verbose, const std::string &name) {
  const uint64_t nonpaged = row.nonpaged_allocs - row.nonpaged_frees, paged = row.paged_allocs - row.paged_frees;
  if (!verbose) return {name, number(nonpaged), number(row.nonpaged_bytes), number(paged), number(row.paged_bytes)};
  return {name,
          number(row.nonpaged_allocs),
          number(row.nonpaged_frees),
          number(nonpaged),
          number(row.nonpaged_bytes),
          number(row.paged_allocs),
          number(row.paged_frees),
          number(paged),
          number(row.paged_bytes)};
}

bool show_used(Session &session, Arguments &arguments, Output &output) {
  unsigned flags = 0;
  std::string pattern = "*";
  for (const std::string &word : arguments.words()) {
    const bool digits = word.find_first_not_of("0123456789") == std::string::npos;
    if (digits && &word == &arguments.words().front()) {
      flags = static_cast<unsigned>(std::stoul(word.substr(0, 4)));
    } else {
      pattern = word;
    }
  }
  auto rows = pool_tags(session);
  tell_problems(rows.problems, output);
  if (rows.found.empty() && !rows.problems.empty()) return false;
  sort_tags(rows.found, flags);
  const bool verbose = flags & kVerbose;
  output.text(fmt::format(" Sorting by {}", flags & kByNonpaged ? "NonPaged Pool Consumed"
                                            : flags & kByPaged  ? "Paged Pool Consumed"
                                                                : "Tag"));
  output.text("");
  std::vector<Column> columns{{" Tag", "tag"}};
  const auto add = [&](const char *title, const std::string &key) { columns.push_back({title, key, Align::kRight}); };
  for (const std::string kind : {"nonpaged", "paged"}) {
    add("    Allocs", kind + "_allocs");
    if (verbose) add("    Frees", kind + "_frees");
    if (verbose) add("     Diff", kind + "_diff");
    add("        Used", kind + "_bytes");
  }
  output.text(verbose ? "                          NonPaged                                     Paged"
                      : "               NonPaged                  Paged");
  Table table("tags", columns, {.rule = false});
  PoolTag total;
  for (const PoolTag &row : rows.found) {
    if (!matches(pattern, shown_tag(row.tag))) continue;
    // Rows of what has all been freed say nothing, but for those who count.
    if (!verbose && row.nonpaged_allocs == row.nonpaged_frees && row.paged_allocs == row.paged_frees) continue;
    table.add(used_row(row, verbose, " " + shown_tag(row.tag)));
    total.nonpaged_bytes += row.nonpaged_bytes;
    total.nonpaged_allocs += row.nonpaged_allocs;
    total.nonpaged_frees += row.nonpaged_frees;
    total.paged_bytes += row.paged_bytes;
    total.paged_allocs += row.paged_allocs;
    total.paged_frees += row.paged_frees;
  }
  table.add(used_row(total, verbose, "TOTAL"));
  output.table(table);
  return true;
}

std::string state_of(const PoolBlockView &block) {
  switch (block.state) {
    case PoolBlockView::kAllocated:
      return "(Allocated)";
    case PoolBlockView::kFree:
      return "(Free)";
    default:
      return "(Damaged header)";
  }
}

void show_block(Session &session, const PoolBlockView &block, bool wanted, Output &output) {
  Object row(output, "blocks");
  output.value("address", hex16(block.start), "");
  output.value("size", block.size, "");
  output.value("bytes", block.bytes, "");
  output.value("tag", shown_tag(block.tag), "");
  output.value("state",
               block.state == PoolBlockView::kAllocated ? "allocated"
               : block.state == PoolBlockView::kFree    ? "free"
                                                        : "damaged",
               "");
  output.value("wanted", wanted,
               fmt::format("{}{} size: {:4x} previous size: {:4x}  {:<12} {}", wanted ? "*" : " ", hex16(block.start),
                           block.size, block.previous_size, state_of(block), shown_tag(block.tag)));
  if (!wanted || !block.site) return;
  const std::string site = session.symbols().name(block.site, true);
  output.value("site", site,
               fmt::format("\t\t{} by {}, {} bytes", block.state == PoolBlockView::kFree ? "Freed" : "Allocated", site,
                           block.bytes));
}

bool show_pool(Session &session, Arguments &arguments, Output &output) {
  if (arguments.words().empty()) return fail(output, "!pool needs an address");
  const auto address = session.evaluate(arguments.words().front());
  if (!address) return fail(output, address.error().text);
  const PoolPage page = pool_page(session, *address);
  if (!page.kind) return fail(output, fmt::format("{} is not a pool address", hex16(*address)));
  output.value("region", page.kind, fmt::format("Pool page {} region is {}", hex16(*address), page.kind));
  bool found = false;
  for (const PoolBlockView &block : page.blocks) {
    const bool wanted = *address - block.start < block.size;
    found |= wanted;
    show_block(session, block, wanted, output);
  }
  for (const std::string &problem : page.problems) output.error(problem);
  return found || fail(output, fmt::format("no block is at {}", hex16(*address)));
}

bool find_pool(Session &session, Arguments &arguments, Output &output) {
  if (arguments.words().empty()) return fail(output, "!poolfind needs a tag");
  const std::string pattern = arguments.words().front();
  output.text(fmt::format("Scanning the pool for Tag: {}", pattern));
  output.text("");
  size_t count = 0;
  uint64_t bytes = 0;
  std::vector<std::string> problems;
  for_each_block(session, problems, [&](const PoolBlockView &block) {
    if (block.state != PoolBlockView::kAllocated || !matches(pattern, shown_tag(block.tag))) return;
    ++count;
    bytes += block.bytes;
    Object row(output, "blocks");
    output.value("address", hex16(block.start), "");
    output.value("bytes", block.bytes, "");
    output.value("tag", shown_tag(block.tag), "");
    const std::string site = block.site ? session.symbols().name(block.site, true) : "";
    output.value("site", site,
                 fmt::format("{} : tag {}, size {:#8x}, {} pool{}", hex16(block.start), shown_tag(block.tag),
                             block.bytes, block.paged ? "Paged" : "Nonpaged", site.empty() ? "" : ", " + site));
  });
  tell_problems(problems, output);
  output.value("bytes", bytes, "");
  output.value("count", count, fmt::format("Count: {}, {} bytes", count, bytes));
  return true;
}

constexpr Command kPoolCommands[] = {
    {"!poolused", "[FLAGS] [TAG]", "What is allocated, by tag; 1: with frees, 2: by nonpaged size, 4: by paged size",
     show_used},
    {"!pool", "ADDRESS", "The block of pool at an address, and those beside it", show_pool},
    {"!poolfind", "TAG", "The blocks that have a tag; * and ? stand for others", find_pool},
};

}  // namespace

std::span<const Command> pool_commands() { return kPoolCommands; }

}  // namespace ntemu::debug
