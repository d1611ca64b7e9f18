#include "daemon/apply/staged_pages.h"

#include "ltx/checksum.h"
#include "ltx/decoder.h"

namespace skerry::apply {
namespace {

constexpr size_t kDrainBytes = 1024 * 1024;
constexpr size_t kKeptBytesMax = 2 * StagedPages::kMemoryBytesMax;

// What stands in a file behind the room for a record's head.
class FileSource final : public ltx::ByteSource {
 public:
  explicit FileSource(os::File& file) : file_(file) {}
  Result<size_t> read(ByteSpan into) override {
    TRY_ASSIGN(const size_t n, file_.read_at(os::Site("apply:staged:read"), at_, into));
    at_ += n;
    return n;
  }

 private:
  os::File& file_;
  uint64_t at_ = db::kRecordHeadBytes;
};

}  // namespace

StagedPages::StagedPages(os::FileSystem& fs, std::string path, StagingBuffers& buffers)
    : fs_(fs), path_(std::move(path)), buffers_(buffers), encoder_(buffers.record) {
  buffers_.record.clear();
  buffers_.pages.clear();
}

StagedPages::~StagedPages() {
  if (file_) (void)os::remove_if_exists(fs_, os::Site("apply:staged:remove"), path_);
  if (buffers_.record.capacity() > kKeptBytesMax) Bytes().swap(buffers_.record);
}

Status StagedPages::begin(const ltx::Header& header) {
  received_.header = header;
  buffers_.record.resize(db::kRecordHeadBytes);
  return encoder_.begin(header);
}

Status StagedPages::add(PageNo pgno, ByteView page) {
  if (page.size() != received_.header.page_size.bytes()) {
    return fail(Errc::kInvalid, "a page is not of the transaction's page size");
  }
  TRY(encoder_.add_page(pgno, page));
  received_.pages.push_back({pgno, ltx::page_checksum(pgno, page)});
  if (!file_) {
    append(buffers_.pages, page);
    if (buffers_.pages.size() > kMemoryBytesMax) return spill();
  }
  if (file_ && buffers_.record.size() > kDrainBytes) return drain();
  return {};
}

Status StagedPages::spill() {
  TRY_ASSIGN(file_, fs_.open(os::Site("apply:staged:create"), path_, os::OpenMode::kTruncate));
  Bytes().swap(buffers_.pages);
  return drain();
}

Status StagedPages::drain() {
  TRY(file_->write_at(os::Site("apply:staged:write"), drained_, buffers_.record));
  drained_ += buffers_.record.size();
  buffers_.record.clear();
  return {};
}

Status StagedPages::finish(Checksum post_apply) {
  received_.post_apply = post_apply;
  while (file_ && encoder_.add_index_part()) TRY(drain());
  TRY(encoder_.finish(post_apply));
  received_.ltx_bytes = encoder_.bytes();
  return file_ ? drain() : Status();
}

Status StagedPages::for_each(const Visit& visit) {
  if (file_) {
    FileSource source(*file_);
    return for_each_page(source, visit);
  }
  const size_t page_bytes = received_.header.page_size.bytes();
  size_t at = 0;
  for (const db::PageSum& page : received_.pages) {
    TRY(visit(page.pgno, ByteView(buffers_.pages).subspan(at, page_bytes)));
    at += page_bytes;
  }
  return {};
}

Status for_each_page(ltx::ByteSource& ltx, const PageRun::Visit& visit) {
  ltx::Decoder decoder(ltx);
  TRY_ASSIGN(const ltx::Header header, decoder.header());
  Bytes page(header.page_size.bytes());
  for (;;) {
    TRY_ASSIGN(const auto pgno, decoder.next_page(page));
    if (!pgno) break;
    TRY(visit(*pgno, page));
  }
  TRY(decoder.finish());
  return {};
}

}  // namespace skerry::apply
