#include "ltx/decoder.h"

#include <fmt/format.h>
#include <lz4.h>
#include <lz4frame.h>

#include <memory>

#include "ltx/base/invariant.h"
#include "ltx/checksum.h"
#include "ltx/page_frame.h"
#include "ltx/sqlite/lock_bytes.h"
#include "ltx/varint.h"

namespace skerry::ltx {

static constexpr size_t kReadBufferBytes = 64 * 1024;

Decoder::Decoder(ByteSource& source) : source_(source), buffer_(kReadBufferBytes) {}

Status Decoder::fill() {
  TRY_ASSIGN(const size_t n, source_.read(buffer_));
  if (n == 0) {
    return fail(Errc::kCorrupt, fmt::format("LTX file ends early, after {} bytes", bytes_));
  }
  begin_ = 0;
  end_ = n;
  return {};
}

Status Decoder::take(ByteSpan into) {
  while (!into.empty()) {
    if (begin_ == end_) TRY(fill());
    const size_t n = std::min(into.size(), end_ - begin_);
    std::memcpy(into.data(), &buffer_[begin_], n);
    begin_ += n;
    bytes_ += n;
    into = into.subspan(n);
  }
  return {};
}

Result<Header> Decoder::header() {
  std::array<std::byte, kHeaderBytes> raw;
  TRY(take(raw));
  TRY_ASSIGN(header_, decode_header(raw));
  crc_.update(raw);
  return header_;
}

Status Decoder::check_page_order(PageNo pgno) {
  const PageNo lock = sqlite::lock_page(header_.page_size);
  if (pgno <= last_pgno_ || pgno.value() > header_.commit || pgno == lock) {
    return fail(Errc::kCorrupt, fmt::format("LTX file: page {} after page {} of {}", pgno.value(),
                                            last_pgno_.value(), header_.commit));
  }
  const PageNo due = next(last_pgno_) == lock ? next(lock) : next(last_pgno_);
  if (header_.is_snapshot() && pgno != due) {
    return fail(Errc::kCorrupt, fmt::format("LTX snapshot: page {} is missing", due.value()));
  }
  last_pgno_ = pgno;
  return {};
}

Result<std::optional<PageNo>> Decoder::next_page(ByteSpan page) {
  INVARIANT(page.size() == header_.page_size.bytes());
  const uint64_t offset = bytes_;
  std::array<std::byte, kPageHeaderBytes> raw;
  TRY(take(raw));
  crc_.update(raw);
  const PageHeader head = decode_page_header(raw);
  if (head.ends_pages()) return std::nullopt;
  if ((head.flags & ~kPageFlagSize) != 0) {
    return fail(Errc::kCorrupt,
                fmt::format("LTX page {}: unknown flags {:#06x}", head.pgno.value(), head.flags));
  }
  TRY(check_page_order(head.pgno));
  TRY((head.flags & kPageFlagSize) != 0 ? read_block(page) : read_frame(page));
  crc_.update(page);
  if (header_.is_snapshot() && header_.has_checksums()) {
    pages_checksum_ = pages_checksum_ ^ page_checksum(head.pgno, page);
  }
  std::array<std::byte, 20> entry;
  store_be32(&entry[0], head.pgno.value());
  store_be64(&entry[4], offset);
  store_be64(&entry[12], bytes_ - offset);
  page_sequence_.update(entry);
  return head.pgno;
}

Status Decoder::read_block(ByteSpan page) {
  std::array<std::byte, 4> raw;
  TRY(take(raw));
  crc_.update(raw);
  const uint32_t packed_bytes = load_be32(raw.data());
  const auto bound = static_cast<uint32_t>(LZ4_compressBound(static_cast<int>(page.size())));
  if (packed_bytes == 0 || packed_bytes > bound) {
    return fail(Errc::kCorrupt, fmt::format("LTX page {}: {} bytes compressed, more than {}",
                                            last_pgno_.value(), packed_bytes, bound));
  }
  packed_.resize(packed_bytes);
  TRY(take(packed_));
  const int n = LZ4_decompress_safe(reinterpret_cast<const char*>(packed_.data()),
                                    reinterpret_cast<char*>(page.data()),
                                    static_cast<int>(packed_bytes), static_cast<int>(page.size()));
  if (n < 0 || static_cast<size_t>(n) != page.size()) {
    return fail(Errc::kCorrupt, fmt::format("LTX page {}: damaged LZ4 block", last_pgno_.value()));
  }
  return {};
}

// Format 2 stores each page as an LZ4 frame, whose end only its decompression shows.
Status Decoder::read_frame(ByteSpan page) {
  LZ4F_dctx* raw_context = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&raw_context, LZ4F_VERSION))) {
    return fail(Errc::kIo, "LZ4: no memory for a decompression context");
  }
  const std::unique_ptr<LZ4F_dctx, decltype(&LZ4F_freeDecompressionContext)> context(
      raw_context, &LZ4F_freeDecompressionContext);
  size_t filled = 0;
  for (size_t hint = 1; hint != 0;) {
    if (begin_ == end_) TRY(fill());
    size_t out_bytes = page.size() - filled;
    size_t in_bytes = std::min(end_ - begin_, hint);
    hint = LZ4F_decompress(context.get(), page.data() + filled, &out_bytes, &buffer_[begin_],
                           &in_bytes, nullptr);
    if (LZ4F_isError(hint) || (in_bytes == 0 && out_bytes == 0)) {
      return fail(Errc::kCorrupt,
                  fmt::format("LTX page {}: damaged LZ4 frame", last_pgno_.value()));
    }
    begin_ += in_bytes;
    bytes_ += in_bytes;
    filled += out_bytes;
  }
  if (filled != page.size()) {
    return fail(Errc::kCorrupt, fmt::format("LTX page {}: short LZ4 frame", last_pgno_.value()));
  }
  return {};
}

Result<uint64_t> Decoder::take_summed_varint() {
  std::array<std::byte, kVarintBytesMax> raw;
  for (size_t n = 0; n < raw.size(); ++n) {
    TRY(take(ByteSpan(raw).subspan(n, 1)));
    if (std::to_integer<int>(raw[n]) < 0x80) {
      crc_.update(ByteView(raw).first(n + 1));
      ByteView view = ByteView(raw).first(n + 1);
      if (auto value = take_varint(view)) return *value;
      break;
    }
  }
  return fail(Errc::kCorrupt, "LTX page index: a number is longer than 64 bits");
}

Status Decoder::check_index() {
  const uint64_t start = bytes_;
  Crc64 sequence;
  for (;;) {
    TRY_ASSIGN(const uint64_t pgno, take_summed_varint());
    if (pgno == 0) break;
    TRY_ASSIGN(const uint64_t offset, take_summed_varint());
    TRY_ASSIGN(const uint64_t frame_bytes, take_summed_varint());
    if (pgno > header_.commit) {
      return fail(Errc::kCorrupt,
                  fmt::format("LTX page index: page {} of {}", pgno, header_.commit));
    }
    std::array<std::byte, 20> entry;
    store_be32(&entry[0], static_cast<uint32_t>(pgno));
    store_be64(&entry[4], offset);
    store_be64(&entry[12], frame_bytes);
    sequence.update(entry);
  }
  const uint64_t index_bytes = bytes_ - start;
  std::array<std::byte, 8> raw;
  TRY(take(raw));
  crc_.update(raw);
  if (load_be64(raw.data()) != index_bytes || sequence.value() != page_sequence_.value()) {
    return fail(Errc::kCorrupt, "LTX page index: it does not fit the pages");
  }
  return {};
}

Status Decoder::check_complete(const Trailer& trailer) const {
  if (trailer.file_checksum != Checksum(crc_.value() | kChecksumFlag)) {
    return fail(Errc::kCorrupt, "LTX file: its checksum does not match its content");
  }
  const bool flagged = (trailer.post_apply_checksum.value() & kChecksumFlag) != 0;
  if (flagged != header_.has_checksums() ||
      (!flagged && trailer.post_apply_checksum != Checksum(0))) {
    return fail(Errc::kCorrupt, "LTX trailer: post-apply checksum is missing or malformed");
  }
  if (!header_.is_snapshot()) return {};
  const PageNo lock = sqlite::lock_page(header_.page_size);
  const uint32_t last = header_.commit == lock.value() ? header_.commit - 1 : header_.commit;
  if (last_pgno_.value() != last) {
    return fail(Errc::kCorrupt, fmt::format("LTX snapshot: ends at page {} of {}",
                                            last_pgno_.value(), header_.commit));
  }
  if (flagged && trailer.post_apply_checksum != pages_checksum_) {
    return fail(Errc::kCorrupt, "LTX snapshot: pages do not add up to the post-apply checksum");
  }
  return {};
}

Result<Trailer> Decoder::finish() {
  TRY(check_index());
  std::array<std::byte, kTrailerBytes> raw;
  TRY(take(raw));
  crc_.update(ByteView(raw).first(8));
  const Trailer trailer = decode_trailer(raw);
  TRY(check_complete(trailer));
  if (begin_ == end_) {
    TRY_ASSIGN(end_, source_.read(buffer_));
    begin_ = 0;
  }
  if (begin_ != end_) return fail(Errc::kCorrupt, "LTX file: more bytes after the trailer");
  return trailer;
}

Result<Verified> verify(ByteSource& source) {
  Decoder decoder(source);
  Verified result;
  TRY_ASSIGN(result.header, decoder.header());
  Bytes page(result.header.page_size.bytes());
  for (;; ++result.pages) {
    TRY_ASSIGN(const auto pgno, decoder.next_page(page));
    if (!pgno) break;
  }
  TRY_ASSIGN(result.trailer, decoder.finish());
  return result;
}

}  // namespace skerry::ltx
