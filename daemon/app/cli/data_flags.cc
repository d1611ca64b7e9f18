#include "daemon/app/cli/data_flags.h"

#include <fmt/format.h>

#include <filesystem>

#include "daemon/config/load.h"

namespace skerry::app {

Result<std::string> data_folder(const DataFlags& data) {
  std::string dir = data.data;
  if (dir.empty()) {
    config::LoadOptions options;
    options.path = data.config_path;
    options.expand = !data.no_expand_env;
    TRY_ASSIGN(const auto loaded, config::load(options));
    dir = loaded.config.data.dir;
  }
  if (std::error_code ignored; std::filesystem::is_directory(dir, ignored)) return dir;
  return fail(Errc::kNotFound,
              fmt::format("there is no data folder {}; name it with -data DIR, or the "
                          "configuration with -config PATH",
                          dir));
}

}  // namespace skerry::app
