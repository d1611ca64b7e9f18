// What every decoder of an LTX file offers, whatever its format version. The versions share a magic
// number, so no reader finds out by itself: callers know the format from the folder and construct
//   Decoder           (decoder.h)          version 3: Skerry's, Litestream's, the ltx tool's
//   format1::Decoder  (format1/decoder.h)  version 1: LiteFS's
//
//   TRY_ASSIGN(const Header header, reader.header());
//   while (…) { TRY_ASSIGN(auto pgno, reader.next_page(page)); if (!pgno) break; … }
//   TRY_ASSIGN(const Trailer trailer, reader.finish());
//
// Each is called in this order, and next_page until it has nothing more. Nothing that is handed out
// is proved before finish() succeeds: that checks the file checksum, a snapshot's completeness and
// post-apply checksum, and that the source ends. After an error the reader is to be thrown away.
// Errors: kCorrupt, and whatever the source returns. Not thread-safe.
#pragma once

#include <optional>

#include "ltx/base/result.h"
#include "ltx/header.h"

namespace skerry::ltx {

class LtxReader {
 public:
  virtual ~LtxReader() = default;

  [[nodiscard]] virtual Result<Header> header() = 0;
  // The next page's number with its content in `page` (exactly one page long); nothing at the end.
  [[nodiscard]] virtual Result<std::optional<PageNo>> next_page(ByteSpan page) = 0;
  [[nodiscard]] virtual Result<Trailer> finish() = 0;

  // Bytes of the file consumed so far.
  [[nodiscard]] virtual uint64_t bytes() const = 0;
};

// Reads the whole file and checks everything: what `ltx verify` does.
struct Verified {
  Header header;
  Trailer trailer;
  uint64_t pages = 0;
};
[[nodiscard]] Result<Verified> verify(LtxReader& reader);

}  // namespace skerry::ltx
