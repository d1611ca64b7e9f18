#include "tests/support/db_model.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "ltx/checksum.h"
#include "ltx/decoder.h"
#include "ltx/sqlite/db_header.h"
#include "ltx/sqlite/lock_bytes.h"
#include "ltx/sqlite/wal.h"

namespace skerry::test {

static Bytes slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const ByteView view = as_bytes(text);
  return {view.begin(), view.end()};
}

Checksum DbImage::checksum() const {
  Checksum sum = kEmptyChecksum;
  for (size_t i = 0; i < pages.size(); ++i) {
    if (!pages[i].empty())
      sum = sum ^ ltx::page_checksum(PageNo(static_cast<uint32_t>(i) + 1), pages[i]);
  }
  return sum;
}

Bytes DbImage::file() const {
  Bytes out;
  for (const Bytes& page : pages) {
    if (page.empty()) out.resize(out.size() + page_bytes);
    append(out, page);
  }
  return out;
}

DbImage read_logical(const std::string& dir) {
  const Bytes database = slurp(dir + "/database");
  const Bytes wal = slurp(dir + "/wal");
  std::map<uint32_t, size_t> frames;
  uint32_t commit = 0;
  DbImage image;
  if (const auto header = sqlite::decode_wal_header(wal)) {
    image.page_bytes = header->page_size.bytes();
    const size_t frame_bytes = sqlite::wal_frame_bytes(header->page_size);
    std::map<uint32_t, size_t> open;
    auto checksum = header->checksum;
    for (size_t at = sqlite::kWalHeaderBytes; at + frame_bytes <= wal.size(); at += frame_bytes) {
      const auto head = sqlite::decode_wal_frame_header(
          ByteView(wal).subspan(at).first<sqlite::kWalFrameHeaderBytes>());
      const ByteView page =
          ByteView(wal).subspan(at + sqlite::kWalFrameHeaderBytes, image.page_bytes);
      checksum = sqlite::wal_frame_checksum(checksum, header->order, head.pgno, head.commit, page);
      if (head.salt != header->salt || checksum != head.checksum) break;
      open[head.pgno.value()] = at + sqlite::kWalFrameHeaderBytes;
      if (head.commit == 0) continue;
      commit = head.commit;
      for (const auto& [pgno, where] : open) frames[pgno] = where;
      open.clear();
    }
  }
  if (commit == 0) {
    const auto header = sqlite::decode_db_header(database);
    if (!header) return {};
    image.page_bytes = header->page_size.bytes();
    commit = header->pages(database.size());
  }
  const uint32_t lock = sqlite::lock_page(*PageSize::of(image.page_bytes)).value();
  for (uint32_t p = 1; p <= commit; ++p) {
    Bytes page;
    if (p != lock) {
      page.resize(image.page_bytes);
      const auto in_wal = frames.find(p);
      const Bytes& source = in_wal != frames.end() ? wal : database;
      const size_t at = in_wal != frames.end() ? in_wal->second : size_t{p - 1} * image.page_bytes;
      if (at < source.size()) {
        const size_t n = std::min<size_t>(image.page_bytes, source.size() - at);
        std::copy_n(source.begin() + static_cast<std::ptrdiff_t>(at), n, page.begin());
      }
    }
    image.pages.push_back(std::move(page));
  }
  return image;
}

Status LogReplay::apply(ByteView ltx) {
  ltx::MemorySource whole(ltx);
  TRY(ltx::verify(whole));
  ltx::MemorySource source(ltx);
  ltx::Decoder decoder(source);
  TRY_ASSIGN(const ltx::Header header, decoder.header());
  const Position pre = header.pre_apply_position();
  if (pre.txid != position_.txid || (pre.txid != Txid(0) && pre != position_)) {
    return fail(Errc::kCorrupt,
                fmt::format("applies to {}, not to {}", to_string(pre), to_string(position_)));
  }
  if (header.page_size.bytes() != image_.page_bytes) image_.pages.clear();
  image_.page_bytes = header.page_size.bytes();
  image_.pages.resize(header.commit);
  Bytes page(image_.page_bytes);
  for (;;) {
    TRY_ASSIGN(const auto pgno, decoder.next_page(page));
    if (!pgno) break;
    image_.pages[pgno->value() - 1] = page;
  }
  TRY_ASSIGN(const ltx::Trailer trailer, decoder.finish());
  if (image_.checksum() != trailer.post_apply_checksum) {
    return fail(
        Errc::kCorrupt,
        fmt::format("record {}: pages sum up to {}, the record says {}", to_string(header.max_txid),
                    to_string(image_.checksum()), to_string(trailer.post_apply_checksum)));
  }
  position_ = {header.max_txid, trailer.post_apply_checksum};
  return {};
}

Status LogReplay::advance(const db::CommitLog& log) {
  while (log.last() > position_.txid) {
    const auto found = log.find(next(position_.txid));
    if (!found) return fail(Errc::kNotFound, "the log has a gap");
    TRY_ASSIGN(const Bytes ltx, found->segment->read_ltx(found->place));
    TRY(apply(ltx));
  }
  return {};
}

}  // namespace skerry::test
