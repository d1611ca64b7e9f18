#include "ltx/encoder.h"

#include <fmt/format.h>
#include <lz4.h>

#include "ltx/base/invariant.h"
#include "ltx/page_frame.h"
#include "ltx/sqlite/lock_bytes.h"
#include "ltx/varint.h"

namespace skerry::ltx {

void Encoder::put_unsummed(ByteView data) {
  append(out_, data);
  bytes_ += data.size();
}

void Encoder::put(ByteView data) {
  put_unsummed(data);
  crc_.update(data);
}

Status Encoder::begin(const Header& header) {
  TRY(validate(header));
  header_ = header;
  crc_ = {};
  bytes_ = 0;
  last_pgno_ = PageNo(0);
  index_.clear();
  open_ = true;
  put(encode(header));
  return {};
}

Status Encoder::check_order(PageNo pgno) const {
  PageNo lock = sqlite::lock_page(header_.page_size);
  if (pgno <= last_pgno_ || pgno.value() > header_.commit || pgno == lock) {
    return fail(Errc::kInvalid, fmt::format("LTX page {} after {} of {}: not in order",
                                            pgno.value(), last_pgno_.value(), header_.commit));
  }
  PageNo expected = next(last_pgno_) == lock ? next(lock) : next(last_pgno_);
  if (header_.is_snapshot() && pgno != expected) {
    return fail(Errc::kInvalid, fmt::format("LTX snapshot: page {} where {} is due", pgno.value(),
                                            expected.value()));
  }
  return {};
}

Status Encoder::add_page(PageNo pgno, ByteView page) {
  INVARIANT(open_);
  TRY(check_order(pgno));
  INVARIANT(page.size() == header_.page_size.bytes());
  const size_t bound = static_cast<size_t>(LZ4_compressBound(static_cast<int>(page.size())));
  const size_t start = out_.size();
  out_.resize(start + kPageFrameHeadBytes + bound);
  const int packed =
      LZ4_compress_default(reinterpret_cast<const char*>(page.data()),
                           reinterpret_cast<char*>(&out_[start + kPageFrameHeadBytes]),
                           static_cast<int>(page.size()), static_cast<int>(bound));
  INVARIANT(packed > 0);
  const size_t frame_bytes = kPageFrameHeadBytes + static_cast<size_t>(packed);
  out_.resize(start + frame_bytes);
  encode_page_frame_head(
      std::span<std::byte, kPageFrameHeadBytes>(&out_[start], kPageFrameHeadBytes), pgno,
      static_cast<uint32_t>(packed));
  crc_.update(ByteView(&out_[start], kPageFrameHeadBytes));
  crc_.update(page);
  bytes_ += frame_bytes;
  append_varint(index_, pgno.value() - last_pgno_.value());
  append_varint(index_, frame_bytes);
  last_pgno_ = pgno;
  return {};
}

void Encoder::put_index() {
  const uint64_t start = bytes_;
  uint64_t offset = kHeaderBytes;
  uint64_t pgno = 0;
  for (ByteView rest(index_); !rest.empty();) {
    auto step = take_varint(rest);
    auto frame_bytes = take_varint(rest);
    INVARIANT(step && frame_bytes);
    pgno += *step;
    scratch_.clear();
    append_varint(scratch_, pgno);
    append_varint(scratch_, offset);
    append_varint(scratch_, *frame_bytes);
    put(scratch_);
    offset += *frame_bytes;
  }
  std::array<std::byte, 1 + 8> end{};
  store_be64(&end[1], bytes_ + 1 - start);
  put(end);
}

Result<Trailer> Encoder::finish(Checksum post_apply_checksum) {
  INVARIANT(open_);
  open_ = false;
  const bool flagged = (post_apply_checksum.value() & kChecksumFlag) != 0;
  if (flagged != header_.has_checksums()) {
    return fail(Errc::kInvalid, "LTX trailer: post-apply checksum does not fit the header's flags");
  }
  if (header_.commit == 0 && flagged && post_apply_checksum != kEmptyChecksum) {
    return fail(Errc::kInvalid, "LTX trailer: a dropped database has the empty checksum");
  }
  put(std::array<std::byte, kPageHeaderBytes>{});
  put_index();
  Trailer trailer{post_apply_checksum, Checksum(0)};
  auto encoded = encode(trailer);
  crc_.update(ByteView(encoded).first(8));
  trailer.file_checksum = Checksum(crc_.value() | kChecksumFlag);
  put_unsummed(encode(trailer));
  return trailer;
}

}  // namespace skerry::ltx
