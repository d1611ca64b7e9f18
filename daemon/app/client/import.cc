// skerry import: sends a SQLite file to a node.

#include <fmt/format.h>

#include <cstdlib>

#include "daemon/app/cli/import_command.h"
#include "daemon/app/client/import_file.h"
#include "daemon/app/client/outcome.h"
#include "daemon/app/progress.h"
#include "daemon/net/proven_call.h"

namespace skerry::app {
namespace {

// The node works on the file after it has come, in silence.
constexpr std::chrono::minutes kSilenceMax{30};

class WithProgress final : public ltx::ByteSource {
 public:
  WithProgress(ImportFile& file, std::string label)
      : file_(file), progress_(std::move(label), file.bytes()) {}
  Result<size_t> read(ByteSpan into) override {
    TRY_ASSIGN(const size_t n, file_.read(into));
    progress_.update(file_.done());
    return n;
  }
  void finish() { progress_.finish(); }

 private:
  ImportFile& file_;
  Progress progress_;
};

// Read twice: what the node is to believe must be known before it is sent.
Result<std::string> digest_of_file(const std::string& path) {
  TRY_ASSIGN(ImportFile file, ImportFile::open(path));
  net::Digest digest;
  Bytes piece(size_t{64} << 10);
  for (;;) {
    TRY_ASSIGN(const size_t n, file.read(piece));
    if (n == 0) return digest.finish();
    digest.add(ByteView(piece).first(n));
  }
}

Status send(const ImportCommand& command) {
  TRY_ASSIGN(ImportFile file, ImportFile::open(command.path));
  WithProgress body(file, fmt::format("Importing {}", command.name));
  net::Call call;
  call.method = "POST";
  call.url = net::make_url(command.url, "/import", {{"name", command.name}});
  call.body = &body;
  call.body_bytes = file.bytes();
  call.silence_max = kSilenceMax;
  if (std::getenv("SKERRY_CLUSTER_SECRET") != nullptr) {
    TRY_ASSIGN(const std::string digest, digest_of_file(command.path));
    TRY(net::add_credentials(call, digest));
  } else {
    TRY(net::add_credentials(call));
  }
  const auto reply = net::call_and_check(call);
  body.finish();
  TRY(reply);
  return {};
}

}  // namespace

int execute(const ImportCommand& command) {
  const auto began = std::chrono::steady_clock::now();
  if (const Status sent = send(command); !sent) return emit(failure(sent.error()));
  const auto took = std::chrono::steady_clock::now() - began;
  return emit({0, success_line("Import", command.name, took), ""});
}

}  // namespace skerry::app
