// A page within an LTX file: 4 bytes page number, 2 bytes flags (bit 0: a size follows), 4 bytes
// size, one LZ4 block. A head of six zero bytes ends the pages.
#pragma once

#include <span>

#include "ltx/base/bytes.h"
#include "ltx/base/types.h"

namespace skerry::ltx {

inline constexpr size_t kPageHeaderBytes = 6;
inline constexpr size_t kPageFrameHeadBytes = kPageHeaderBytes + 4;
inline constexpr uint16_t kPageFlagSize = 1;

struct PageHeader {
  PageNo pgno;
  uint16_t flags = 0;

  [[nodiscard]] bool ends_pages() const { return pgno == PageNo(0) && flags == 0; }
};

inline PageHeader decode_page_header(std::span<const std::byte, kPageHeaderBytes> b) {
  return {PageNo(load_be32(&b[0])), load_be16(&b[4])};
}

inline void encode_page_frame_head(std::span<std::byte, kPageFrameHeadBytes> b, PageNo pgno,
                                   uint32_t packed_bytes) {
  store_be32(&b[0], pgno.value());
  store_be16(&b[4], kPageFlagSize);
  store_be32(&b[6], packed_bytes);
}

}  // namespace skerry::ltx
