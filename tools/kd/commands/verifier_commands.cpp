// !verifier: which drivers are verified, and how.
#include <fmt/format.h>

#include "ntemu/vf/options.h"
#include "tools/kd/commands/inspection.h"
#include "tools/kd/commands/thread_views.h"
#include "tools/kd/format.h"

namespace ntemu::debug {
namespace {

// As the kernel has them.
struct VerifiedImage {
  uint64_t begin, end;
  uint32_t options, fill;
};
static_assert(sizeof(VerifiedImage) == 24);
constexpr uint64_t kMostImages = 4096;
constexpr uint32_t kAlways = 0x80000000;  // what is checked with every option

void show_flags(uint32_t level, bool standard, Output &output) {
  output.text(standard ? "  STANDARD FLAGS:" : "  ADDITIONAL FLAGS:");
  if (standard) output.text(fmt::format("    [{}] (0x00000000) Automatic Checks", level & kAlways ? 'X' : ' '));
  for (const vf::OptionRow &row : vf::option_table()) {
    if (row.standard != standard) continue;
    Object object(output, "flags");
    output.value("name", row.name, "");
    output.value("flag", row.flag, "");
    output.value("enabled", (level & row.flag) != 0,
                 fmt::format("    [{}] (0x{:08x}) {}", level & row.flag ? 'X' : ' ', row.flag, row.name));
  }
  output.text("");
}

bool show_verifier(Session &session, Arguments &, Output &output) {
  const kd::DebuggerData &data = session.target().data();
  const auto start = reinterpret_cast<Address>(data.verified_images);
  if (!start || data.verified_image_count > kMostImages)
    return fail(output, "the kernel does not say what is verified");
  uint32_t level = 0;
  std::vector<VerifiedImage> images;
  for (uint64_t i = 0; i < data.verified_image_count; ++i) {
    const auto image = session.memory().get<VerifiedImage>(start + i * sizeof(VerifiedImage));
    if (!image) return fail(output, "the images that are verified cannot be read");
    if (!image->options) continue;
    level |= image->options;
    images.push_back(*image);
  }
  output.value("level", level & ~kAlways, fmt::format("Verify Flags Level 0x{:08x}", level & ~kAlways));
  output.text("");
  show_flags(level, true, output);
  show_flags(level, false, output);
  output.text("    [X] Indicates flag is enabled");
  output.text("");
  Table table("drivers", {{"Driver", "name"}, {"Start", "start"}, {"End", "end"}, {"Flags", "flags"}});
  for (const VerifiedImage &image : images) {
    const Module *module = session.target().module_at(image.begin);
    table.add({module ? module->base_name : "?",
               hex16(image.begin),
               hex16(image.end),
               {fmt::format("0x{:08x}", image.options & ~kAlways), image.options & ~kAlways}});
  }
  if (images.empty()) {
    output.text("No driver is verified.");
  } else {
    output.table(table);
  }
  return true;
}

constexpr Command kVerifierCommands[] = {
    {"!verifier", "", "Which drivers are verified, and with which options", show_verifier}};

}  // namespace

std::span<const Command> verifier_commands() { return kVerifierCommands; }

}  // namespace ntemu::debug
