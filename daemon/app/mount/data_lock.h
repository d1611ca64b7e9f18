// One process at a time works on a data folder.
#pragma once

#include <functional>
#include <string>

#include "daemon/os/fd.h"
#include "ltx/base/result.h"

namespace skerry::app {

// Creates the folder and locks <dir>/lock, whose content is the holder's process id. The lock lasts
// as long as any descriptor of it, through exec and fork: until the last thread of the last worker
// ended. kBusy names the holder.
//
// If the holder itself has ended, what it left may wait on its mount: `free_left_over` is called,
// and then the lock waited for.
[[nodiscard]] Result<os::Fd> lock_data_folder(const std::string& dir,
                                              const std::function<void()>& free_left_over);

// The socket through which a running node's keeper is asked (`skerry upgrade`).
[[nodiscard]] std::string control_path(const std::string& data_dir);

}  // namespace skerry::app
