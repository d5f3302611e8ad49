// FUSE's requests, answered by a MountView.
#pragma once

struct fuse_session;

namespace ntemu::fs {

class MountView;

// A session whose requests go to `view`; nullptr when libfuse cannot make one. It is not yet connected to anything.
fuse_session *new_session(MountView &view);

// The most that one request carries, which the connection's reader must have room for beside the request itself.
inline constexpr unsigned kMostWritten = 1 << 20;

}  // namespace ntemu::fs
