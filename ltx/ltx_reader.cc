#include "ltx/ltx_reader.h"

namespace skerry::ltx {

Result<Verified> verify(LtxReader& reader) {
  Verified result;
  TRY_ASSIGN(result.header, reader.header());
  Bytes page(result.header.page_size.bytes());
  for (;; ++result.pages) {
    TRY_ASSIGN(const auto pgno, reader.next_page(page));
    if (!pgno) break;
  }
  TRY_ASSIGN(result.trailer, reader.finish());
  return result;
}

}  // namespace skerry::ltx
