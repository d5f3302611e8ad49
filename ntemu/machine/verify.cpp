#include "ntemu/machine/verify.h"

#include <dlfcn.h>

#include <algorithm>
#include <sstream>

#include "ntemu/base/clock.h"
#include "ntemu/base/log.h"
#include "ntemu/base/utf.h"
#include "ntemu/ke/bugcheck.h"
#include "ntemu/ke/timer.h"
#include "ntemu/ldr/image.h"
#include "ntemu/machine/verify_state.h"
#include "ntemu/vf/call_check.h"
#include "ntemu/vf/delay.h"
#include "ntemu/vf/injection.h"
#include "ntemu/vf/pageable_code.h"
#include "ntemu/vf/verified.h"

namespace ntemu::machine {
namespace {

bool contains(const std::vector<std::u16string> &names, const ldr::Image &image) {
  return std::any_of(names.begin(), names.end(), [&](const std::u16string &name) {
    return vf::same_driver(name, image.base_name) || vf::same_driver(name, image.file.filename().u16string());
  });
}

std::optional<ULONG> registry_options(const vf::Settings &settings, const ldr::Image &image) {
  if (auto options = vf::options_of(settings, image.base_name); options || settings.all) return options;
  return vf::options_of(settings, image.file.filename().u16string());
}

std::optional<ULONG> options_for(VerifierState &state, const vf::Settings &settings, const ldr::Image &image)
    NTEMU_REQUIRES(state.mutex) {
  if (contains(state.removed, image)) return std::nullopt;
  std::optional<ULONG> options = registry_options(settings, image);
  if (!options && contains(state.added, image)) options = settings.level.value_or(0);
  if (options && state.level) options = state.level;
  return options;
}

// Whoever wants the same delays again has to learn of the seed, also from `ntemu run`, which prints no less.
void begin_delays(const vf::Settings &settings) {
  const uint64_t before = vf::delay_seed();
  const auto by_time = static_cast<uint32_t>(base::clock().system_time());
  const uint64_t seed = settings.delay_seed ? *settings.delay_seed : before != 0 ? before : by_time;
  if (seed != before) vf::set_delay_seed(seed);
  base::log(base::Level::kWarning, "verifier", "synchronization delays follow from the seed {}", seed);
}

VerifiedDriver &entry_of(VerifierState &state, const ldr::Image &image) NTEMU_REQUIRES(state.mutex) {
  for (VerifiedDriver &driver : state.drivers) {
    if (driver.name == image.base_name && (!driver.image || driver.image == &image)) return driver;
  }
  state.drivers.push_back({.name = image.base_name});
  return state.drivers.back();
}

void begin(VerifierState &state, const vf::Settings &settings, const ldr::Image &image, ULONG options)
    NTEMU_REQUIRES(state.mutex) {
  if (options & vf::kDelayFuzzing) begin_delays(settings);
  if (!vf::verify_image(image.entry.DllBase, image.entry.SizeOfImage, options)) {
    base::log(base::Level::kWarning, "verifier", "too many drivers are verified at once: {} is not",
              base::to_utf8(image.base_name));
    return;
  }
  VerifiedDriver &driver = entry_of(state, image);
  if (driver.image != &image) ++driver.loads;
  driver.image = &image;
  driver.options = options;
  base::log(base::Level::kInfo, "verifier", "{} is verified, flags 0x{:08x}", base::to_utf8(image.base_name), options);
}

// Between symbols that ntcc's linker script defines; nothing where the driver has no such code.
std::pair<void *, size_t> pageable_code(const ldr::Image &image) {
  void *const begin = image.handle ? dlsym(image.handle, "nt_pageable_begin") : nullptr;
  void *const end = image.handle ? dlsym(image.handle, "nt_pageable_end") : nullptr;
  if (!begin || end < begin) return {};
  return {begin, static_cast<size_t>(static_cast<char *>(end) - static_cast<char *>(begin))};
}

void end(const VerifiedDriver &driver) { vf::unverify_image(driver.image->entry.DllBase); }

vf::LowResources low_resources(const vf::Settings &settings, const vf::FaultSettings &faults) {
  vf::LowResources low{
      .probability = faults.probability, .tags = {}, .delay_minutes = faults.delay_minutes, .seed = {}};
  std::istringstream tags(base::to_utf8(faults.tags));
  for (std::string tag; tags >> tag;) low.tags.push_back(tag);
  if (settings.delay_seed) low.seed = *settings.delay_seed;
  return low;
}

// Calls are made to fail as long as there is a driver that is verified with the option.
void tell_injection(VerifierState &state, const vf::Settings &settings) NTEMU_REQUIRES(state.mutex) {
  ULONG all = 0;
  for (const VerifiedDriver &driver : state.drivers) all |= driver.options.value_or(0);
  std::optional<vf::FaultSettings> low;
  if (all & vf::kLowResources) low = state.faults ? *state.faults : settings.faults.value_or(vf::FaultSettings());
  if (low != state.low_resources) {
    if (low) {
      vf::start_low_resources(low_resources(settings, *low));
    } else {
      vf::stop_low_resources();
    }
    state.low_resources = std::move(low);
  }
  const bool systematic = all & vf::kSystematicFaults;
  if (systematic == state.systematic) return;
  state.systematic = systematic;
  if (!systematic) {
    vf::stop_systematic_faults();
  } else if (const NTSTATUS status = vf::start_systematic_faults(state.stacks); !NT_SUCCESS(status)) {
    base::log(base::Level::kWarning, "verifier", "no call is made to fail: {} cannot be used, status 0x{:08X}",
              state.stacks.string(), static_cast<uint32_t>(status));
  }
}

// A sentence for each value that is ignored.
vf::Settings current_settings() {
  std::vector<std::string> problems;
  vf::Settings settings = vf::read_settings(problems);
  for (const std::string &problem : problems) base::log(base::Level::kWarning, "verifier", "{}", problem);
  return settings;
}

}  // namespace

VerifierState &verifier_state() {
  static auto *state = new VerifierState;
  return *state;
}

void boot_verifier(const std::filesystem::path &directory) {
  VerifierState &state = verifier_state();
  base::Guard guard(state.mutex);
  state.stacks = directory.empty() ? directory : directory / "failed_stacks";
  state.level.reset();
  state.faults.reset();
  state.low_resources.reset();
  state.systematic = false;
  state.added.clear();
  state.removed.clear();
  state.images.clear();
  state.drivers.clear();
  vf::reset_counters();
  vf::set_delay_seed(0);
  vf::start_call_checks();
  ldr::image_leaves = unverify_at_unload;
}

void verify_at_load(const ldr::Image &image) {
  const vf::Settings settings = current_settings();
  VerifierState &state = verifier_state();
  base::Guard guard(state.mutex);
  state.images.push_back(&image);
  if (const auto [begin, bytes] = pageable_code(image); bytes) vf::note_pageable_code(begin, bytes);
  if (const auto options = options_for(state, settings, image)) {
    begin(state, settings, image, *options);
    tell_injection(state, settings);
  }
}

void verify_at_end(const ldr::Image &image) {
  const void *base = image.entry.DllBase;
  const SIZE_T size = image.entry.SizeOfImage;
  if (!(vf::options_at(base) & vf::kMiscellaneous)) return;
  const auto stop = [&](ULONG_PTR kind, const char *what, const void *address) {
    base::log(base::Level::kError, "verifier", "{} is unloaded while {} at {}{} is still set",
              base::to_utf8(image.base_name), what, fmt::ptr(address), ke::describe_address(address));
    const ULONG_PTR begin = vf::address_of(base);
    ke::bugcheck(0xC7, kind, vf::address_of(address), begin, begin + size);
  };
  if (const KTIMER *timer = ke::find_set_timer(base, size)) stop(0, "the timer", timer);
  const PKDPC dpc = ke::find_timer_dpc(base, size);
  if (!dpc) return;
  if (vf::address_of(dpc) - vf::address_of(base) < size) stop(1, "the timer of the DPC", dpc);
  stop(2, "the timer of the DPC routine", reinterpret_cast<const void *>(dpc->DeferredRoutine));
}

void unverify_at_unload(const ldr::Image &image) {
  VerifierState &state = verifier_state();
  base::Guard guard(state.mutex);
  std::erase(state.images, &image);
  if (const auto [begin, bytes] = pageable_code(image); bytes) vf::forget_pageable_code(begin);
  for (VerifiedDriver &driver : state.drivers) {
    if (driver.image != &image) continue;
    if (driver.options) end(driver);
    ++driver.unloads;
    driver.image = nullptr;
    driver.options.reset();
    tell_injection(state, {});
  }
}

void apply_volatile(VerifierState &state) {
  const vf::Settings settings = current_settings();
  for (const ldr::Image *image : state.images) {
    const auto wanted = options_for(state, settings, *image);
    const auto found = std::find_if(state.drivers.begin(), state.drivers.end(), [&](const VerifiedDriver &driver) {
      return driver.image == image && driver.options;
    });
    if (found == state.drivers.end()) {
      if (wanted) begin(state, settings, *image, *wanted);
    } else if (!wanted) {
      end(*found);
      found->options.reset();
    } else if (*wanted != *found->options) {
      end(*found);
      begin(state, settings, *image, *wanted);
    }
  }
  tell_injection(state, settings);
}

std::optional<ULONG> active_level(VerifierState &state) {
  if (state.level) return state.level;
  for (const VerifiedDriver &driver : state.drivers) {
    if (driver.options) return driver.options;
  }
  return std::nullopt;
}

}  // namespace ntemu::machine
