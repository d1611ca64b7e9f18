#include "ltx/decoder.h"

#include <fmt/format.h>

#include "ltx/base/invariant.h"
#include "ltx/checksum.h"
#include "ltx/page_frame.h"
#include "ltx/varint.h"

namespace skerry::ltx {

static void add_index_entry(Crc64& sequence, uint64_t pgno, uint64_t offset, uint64_t bytes) {
  std::array<std::byte, 24> entry;
  store_be64(&entry[0], pgno);
  store_be64(&entry[8], offset);
  store_be64(&entry[16], bytes);
  sequence.update(entry);
}

Decoder::Decoder(ByteSource& source, size_t buffer_bytes) : input_(source, buffer_bytes) {}

Result<ByteView> Decoder::take_summed(size_t n) {
  TRY_ASSIGN(const ByteView view, input_.take(n));
  crc_.update(view);
  return view;
}

Result<Header> Decoder::header() {
  INVARIANT(part_ == Part::kHeader);
  TRY_ASSIGN(const ByteView raw, take_summed(kHeaderBytes));
  TRY_ASSIGN(header_, decode_header(raw));
  order_ = PageOrder(header_);
  part_ = Part::kPages;
  return header_;
}

Result<std::optional<PageNo>> Decoder::next_page(ByteSpan page) {
  INVARIANT(part_ == Part::kPages);
  INVARIANT(page.size() == header_.page_size.bytes());
  const uint64_t offset = input_.bytes();
  TRY_ASSIGN(const ByteView raw, take_summed(kPageHeaderBytes));
  const PageHeader head = decode_page_header(raw.first<kPageHeaderBytes>());
  if (head.ends_pages()) {
    part_ = Part::kIndex;
    return std::nullopt;
  }
  TRY(check_flags(head));
  TRY(order_.add(head.pgno));
  TRY(head.has_size() ? read_block(head.pgno, page) : read_frame(head.pgno, page));
  crc_.update(page);
  if (header_.is_snapshot() && header_.has_checksums()) {
    pages_checksum_ = pages_checksum_ ^ page_checksum(head.pgno, page);
  }
  add_index_entry(page_sequence_, head.pgno.value(), offset, input_.bytes() - offset);
  return head.pgno;
}

Status Decoder::read_block(PageNo pgno, ByteSpan page) {
  TRY_ASSIGN(const ByteView raw, take_summed(4));
  const uint32_t packed_bytes = load_be32(raw.data());
  TRY(check_packed_bytes(pgno, packed_bytes, header_.page_size));
  TRY_ASSIGN(const ByteView block, input_.take(packed_bytes));
  return unpack_block(pgno, block, page);
}

Status Decoder::read_frame(PageNo pgno, ByteSpan page) {
  TRY(frame_.begin());
  TRY_ASSIGN(const size_t filled, frame_.read(input_, page));
  TRY(frame_.end(input_));
  if (filled == page.size()) return {};
  return fail(Errc::kCorrupt, fmt::format("LTX page {}: short LZ4 frame", pgno.value()));
}

Result<uint64_t> Decoder::take_summed_varint() {
  std::array<std::byte, kVarintBytesMax> raw;
  for (size_t n = 0; n < raw.size(); ++n) {
    TRY_ASSIGN(const ByteView byte, take_summed(1));
    raw[n] = byte.front();
    if (std::to_integer<int>(raw[n]) >= 0x80) continue;
    ByteView view = ByteView(raw).first(n + 1);
    if (const auto value = take_varint(view)) return *value;
    break;
  }
  return fail(Errc::kCorrupt, "LTX page index: a number is longer than 64 bits");
}

Status Decoder::check_index() {
  const uint64_t start = input_.bytes();
  Crc64 sequence;
  uint64_t last = 0;
  for (;;) {
    TRY_ASSIGN(const uint64_t pgno, take_summed_varint());
    if (pgno == 0) break;
    if (pgno <= last || pgno > order_.last().value()) {
      return fail(Errc::kCorrupt, fmt::format("LTX page index: page {} after {} of {}", pgno, last,
                                              order_.last().value()));
    }
    TRY_ASSIGN(const uint64_t offset, take_summed_varint());
    TRY_ASSIGN(const uint64_t frame_bytes, take_summed_varint());
    add_index_entry(sequence, pgno, offset, frame_bytes);
    last = pgno;
  }
  const uint64_t index_bytes = input_.bytes() - start;
  TRY_ASSIGN(const ByteView raw, take_summed(8));
  if (load_be64(raw.data()) != index_bytes || sequence.value() != page_sequence_.value()) {
    return fail(Errc::kCorrupt, "LTX page index: it does not fit the pages");
  }
  return {};
}

Status Decoder::check_complete(const Trailer& trailer) const {
  if (trailer.file_checksum != Checksum(crc_.value() | kChecksumFlag)) {
    return fail(Errc::kCorrupt, "LTX file: its checksum does not match its content");
  }
  TRY(validate(trailer, header_));
  TRY(order_.end());
  if (header_.is_snapshot() && header_.has_checksums() &&
      trailer.post_apply_checksum != pages_checksum_) {
    return fail(Errc::kCorrupt, "LTX snapshot: pages do not add up to the post-apply checksum");
  }
  return {};
}

Result<Trailer> Decoder::finish() {
  INVARIANT(part_ == Part::kIndex);
  TRY(check_index());
  TRY_ASSIGN(const ByteView raw, input_.take(kTrailerBytes));
  crc_.update(raw.first(8));
  const Trailer trailer = decode_trailer(raw.first<kTrailerBytes>());
  TRY(check_complete(trailer));
  TRY_ASSIGN(const bool at_end, input_.at_end());
  if (!at_end) return fail(Errc::kCorrupt, "LTX file: more bytes after the trailer");
  part_ = Part::kDone;
  return trailer;
}

Result<Verified> verify(ByteSource& source) {
  Decoder decoder(source);
  return verify(decoder);
}

}  // namespace skerry::ltx
