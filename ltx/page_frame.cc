#include "ltx/page_frame.h"

#include <fmt/format.h>
#include <lz4.h>

#include "ltx/base/invariant.h"
#include "ltx/lz4_frame.h"

namespace skerry::ltx {

// Around a page in an LZ4 frame: 19 bytes of head, block size and checksum, end mark, checksum.
static constexpr size_t kLz4FrameOverheadBytes = 19 + 4 + 4 + 4 + 4;

size_t packed_bytes_max(PageSize page_size) {
  return static_cast<size_t>(LZ4_compressBound(static_cast<int>(page_size.bytes())));
}

size_t page_frame_bytes_max(PageSize page_size) {
  return kPageFrameHeadBytes + packed_bytes_max(page_size) + kLz4FrameOverheadBytes;
}

Status check_flags(const PageHeader& head) {
  if ((head.flags & ~kPageFlagSize) == 0) return {};
  return fail(Errc::kCorrupt,
              fmt::format("LTX page {}: unknown flags {:#06x}", head.pgno.value(), head.flags));
}

Status check_packed_bytes(PageNo pgno, uint32_t packed_bytes, PageSize page_size) {
  const size_t bound = packed_bytes_max(page_size);
  if (packed_bytes != 0 && packed_bytes <= bound) return {};
  return fail(Errc::kCorrupt, fmt::format("LTX page {}: {} bytes compressed, not 1 to {}",
                                          pgno.value(), packed_bytes, bound));
}

Status unpack_block(PageNo pgno, ByteView block, ByteSpan page) {
  const int n = LZ4_decompress_safe(reinterpret_cast<const char*>(block.data()),
                                    reinterpret_cast<char*>(page.data()),
                                    static_cast<int>(block.size()), static_cast<int>(page.size()));
  if (n >= 0 && static_cast<size_t>(n) == page.size()) return {};
  return fail(Errc::kCorrupt, fmt::format("LTX page {}: damaged LZ4 block", pgno.value()));
}

static Status unpack_sized(PageNo pgno, ByteView rest, ByteSpan page) {
  const auto page_size = PageSize::of(static_cast<uint32_t>(page.size()));
  INVARIANT(page_size.has_value());
  if (rest.size() < 4 || load_be32(rest.data()) != rest.size() - 4) {
    return fail(Errc::kCorrupt,
                fmt::format("LTX page {}: its size does not fit the page index", pgno.value()));
  }
  TRY(check_packed_bytes(pgno, load_be32(rest.data()), *page_size));
  return unpack_block(pgno, rest.subspan(4), page);
}

static Status unpack_frame(PageNo pgno, ByteView rest, ByteSpan page) {
  if (rest.empty()) {
    return fail(Errc::kCorrupt, fmt::format("LTX page {}: no content", pgno.value()));
  }
  MemorySource source(rest);
  BufferedInput input(source, rest.size());
  Lz4Frame frame;
  TRY(frame.begin());
  TRY_ASSIGN(const size_t n, frame.read(input, page));
  TRY(frame.end(input));
  if (n == page.size() && input.bytes() == rest.size()) return {};
  return fail(Errc::kCorrupt, fmt::format("LTX page {}: damaged LZ4 frame", pgno.value()));
}

Status decode_page_frame(PageNo pgno, ByteView frame, ByteSpan page) {
  if (frame.size() < kPageHeaderBytes) {
    return fail(Errc::kCorrupt, fmt::format("LTX page {}: no header", pgno.value()));
  }
  const PageHeader head = decode_page_header(frame.first<kPageHeaderBytes>());
  TRY(check_flags(head));
  if (head.pgno != pgno) {
    return fail(Errc::kCorrupt,
                fmt::format("LTX page {}: page {} in its place", pgno.value(), head.pgno.value()));
  }
  const ByteView rest = frame.subspan(kPageHeaderBytes);
  return head.has_size() ? unpack_sized(pgno, rest, page) : unpack_frame(pgno, rest, page);
}

}  // namespace skerry::ltx
