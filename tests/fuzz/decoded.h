// A decoded file, and what must hold of it.
#pragma once

#include <utility>
#include <vector>

#include "ltx/decoder.h"
#include "ltx/encoder.h"
#include "tests/fuzz/fuzz.h"

namespace skerry::fuzz {

struct Decoded {
  ltx::Header header;
  std::vector<std::pair<PageNo, Bytes>> pages;
  ltx::Trailer trailer;
};

[[nodiscard]] inline Result<Decoded> decode(ltx::LtxReader& reader) {
  Decoded result;
  TRY_ASSIGN(result.header, reader.header());
  Bytes page(result.header.page_size.bytes());
  for (;;) {
    TRY_ASSIGN(const auto pgno, reader.next_page(page));
    if (!pgno) break;
    result.pages.emplace_back(*pgno, page);
  }
  TRY_ASSIGN(result.trailer, reader.finish());
  return result;
}

// What was accepted can be written again, and reads as before.
inline void check_round_trip(const Decoded& decoded) {
  Bytes out;
  ltx::Encoder encoder(out);
  INVARIANT(encoder.begin(decoded.header));
  for (const auto& [pgno, page] : decoded.pages) INVARIANT(encoder.add_page(pgno, page));
  INVARIANT(encoder.finish(decoded.trailer.post_apply_checksum));
  ltx::MemorySource source(out);
  ltx::Decoder decoder(source);
  const auto again = decode(decoder);
  INVARIANT(again.has_value());
  INVARIANT(again->header == decoded.header);
  INVARIANT(again->pages == decoded.pages);
  INVARIANT(again->trailer.post_apply_checksum == decoded.trailer.post_apply_checksum);
}

}  // namespace skerry::fuzz
