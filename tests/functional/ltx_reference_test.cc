// The reference program `ltx` accepts what we write and makes the same database of it. Without the
// program in PATH the test says so and is reported as skipped.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>

#include "ltx/compactor.h"
#include "ltx/decoder.h"
#include "tests/support/files.h"
#include "tests/support/ltx_model.h"

namespace skerry::ltx {
namespace {

using test::Random;

constexpr int kSkipped = 77;

// Runs `ltx ARGUMENTS`; what it prints goes to the log when it fails.
bool reference(const std::string& arguments) {
  const std::string command = "ltx " + arguments + " 2>&1";
  std::FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string output;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) {
    output += static_cast<char>(c);
  }
  const bool good = pclose(pipe) == 0;
  if (!good) MESSAGE(command << ": " << output);
  return good;
}

Bytes compact(std::span<const Bytes> files) {
  std::vector<std::unique_ptr<MemorySource>> sources;
  std::vector<std::unique_ptr<Decoder>> decoders;
  std::vector<LtxReader*> readers;
  for (const Bytes& file : files) {
    sources.push_back(std::make_unique<MemorySource>(file));
    decoders.push_back(std::make_unique<Decoder>(*sources.back()));
    readers.push_back(decoders.back().get());
  }
  Bytes out;
  Compactor compactor = Compactor::over(readers, out).value();
  while (compactor.step().value()) {
  }
  REQUIRE(compactor.finish());
  return out;
}

// Applies the files to `before` with the reference program and compares.
void check_applied(const test::ScratchDir& directory, std::span<const Bytes> files,
                   const test::ModelDatabase& before, const test::ModelDatabase& after) {
  std::string names;
  for (size_t i = 0; i < files.size(); ++i) {
    const auto path = directory / (std::to_string(i) + ".ltx");
    test::write_file(path, files[i]);
    names += " " + path.string();
  }
  CHECK(reference("verify" + names));
  const auto database = directory / "db";
  test::write_file(database, before.content());
  CHECK(reference("apply -db " + database.string() + names));
  CHECK(test::read_file(database) == after.content());
}

TEST_CASE("the reference program applies our files, one by one and merged") {
  Random random(20);
  for (int i = 0; i < 12; ++i) {
    CAPTURE(i);
    const test::ChainOptions options{
        .files = 2 + test::below(random, 4),
        .page_bytes = size_t{512} << (i % 8),
        .commit_min = 1,  // the program's own checksum of a dropped database is not the format's
        .commit_max = 20,
        .snapshot = i % 2 == 0,
        .checksums = i % 3 != 0,
        .holes = i % 4 == 1,
    };
    const test::RandomChain chain = random_chain(random, options);
    const test::ScratchDir directory;
    check_applied(directory, chain.files, chain.states.front(), chain.states.back());
    const std::vector<Bytes> merged = {compact(chain.files)};
    check_applied(directory, merged, chain.states.front(), chain.states.back());
  }
}

TEST_CASE("a snapshot written again passes") {
  for (const std::string name : {"p512", "p1024-autovacuum", "p4096-wal", "p65536"}) {
    CAPTURE(name);
    const Bytes original = test::read_file(test::golden("ltx3/" + name + ".snapshot.ltx"));
    const std::vector<Bytes> files = {compact(std::span(&original, 1))};
    const Header header = decode_header(files.front()).value();
    const Bytes content = test::gunzip_file(test::golden("ltx3/" + name + ".db.gz"));
    const test::ScratchDir directory;
    check_applied(directory, files, test::ModelDatabase(header.page_size.bytes()),
                  test::ModelDatabase(header.page_size.bytes(), content));
  }
}

}  // namespace
}  // namespace skerry::ltx

int main(int argc, char** argv) {
  if (std::system("ltx version > /dev/null 2>&1") != 0) {
    std::puts("SKIPPED: the reference program `ltx` is not in PATH");
    return skerry::ltx::kSkipped;
  }
  doctest::Context context(argc, argv);
  return context.run();
}
