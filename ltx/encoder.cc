#include "ltx/encoder.h"

#include <lz4.h>

#include "ltx/base/invariant.h"
#include "ltx/page_frame.h"
#include "ltx/varint.h"

namespace skerry::ltx {

static constexpr size_t kIndexPartBytes = size_t{32} * 1024;

// Where a reader says that the file is damaged, a writer says that its caller erred.
static Status as_callers(Status checked) {
  if (checked) return {};
  return fail(Errc::kInvalid, checked.error().message());
}

void Encoder::sum_from(size_t start) {
  const ByteView added = ByteView(out_).subspan(start);
  crc_.update(added);
  bytes_ += added.size();
}

void Encoder::put(ByteView data) {
  const size_t start = out_.size();
  append(out_, data);
  sum_from(start);
}

Status Encoder::begin(const Header& header) {
  TRY(as_callers(validate(header)));
  part_ = Part::kPages;
  header_ = header;
  order_ = PageOrder(header);
  crc_ = {};
  bytes_ = 0;
  index_.clear();
  put(encode(header));
  return {};
}

Status Encoder::add_page(PageNo pgno, ByteView page) {
  INVARIANT(part_ == Part::kPages);
  INVARIANT(page.size() == header_.page_size.bytes());
  const PageNo last = order_.last();
  TRY(order_.add(pgno, Errc::kInvalid));
  const size_t bound = packed_bytes_max(header_.page_size);
  const size_t start = out_.size();
  out_.resize(start + kPageFrameHeadBytes + bound);
  const int packed =
      LZ4_compress_default(reinterpret_cast<const char*>(page.data()),
                           reinterpret_cast<char*>(&out_[start + kPageFrameHeadBytes]),
                           static_cast<int>(page.size()), static_cast<int>(bound));
  INVARIANT(packed > 0);
  const size_t frame_bytes = kPageFrameHeadBytes + static_cast<size_t>(packed);
  out_.resize(start + frame_bytes);
  const auto head = ByteSpan(out_).subspan(start).first<kPageFrameHeadBytes>();
  encode_page_frame_head(head, pgno, static_cast<uint32_t>(packed));
  crc_.update(head);
  crc_.update(page);  // the file checksum is over the content, not over its compressed form
  bytes_ += frame_bytes;
  append_varint(index_, pgno.value() - last.value());
  append_varint(index_, frame_bytes);
  return {};
}

void Encoder::append_index_entry() {
  const auto step = take_varint(index_rest_);
  const auto frame_bytes = take_varint(index_rest_);
  INVARIANT(step && frame_bytes);
  index_pgno_ += *step;
  append_varint(out_, index_pgno_);
  append_varint(out_, index_offset_);
  append_varint(out_, *frame_bytes);
  index_offset_ += *frame_bytes;
}

bool Encoder::add_index_part() {
  if (part_ == Part::kTrailer) return false;
  if (part_ == Part::kPages) {
    put(std::array<std::byte, kPageHeaderBytes>{});
    part_ = Part::kIndex;
    index_rest_ = index_;
    index_start_ = bytes_;
    index_pgno_ = 0;
    index_offset_ = kHeaderBytes;
  }
  INVARIANT(part_ == Part::kIndex);
  const size_t start = out_.size();
  while (!index_rest_.empty() && out_.size() - start < kIndexPartBytes) append_index_entry();
  sum_from(start);
  if (!index_rest_.empty()) return true;
  std::array<std::byte, 1 + 8> end{};
  store_be64(&end[1], bytes_ + 1 - index_start_);
  put(end);
  part_ = Part::kTrailer;
  return false;
}

Result<Trailer> Encoder::finish(Checksum post_apply_checksum) {
  while (add_index_part()) {
  }
  part_ = Part::kNone;
  Trailer trailer{post_apply_checksum, Checksum(0)};
  TRY(as_callers(validate(trailer, header_)));
  TRY(order_.end(Errc::kInvalid));
  crc_.update(ByteView(encode(trailer)).first(8));
  trailer.file_checksum = Checksum(crc_.value() | kChecksumFlag);
  append(out_, encode(trailer));
  bytes_ += kTrailerBytes;
  return trailer;
}

}  // namespace skerry::ltx
