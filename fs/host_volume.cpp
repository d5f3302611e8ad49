// A volume on a directory of the host: its storage beneath the rules of SemanticVolume.
#include "fs/volumes.h"

#include <fcntl.h>

#include <cerrno>

#include "fs/host_node.h"
#include "fs/host_status.h"
#include "fs/semantic_volume.h"

namespace ntemu::fs {
namespace {

class HostVolume final : public SemanticVolume {
 public:
  explicit HostVolume(std::shared_ptr<Node> root) : SemanticVolume(std::move(root)) {}
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
  auto node = std::make_shared<HostDirectory>(std::move(beneath), std::move(copy), status);
  return std::unique_ptr<io::Volume>(std::make_unique<HostVolume>(std::move(node)));
}

}  // namespace ntemu::fs
