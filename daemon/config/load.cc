#include "daemon/config/load.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "daemon/config/expand.h"
#include "daemon/config/validate.h"

namespace skerry::config {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { (void)std::fclose(file); }
};

Result<std::string> read_file(const std::string& path) {
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "re"));
  const std::string what = fmt::format("cannot read the configuration file {}", path);
  if (!file) return fail_errno(errno, what);
  std::string text;
  std::array<char, 4096> piece;
  while (const size_t bytes = std::fread(piece.data(), 1, piece.size(), file.get())) {
    text.append(piece.data(), bytes);
    if (text.size() > kConfigBytesMax) {
      return fail(Errc::kInvalid, fmt::format("{}: it exceeds {} bytes; is this the right file?",
                                              what, kConfigBytesMax));
    }
  }
  if (std::ferror(file.get()) != 0) return fail_errno(errno, what);
  return text;
}

std::string home() {
  const char* home = std::getenv("HOME");
  if (home != nullptr && *home != '\0') return home;
  return ::geteuid() == 0 ? "/root" : "";  // services of the system are often started without HOME
}

Result<Loaded> read_and_parse(const std::string& path, const LoadOptions& options) {
  TRY_ASSIGN(const std::string text, read_file(path));
  TRY_ASSIGN(Parsed parsed,
             parse(text, {path, options.expand, options.environment, options.hostname}));
  return Loaded{std::move(parsed.config), path, std::move(parsed.warnings)};
}

}  // namespace

std::vector<std::string> LoadOptions::search_places() {
  std::vector<std::string> places;
  for (const std::string& folder : {std::string("."), home(), std::string("/etc")}) {
    if (folder.empty()) continue;
    for (const char* name : {"skerry.yml", "litefs.yml"}) {
      std::error_code ignored;
      const auto path = std::filesystem::path(folder) / name;
      const auto absolute = std::filesystem::absolute(path, ignored);
      places.push_back((ignored ? path : absolute).lexically_normal().string());
    }
  }
  return places;
}

Result<Loaded> load(const LoadOptions& options) {
  if (!options.path.empty()) return read_and_parse(options.path, options);
  for (const std::string& place : options.places) {
    auto loaded = read_and_parse(place, options);
    if (loaded || loaded.error().code() != Errc::kNotFound) return loaded;
  }
  return fail(Errc::kNotFound,
              fmt::format("no configuration file; looked for {}: write one of these, or name one "
                          "with -config PATH",
                          fmt::join(options.places, ", ")));
}

}  // namespace skerry::config
