#include "ltx/format1/decoder.h"

#include <fmt/format.h>

#include "ltx/base/invariant.h"
#include "ltx/checksum.h"
#include "ltx/format1/header.h"

namespace skerry::ltx::format1 {

static constexpr size_t kReadBufferBytes = size_t{64} * 1024;
static constexpr size_t kPageHeaderBytes = 4;

Decoder::Decoder(ByteSource& source) : input_(source, kReadBufferBytes) {}

Result<Header> Decoder::header() {
  INVARIANT(part_ == Part::kHeader);
  TRY_ASSIGN(const ByteView raw, input_.take(kHeaderBytes));
  TRY_ASSIGN(const FileHeader decoded, decode_header(raw));
  crc_.update(raw);
  header_ = decoded.header;
  compressed_ = decoded.compressed;
  order_ = PageOrder(header_);
  if (compressed_) TRY(frame_.begin());
  part_ = Part::kPages;
  return header_;
}

Status Decoder::read(ByteSpan into) {
  if (compressed_) {
    TRY_ASSIGN(const size_t n, frame_.read(input_, into));
    if (n < into.size()) return fail(Errc::kCorrupt, "LTX file: its pages end early");
  } else {
    TRY_ASSIGN(const ByteView raw, input_.take(into.size()));
    std::copy_n(raw.begin(), raw.size(), into.begin());
  }
  crc_.update(into);
  return {};
}

Result<std::optional<PageNo>> Decoder::next_page(ByteSpan page) {
  INVARIANT(part_ == Part::kPages);
  INVARIANT(page.size() == header_.page_size.bytes());
  std::array<std::byte, kPageHeaderBytes> raw;
  TRY(read(raw));
  const PageNo pgno(load_be32(raw.data()));
  if (pgno == PageNo(0)) {
    TRY(end_pages());
    return std::nullopt;
  }
  TRY(order_.add(pgno));
  TRY(read(page));
  if (header_.is_snapshot()) pages_checksum_ = pages_checksum_ ^ page_checksum(pgno, page);
  return pgno;
}

Status Decoder::end_pages() {
  if (compressed_) TRY(frame_.end(input_));
  part_ = Part::kTrailer;
  return {};
}

Result<Trailer> Decoder::finish() {
  INVARIANT(part_ == Part::kTrailer);
  TRY_ASSIGN(const ByteView raw, input_.take(kTrailerBytes));
  const Trailer trailer = decode_trailer(raw.first<kTrailerBytes>());
  crc_.update(raw.first(8));
  if (trailer.file_checksum != Checksum(crc_.value() | kChecksumFlag)) {
    return fail(Errc::kCorrupt, "LTX file: its checksum does not match its content");
  }
  TRY(validate(trailer, header_));
  TRY(order_.end());
  if (header_.is_snapshot() && trailer.post_apply_checksum != pages_checksum_) {
    return fail(Errc::kCorrupt, "LTX snapshot: pages do not add up to the post-apply checksum");
  }
  TRY_ASSIGN(const bool at_end, input_.at_end());
  if (!at_end) return fail(Errc::kCorrupt, "LTX file: more bytes after the trailer");
  part_ = Part::kDone;
  return trailer;
}

}  // namespace skerry::ltx::format1
