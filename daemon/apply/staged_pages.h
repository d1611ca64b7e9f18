// The pages of one transaction on their way in, encoded as its log record while they come: in
// memory as long as they are few, then in a file, so that a transaction of any size takes bounded
// memory (16 bytes per page).
//
// Not thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "daemon/db/history.h"
#include "daemon/os/file_system.h"
#include "ltx/byte_source.h"
#include "ltx/encoder.h"

namespace skerry::apply {

// Pages in ascending order, as often as they are asked for.
class PageRun {
 public:
  virtual ~PageRun() = default;
  using Visit = std::function<Status(PageNo, ByteView)>;
  [[nodiscard]] virtual Status for_each(const Visit& visit) = 0;
};

// What transactions of one database use one after the other.
struct StagingBuffers {
  Bytes record;
  Bytes pages;
};

class StagedPages final : public PageRun {
 public:
  static constexpr size_t kMemoryBytesMax = 256 * 1024;

  // `path` is where the file goes, if there is to be one; it is removed in the end unless somebody
  // renamed it. `buffers` must outlive this.
  StagedPages(os::FileSystem& fs, std::string path, StagingBuffers& buffers);
  ~StagedPages() override;
  StagedPages(const StagedPages&) = delete;
  StagedPages& operator=(const StagedPages&) = delete;

  [[nodiscard]] Status begin(const ltx::Header& header);
  [[nodiscard]] Status add(PageNo pgno, ByteView page);
  [[nodiscard]] Status finish(Checksum post_apply);

  // Once it is finished:
  [[nodiscard]] bool in_file() const { return file_ != nullptr; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] ByteSpan record() { return buffers_.record; }
  [[nodiscard]] const db::Received& received() const { return received_; }
  Status for_each(const Visit& visit) override;

 private:
  [[nodiscard]] Status spill();
  [[nodiscard]] Status drain();

  os::FileSystem& fs_;
  const std::string path_;
  StagingBuffers& buffers_;
  ltx::Encoder encoder_;
  db::Received received_;
  std::unique_ptr<os::File> file_;
  uint64_t drained_ = 0;
};

// Every page of an LTX image.
[[nodiscard]] Status for_each_page(ltx::ByteSource& ltx, const PageRun::Visit& visit);

}  // namespace skerry::apply
