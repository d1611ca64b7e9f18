// A page within an LTX file (format version 3): 4 bytes page number, 2 bytes flags (bit 0: a size
// follows), 4 bytes size, one LZ4 block. Without the flag an LZ4 frame follows at once: so the
// reference library wrote it in its version 0.5.0. A head of six zero bytes ends the pages.
#pragma once

#include <span>

#include "ltx/base/bytes.h"
#include "ltx/base/result.h"
#include "ltx/base/types.h"

namespace skerry::ltx {

inline constexpr size_t kPageHeaderBytes = 6;
inline constexpr size_t kPageFrameHeadBytes = kPageHeaderBytes + 4;
inline constexpr uint16_t kPageFlagSize = 1;

struct PageHeader {
  PageNo pgno;
  uint16_t flags = 0;

  [[nodiscard]] bool has_size() const { return (flags & kPageFlagSize) != 0; }
  [[nodiscard]] bool ends_pages() const { return pgno == PageNo(0) && flags == 0; }
};

// The most that a page can take: an LZ4 block of it, and a whole page frame of either kind.
[[nodiscard]] size_t packed_bytes_max(PageSize page_size);
[[nodiscard]] size_t page_frame_bytes_max(PageSize page_size);

inline PageHeader decode_page_header(std::span<const std::byte, kPageHeaderBytes> b) {
  return {PageNo(load_be32(&b[0])), load_be16(&b[4])};
}

inline void encode_page_frame_head(std::span<std::byte, kPageFrameHeadBytes> b, PageNo pgno,
                                   uint32_t packed_bytes) {
  store_be32(&b[0], pgno.value());
  store_be16(&b[4], kPageFlagSize);
  store_be32(&b[6], packed_bytes);
}

// kCorrupt if the flags or the size are none that a writer would set.
[[nodiscard]] Status check_flags(const PageHeader& head);
[[nodiscard]] Status check_packed_bytes(PageNo pgno, uint32_t packed_bytes, PageSize page_size);

// Decompresses an LZ4 block that must fill `page` exactly.
[[nodiscard]] Status unpack_block(PageNo pgno, ByteView block, ByteSpan page);

// Decodes one whole frame, of either kind, that must hold page `pgno` and nothing else.
[[nodiscard]] Status decode_page_frame(PageNo pgno, ByteView frame, ByteSpan page);

}  // namespace skerry::ltx
