// The flags by which commands find the data folder that they work on, with or without a running
// node.
#pragma once

#include <string>

#include "daemon/app/cli/config_flags.h"

namespace skerry::app {

struct DataFlags {
  std::string config_path;
  bool no_expand_env = false;
  std::string data;  // the folder itself
};

inline void declare_data(FlagSet& flags, DataFlags& data) {
  flags.text("data", data.data, "DIR", "the data folder; without it the configuration says which");
  declare_config(flags, data.config_path, data.no_expand_env);
}

// The folder. kNotFound if it is not there.
[[nodiscard]] Result<std::string> data_folder(const DataFlags& data);

}  // namespace skerry::app
