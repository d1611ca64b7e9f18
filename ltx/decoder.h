// Reads one LTX file of format version 3 (and 2, whose pages carry no size) from untrusted bytes.
//
//   Decoder decoder(source);
//   TRY_ASSIGN(Header header, decoder.header());
//   while (…) { TRY_ASSIGN(auto pgno, decoder.next_page(page)); if (!pgno) break; … }
//   TRY_ASSIGN(Trailer trailer, decoder.finish());
//
// Nothing that it hands out is proved before finish() succeeds: that checks the page index, the
// file checksum, a snapshot's completeness and post-apply checksum, and that the source ends.
// Errors: kCorrupt, and whatever the source returns. Not thread-safe. Memory: one page and a 64 KiB
// read buffer, whatever the file says.
#pragma once

#include <optional>

#include "ltx/base/result.h"
#include "ltx/byte_source.h"
#include "ltx/crc64.h"
#include "ltx/header.h"

namespace skerry::ltx {

class Decoder {
 public:
  explicit Decoder(ByteSource& source);  // the source must outlive it

  [[nodiscard]] Result<Header> header();
  // The next page's number with its content in `page` (exactly one page long); nothing at the end.
  [[nodiscard]] Result<std::optional<PageNo>> next_page(ByteSpan page);
  [[nodiscard]] Result<Trailer> finish();

  // Bytes of the file consumed so far.
  [[nodiscard]] uint64_t bytes() const { return bytes_; }

 private:
  [[nodiscard]] Status take(ByteSpan into);
  [[nodiscard]] Status fill();  // at least one byte into the empty buffer
  [[nodiscard]] Status read_block(ByteSpan page);
  [[nodiscard]] Status read_frame(ByteSpan page);
  [[nodiscard]] Status check_page_order(PageNo pgno);
  [[nodiscard]] Result<uint64_t> take_summed_varint();
  [[nodiscard]] Status check_index();
  [[nodiscard]] Status check_complete(const Trailer& trailer) const;

  ByteSource& source_;
  Bytes buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  uint64_t bytes_ = 0;

  Header header_;
  Crc64 crc_;
  Crc64 page_sequence_;  // of (page number, offset, bytes) as decoded, compared with the index
  Checksum pages_checksum_ = kEmptyChecksum;
  PageNo last_pgno_;
  Bytes packed_;
};

// Reads the whole file and checks everything: what `ltx verify` does.
struct Verified {
  Header header;
  Trailer trailer;
  uint64_t pages = 0;
};
[[nodiscard]] Result<Verified> verify(ByteSource& source);

}  // namespace skerry::ltx
