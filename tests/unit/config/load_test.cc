#include "daemon/config/load.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>

#include "daemon/config/expand.h"
#include "tests/support/temp_folder.h"

namespace skerry::config {
namespace {

using test::TempFolder;

constexpr const char* kStatic = "lease: {type: static}\n";

TEST_CASE("the first file of the search is read") {
  const TempFolder folder;
  const std::string second = folder.write("second.yml", kStatic);
  const std::string third = folder.write("third.yml", "nonsense: true\n");
  LoadOptions options;
  options.places = {folder.path("first.yml"), second, third};
  const auto loaded = load(options);
  REQUIRE(loaded);
  CHECK(loaded->path == second);
  options.places = {folder.path("first.yml"), third, second};
  CHECK(load(options).error().message().starts_with(third + ":1: nonsense"));
}

TEST_CASE("a named file is the only one") {
  const TempFolder folder;
  LoadOptions options;
  options.places = {folder.write("other.yml", kStatic)};
  options.path = folder.path("absent.yml");
  const auto absent = load(options);
  REQUIRE_FALSE(absent);
  CHECK(absent.error().code() == Errc::kNotFound);
  CHECK(absent.error().message() ==
        "cannot read the configuration file " + options.path + ": No such file or directory");
  options.path = folder.write("named.yml", kStatic);
  CHECK(load(options)->path == options.path);
}

TEST_CASE("what cannot be read or used is an error") {
  const TempFolder folder;
  LoadOptions options;
  options.places = {folder.path("a.yml"), folder.path("b.yml")};
  CHECK(load(options).error().message() ==
        "no configuration file; looked for " + options.places[0] + ", " + options.places[1] +
            ": write one of these, or name one with -config PATH");
  options.path = folder.path("");
  CHECK(load(options).error().message().contains("Is a directory"));
  options.path = folder.write("big.yml", std::string(kConfigBytesMax + 1, '#'));
  CHECK(load(options).error().message().contains("is this the right file?"));
}

TEST_CASE("the search goes from here to home to /etc, the newer name first") {
  const std::string home = std::getenv("HOME") != nullptr ? std::getenv("HOME") : "";
  ::setenv("HOME", "/home/ann", 1);
  const std::string here = std::filesystem::current_path().string();
  CHECK(LoadOptions::search_places() ==
        std::vector<std::string>{here + "/skerry.yml", here + "/litefs.yml", "/home/ann/skerry.yml",
                                 "/home/ann/litefs.yml", "/etc/skerry.yml", "/etc/litefs.yml"});
  ::setenv("HOME", home.c_str(), 1);
}

}  // namespace
}  // namespace skerry::config
