// A SQLite file that is about to be imported: held so that nobody changes it meanwhile.
#pragma once

#include <string>

#include "daemon/os/fd.h"
#include "ltx/byte_source.h"

namespace skerry::app {

class ImportFile final : public ltx::ByteSource {
 public:
  // An error where the file's content is not all of the database: transactions wait in a WAL or
  // have to be rolled back from a journal, or somebody is writing.
  [[nodiscard]] static Result<ImportFile> open(const std::string& path);

  [[nodiscard]] uint64_t bytes() const { return bytes_; }
  [[nodiscard]] uint64_t done() const { return done_; }
  Result<size_t> read(ByteSpan into) override;

 private:
  ImportFile(std::string path, os::Fd fd, uint64_t bytes)
      : path_(std::move(path)), fd_(std::move(fd)), bytes_(bytes) {}

  std::string path_;
  os::Fd fd_;  // holds a lock as SQLite's readers do
  uint64_t bytes_;
  uint64_t done_ = 0;
};

}  // namespace skerry::app
