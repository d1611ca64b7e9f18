// What the program, the keeper and the worker agree on. No C++ library beyond the headers, since
// the keeper is a static program of its own with next to no memory.
//
// `skerry mount` prepares everything (mount, handshake, lock, listening sockets), writes a plan,
// and becomes the keeper by exec. The keeper starts a worker, again and again, with these
// descriptors:
//
//   3  /dev/fuse of the mount           5  a socket to the keeper
//   4  the kernel's INIT request        9  memory that all workers share (os/changes.h)
//   7  the lock of the data folder     10 …  the listening sockets, named by SKERRY_LISTEN
//
// and the keeper itself finds on top of them:
//
//   6  the plan     8  the control socket
#pragma once

#include <csignal>

namespace skerry::keeper {

inline constexpr int kFuseFd = 3;
inline constexpr int kHandshakeFd = 4;
inline constexpr int kChannelFd = 5;  // the worker's end
inline constexpr int kPlanFd = 6;
inline constexpr int kLockFd = 7;
inline constexpr int kControlFd = 8;
inline constexpr int kChangesFd = 9;
inline constexpr int kFirstListenFd = 10;
inline constexpr int kListenFdsMax = 6;

// What a worker gets when its keeper has ended. It must be able to act: a thread of its own that
// waits for the mount survives SIGKILL, and the mount with it.
inline constexpr int kKeeperEnded = SIGUSR2;

// Messages over the channel: one byte each, some with one or two more.
// Worker to keeper:
inline constexpr char kReady = 'R';     // requests are answered
inline constexpr char kStartApp = 'A';  // + '1' if this node is a candidate, else '0';
                                        // the same for whether it is the primary
inline constexpr char kReleased = 'D';  // its own descriptors in the mount are closed
inline constexpr char kDrained = 'N';   // no client of the proxy waits for anything any more
inline constexpr char kQuit = 'Q';      // stop everything, + exit code
inline constexpr char kHandedOver = 'H';  // kStopping is done: the application may stop
// Keeper to worker:
// The application is about to be told to stop: hand over what another node can take.
inline constexpr char kStopping = 's';
inline constexpr char kDrain = 'd';     // a successor comes: finish what the proxy's clients wait for
inline constexpr char kRelease = 'r';  // close your descriptors in the mount
inline constexpr char kFinish = 'f';   // the mount is gone: close the databases and end

// The worker's exit code for what trying again does not cure (configuration, ports, data folder).
inline constexpr int kExitHopeless = 78;

// Environment of the worker.
inline constexpr const char* kWorkerVariable = "SKERRY_WORKER";  // "first" or "successor"
inline constexpr const char* kListenVariable = "SKERRY_LISTEN";  // "http=10,proxy=11"

}  // namespace skerry::keeper
