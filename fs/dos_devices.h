// The FUSE view of \DosDevices: every drive a directory, every other device link an entry, for programs of the host.
//
//   auto view = ntemu::fs::DosDevices::mount("m/DosDevices", {});
//   if (!view) std::puts(view.error().text.c_str());   // the machine runs on without
#pragma once

#include <filesystem>
#include <memory>

#include "ntemu/include/ntemu/machine.h"

namespace ntemu::fs {

class DosDevices {
 public:
  struct Options {
    // Let other users in, as far as files' modes allow. Otherwise the mount is for the machine's user alone.
    bool allow_other = false;
  };
  // Mounts \DosDevices of the machine that runs in this process on an existing directory. The error's text says what is
  // missing: /dev/fuse, fusermount3, a right.
  static Outcome<std::unique_ptr<DosDevices>> mount(const std::filesystem::path &directory, Options options);
  static Outcome<std::unique_ptr<DosDevices>> mount(const std::filesystem::path &directory) {
    return mount(directory, Options());
  }
  // The same for whoever speaks the Linux kernel's side of FUSE on the other end of a connected SOCK_SEQPACKET socket,
  // which is closed with the view.
  static Outcome<std::unique_ptr<DosDevices>> serve(int socket);
  // Unmounts, lazily when something uses the mount; closes what was open through it. Before the machine shuts down.
  ~DosDevices();
  DosDevices(const DosDevices &) = delete;
  DosDevices &operator=(const DosDevices &) = delete;

 private:
  struct State;
  explicit DosDevices(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Detaches what a killed process, or any other, has left of such a mount on `directory`. False: there was none, or it
// could not be detached.
bool detach_stale_mount(const std::filesystem::path &directory);

// Whether `path`, or where it would be, lies in a mount of this process: a volume there would wait for itself.
bool is_inside_own_mount(const std::filesystem::path &path);

}  // namespace ntemu::fs
