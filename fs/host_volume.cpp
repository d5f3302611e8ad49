// A volume on a directory of the host: its storage beneath the rules of SemanticVolume.
#include "fs/volumes.h"

#include <fcntl.h>
#include <sys/statvfs.h>

#include <cerrno>

#include "fs/host_node.h"
#include "fs/host_status.h"
#include "fs/semantic_volume.h"

namespace ntemu::fs {
namespace {

class HostVolume final : public SemanticVolume {
 public:
  HostVolume(std::shared_ptr<Node> root, std::shared_ptr<const Beneath> beneath)
      : SemanticVolume(std::move(root)), beneath_(std::move(beneath)) {}

  Result<io::VolumeSize> size() override {
    struct statvfs host;
    if (::fstatvfs(beneath_->root(), &host) != 0) return status_from_errno(errno);
    const uint64_t unit = host.f_frsize;
    return io::VolumeSize{host.f_blocks * unit,     host.f_bfree * unit, host.f_bavail * unit,
                          static_cast<ULONG>(unit), host.f_files,        host.f_ffree};
  }

 private:
  const std::shared_ptr<const Beneath> beneath_;
};

}  // namespace

Result<std::unique_ptr<io::Volume>> make_host_volume(const std::filesystem::path &directory,
                                                     HostVolumeOptions options) {
  Fd root(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root) return errno == ENOTDIR ? STATUS_NOT_A_DIRECTORY : status_from_errno(errno);
  Fd copy(::fcntl(root.get(), F_DUPFD_CLOEXEC, 0));
  struct stat status;
  if (!copy || ::fstat(root.get(), &status) != 0) return status_from_errno(errno);
  auto beneath = std::make_shared<const Beneath>(std::move(root), options.walk_paths);
  auto node = std::make_shared<HostDirectory>(beneath, std::move(copy), status);
  return std::unique_ptr<io::Volume>(std::make_unique<HostVolume>(std::move(node), std::move(beneath)));
}

}  // namespace ntemu::fs
