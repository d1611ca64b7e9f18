// One LTX file (format 3) of a database's history, where it lies on disk: a record of the commit
// log, or a file of ltx/<level>/, which holds several transactions merged into one. Owns what it
// reads from, so it stays readable when the history is merged or removed meanwhile.
//
// Threads: any.
#pragma once

#include <memory>

#include "daemon/os/file_system.h"
#include "ltx/base/types.h"
#include "ltx/byte_source.h"
#include "ltx/header.h"

namespace skerry::db {

class StoredLtx {
 public:
  StoredLtx(Txid first, Txid last, std::shared_ptr<os::File> file, uint64_t offset, uint64_t bytes)
      : first_(first), last_(last), file_(std::move(file)), offset_(offset), bytes_(bytes) {}

  // Contains the transactions first() to last(). A merged one applies to each state from before
  // first() to last(); its pages are those after last().
  [[nodiscard]] Txid first() const { return first_; }
  [[nodiscard]] Txid last() const { return last_; }
  [[nodiscard]] uint64_t bytes() const { return bytes_; }

  // Exactly `into`, from an offset within the LTX file; kCorrupt if it ends before.
  [[nodiscard]] Status read_at(uint64_t offset, ByteSpan into) const;
  [[nodiscard]] Result<ltx::Header> header() const;
  [[nodiscard]] Result<ltx::Trailer> trailer() const;  // not verified

 private:
  Txid first_;
  Txid last_;
  std::shared_ptr<os::File> file_;
  uint64_t offset_;
  uint64_t bytes_;
};

// The LTX file's bytes for a decoder.
class StoredLtxSource final : public ltx::ByteSource {
 public:
  explicit StoredLtxSource(StoredLtx ltx) : ltx_(std::move(ltx)) {}
  [[nodiscard]] Result<size_t> read(ByteSpan into) override;

 private:
  StoredLtx ltx_;
  uint64_t at_ = 0;
};

}  // namespace skerry::db
