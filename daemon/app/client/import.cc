// skerry import: sends a SQLite file to a node.

#include <fmt/format.h>

#include "daemon/app/cli/import_command.h"
#include "daemon/app/client/import_file.h"
#include "daemon/app/client/outcome.h"
#include "daemon/app/progress.h"
#include "daemon/net/http_client.h"

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

Status send(const ImportCommand& command) {
  TRY_ASSIGN(ImportFile file, ImportFile::open(command.path));
  WithProgress body(file, fmt::format("Importing {}", command.name));
  net::Call call;
  call.method = "POST";
  call.url = net::make_url(command.url, "/import", {{"name", command.name}});
  call.body = &body;
  call.body_bytes = file.bytes();
  call.silence_max = kSilenceMax;
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
