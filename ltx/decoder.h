// Reads one LTX file of format version 3 from untrusted bytes, with pages of both kinds that
// page_frame.h describes. The contract is LtxReader's; finish() also checks the page index against
// the pages. Memory: a read buffer (64 KiB unless told otherwise, at least a compressed page),
// whatever the file says, and what LZ4 keeps for LZ4 frames (lz4_frame.h).
#pragma once

#include "ltx/buffered_input.h"
#include "ltx/crc64.h"
#include "ltx/ltx_reader.h"
#include "ltx/lz4_frame.h"
#include "ltx/page_order.h"

namespace skerry::ltx {

inline constexpr size_t kDecoderBufferBytes = size_t{64} * 1024;

class Decoder final : public LtxReader {
 public:
  // The source must outlive it.
  explicit Decoder(ByteSource& source, size_t buffer_bytes = kDecoderBufferBytes);

  [[nodiscard]] Result<Header> header() override;
  [[nodiscard]] Result<std::optional<PageNo>> next_page(ByteSpan page) override;
  [[nodiscard]] Result<Trailer> finish() override;
  [[nodiscard]] uint64_t bytes() const override { return input_.bytes(); }

 private:
  enum class Part { kHeader, kPages, kIndex, kDone };

  [[nodiscard]] Result<ByteView> take_summed(size_t n);
  [[nodiscard]] Status read_block(PageNo pgno, ByteSpan page);
  [[nodiscard]] Status read_frame(PageNo pgno, ByteSpan page);
  [[nodiscard]] Result<uint64_t> take_summed_varint();
  [[nodiscard]] Status check_index();
  [[nodiscard]] Status check_complete(const Trailer& trailer) const;

  BufferedInput input_;
  Part part_ = Part::kHeader;
  Header header_;
  Crc64 crc_;
  Crc64 page_sequence_;  // of (page number, offset, bytes) as decoded, compared with the index
  Checksum pages_checksum_ = kEmptyChecksum;
  PageOrder order_;
  Lz4Frame frame_;
};

[[nodiscard]] Result<Verified> verify(ByteSource& source);

}  // namespace skerry::ltx
