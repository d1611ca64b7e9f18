#include "daemon/app/cli/config_check_command.h"

#include <doctest/doctest.h>

#include "tests/support/temp_folder.h"

namespace skerry::app {
namespace {

config::LoadOptions options_with(std::vector<std::string> places) {
  config::LoadOptions options;
  options.environment = [](std::string_view name) -> std::optional<std::string> {
    if (name == "DIR") return "/mnt/db";
    return std::nullopt;
  };
  options.places = std::move(places);
  return options;
}

TEST_CASE("a good file is shown with what it comes to") {
  const test::TempFolder folder;
  const std::string path =
      folder.write("skerry.yml", "lease: {type: static}\nfuse: {dir: $DIR}\nstrict-verify: yes\n");
  const Output output = config_check({}, options_with({path}));
  CHECK(output.exit_code == 0);
  CHECK(
      output.out.starts_with("config file read from " + path + "\n\nfuse:\n  dir: \"/mnt/db\"\n"));
  CHECK(output.out.contains("  type: \"static\"\n"));
  CHECK(output.err == "WARNING: " + path +
                          ":3: strict-verify is not yet supported and has no effect; remove it, or "
                          "do without it until then\n");
}

TEST_CASE("the flags choose the file and whether variables go in") {
  const test::TempFolder folder;
  const std::string path = folder.write("x.yml", "lease: {type: static}\nfuse: {dir: /$DIR}\n");
  const Output output =
      config_check({.config_path = path, .no_expand_env = true}, options_with({}));
  CHECK(output.exit_code == 0);
  CHECK(output.out.contains("dir: \"/$$DIR\"\n"));
}

TEST_CASE("what only the proxy can judge is judged, too") {
  const test::TempFolder folder;
  const std::string proxy = "lease: {type: static}\nproxy: {addr: ':1', target: ':2', db: d, ";
  const Output warned = config_check(
      {}, options_with({folder.write("w.yml", proxy + "always-forward: ['^/x$']}\n")}));
  CHECK(warned.exit_code == 0);
  CHECK(warned.err.contains("looks like a regular expression"));
  const Output refused =
      config_check({}, options_with({folder.write("r.yml", proxy + "rules: [GET]}\n")}));
  CHECK(refused.exit_code == kExitUsageError);
  CHECK(refused.err.contains("proxy.rules \"GET\""));
}

TEST_CASE("a bad file is an error of the configuration") {
  const test::TempFolder folder;
  const Output output = config_check({}, options_with({folder.write("x.yml", "fuse: {dri: x}\n")}));
  CHECK(output.exit_code == 2);
  CHECK(output.out.empty());
  CHECK(output.err.starts_with("ERROR: " + folder.path("x.yml") + ":1: fuse.dri is not a known"));
  CHECK(config_check({}, options_with({})).exit_code == 2);
}

}  // namespace
}  // namespace skerry::app
