// One process at a time works on a data folder.
#pragma once

#include <string>

#include "daemon/os/fd.h"
#include "ltx/base/result.h"

namespace skerry::app {

// Creates the folder and locks <dir>/lock, whose content is the holder's process id. The lock lasts
// as long as the descriptor, through exec and fork. kBusy names the holder.
[[nodiscard]] Result<os::Fd> lock_data_folder(const std::string& dir);

// The socket through which a running node's keeper is asked (`skerry upgrade`).
[[nodiscard]] std::string control_path(const std::string& data_dir);

}  // namespace skerry::app
