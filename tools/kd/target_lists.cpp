// The modules, processes and threads of a target.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "tools/kd/format.h"
#include "tools/kd/layouts.h"
#include "tools/kd/target.h"

namespace ntemu::debug {
namespace {

namespace stdfs = std::filesystem;

// A list that changes while it is looked at may seem broken; then it is looked at anew.
constexpr int kListAttempts = 3;

// What is mapped of a file whose private copy is gone.
std::string without_deleted(const std::string &path) {
  constexpr std::string_view kDeleted = " (deleted)";
  return path.ends_with(kDeleted) ? path.substr(0, path.size() - kDeleted.size()) : path;
}

std::string stem(const std::string &name) {
  const size_t dot = name.rfind('.');
  return dot == 0 || dot == name.npos ? name : name.substr(0, dot);
}

}  // namespace

std::shared_ptr<Module> Target::make_module(const ModuleEntry &entry) {
  for (const auto &old : old_modules_) {
    if (old->base == entry.base && old->path == entry.path && old->name == entry.name &&
        read_image(*memory_, entry.base) == old->headers)
      return old;
  }
  auto module = std::make_shared<Module>();
  static_cast<ModuleEntry &>(*module) = entry;
  module->symbol_path = &symbol_path;
  module->headers = read_image(*memory_, entry.base);
  if (!module->size && module->headers) module->size = module->headers->size;
  return module;
}

void Target::find_modules() {
  modules_known_ = true;
  std::vector<ModuleEntry> entries;
  const std::vector<FileMapping> files = mappings();
  const auto path_at = [&](Address base) -> std::string {
    for (const FileMapping &file : files) {
      if (file.start <= base && base < file.end) return without_deleted(file.path);
    }
    return "";
  };
  const auto known = [&](Address address) {
    return std::any_of(entries.begin(), entries.end(),
                       [&](const ModuleEntry &entry) { return address - entry.base < entry.size; });
  };

  const Address head = address_of(data_.PsLoadedModuleList), kernel = address_of(data_.KernBase);
  auto list = walk_list(*memory_, head, "PsLoadedModuleList");
  module_problems_ = std::move(list.problems);
  for (const Address at : list.found) {
    ModuleEntry entry;
    const auto base = memory_->pointer(at + layout::kModuleBase);
    const auto size = memory_->get<uint32_t>(at + layout::kModuleSize);
    if (!base || !size) {
      module_problems_.push_back(fmt::format("PsLoadedModuleList: the module at {} cannot be read", ticked(at)));
      continue;
    }
    entry.base = *base;
    entry.size = *size;
    entry.base_name = memory_->unicode_string(at + layout::kModuleBaseName).value_or("");
    entry.full_name = memory_->unicode_string(at + layout::kModuleFullName).value_or("");
    entry.kind = entry.base == kernel ? ModuleKind::kKernel : ModuleKind::kDriver;
    entry.name = entry.kind == ModuleKind::kKernel ? "nt" : stem(entry.base_name);
    entry.path = path_at(entry.base);
    entries.push_back(std::move(entry));
  }
  if (!known(kernel)) {  // the list is damaged
    ModuleEntry entry;
    entry.base = kernel;
    const auto headers = read_image(*memory_, kernel);
    entry.size = headers ? headers->size : 0;
    entry.kind = ModuleKind::kKernel;
    entry.name = "nt";
    entry.path = path_at(kernel);
    entries.push_back(std::move(entry));
  }
  for (const FileMapping &file : files) {
    if (file.offset != 0 || known(file.start)) continue;
    const auto headers = read_image(*memory_, file.start);
    if (!headers) continue;
    ModuleEntry entry;
    entry.base = file.start;
    entry.size = headers->size;
    entry.path = without_deleted(file.path);
    entry.name = stdfs::path(entry.path).filename();
    entries.push_back(std::move(entry));
  }
  std::sort(entries.begin(), entries.end(), [](const auto &a, const auto &b) { return a.base < b.base; });
  for (const ModuleEntry &entry : entries) modules_.push_back(make_module(entry));
  old_modules_.clear();
}

const std::vector<std::shared_ptr<Module>> &Target::modules() {
  if (!modules_known_) find_modules();
  return modules_;
}

const std::vector<std::string> &Target::module_problems() {
  modules();
  return module_problems_;
}

Module *Target::module_at(Address address) {
  const auto &all = modules();
  auto after = std::upper_bound(all.begin(), all.end(), address,
                                [](Address value, const auto &module) { return value < module->base; });
  return after != all.begin() && (*--after)->contains(address) ? after->get() : nullptr;
}

Module *Target::module_named(std::string_view name) {
  for (const auto &module : modules()) {
    if (matches(module->name, name) && module->kind != ModuleKind::kHost) return module.get();
  }
  for (const auto &module : modules()) {
    if (matches(module->name, name)) return module.get();
  }
  return nullptr;
}

const Walk<Process> &Target::processes() {
  if (processes_) return *processes_;
  const Address head = address_of(data_.PsActiveProcessHead);
  Walk<Process> result;
  auto list = walk_list(*memory_, head, "PsActiveProcessHead");
  result.problems = std::move(list.problems);
  for (const Address entry : list.found) {
    Process process;
    process.address = entry - data_.active_process_links;
    process.id = memory_->pointer(process.address + layout::kProcessId).value_or(0);
    process.name =
        memory_->text(process.address + layout::kProcessImageName, layout::kProcessImageNameSize).value_or("");
    result.found.push_back(std::move(process));
  }
  return processes_.emplace(std::move(result));
}

Walk<Thread> Target::walk_threads() {
  Walk<Thread> result;
  result.problems = processes().problems;
  for (const Process &process : processes().found) {
    auto list = walk_list(*memory_, process.address + data_.thread_list_head,
                          fmt::format("the threads of process {:x}", process.id));
    for (std::string &problem : list.problems) result.problems.push_back(std::move(problem));
    for (const Address entry : list.found) {
      auto thread = thread_at(entry - data_.thread_list_entry);
      if (!thread) {
        result.problems.push_back(
            fmt::format("the thread at {} cannot be read", ticked(entry - data_.thread_list_entry)));
        continue;
      }
      thread->process = process;
      result.found.push_back(std::move(*thread));
    }
  }
  return result;
}

const Walk<Thread> &Target::threads() {
  for (int i = 0; !threads_; ++i) {
    Walk<Thread> walk = walk_threads();
    if (!live() || walk.problems.empty() || i + 1 == kListAttempts) {
      threads_ = std::move(walk);
    } else {
      memory_->forget();
      processes_.reset();
    }
  }
  return *threads_;
}

}  // namespace ntemu::debug
