// Reads one LTX file of format version 1, LiteFS's, from untrusted bytes; the contract is
// LtxReader's. Nothing in a file tells this version from the later ones: it is the folder's.
// Memory: a 64 KiB read buffer and what LZ4 keeps (lz4_frame.h), whatever the file says.
#pragma once

#include "ltx/buffered_input.h"
#include "ltx/crc64.h"
#include "ltx/ltx_reader.h"
#include "ltx/lz4_frame.h"
#include "ltx/page_order.h"

namespace skerry::ltx::format1 {

class Decoder final : public LtxReader {
 public:
  explicit Decoder(ByteSource& source);  // the source must outlive it

  [[nodiscard]] Result<Header> header() override;
  [[nodiscard]] Result<std::optional<PageNo>> next_page(ByteSpan page) override;
  [[nodiscard]] Result<Trailer> finish() override;
  [[nodiscard]] uint64_t bytes() const override { return input_.bytes(); }

 private:
  enum class Part { kHeader, kPages, kTrailer, kDone };

  [[nodiscard]] Status read(ByteSpan into);  // from the page block
  [[nodiscard]] Status end_pages();

  BufferedInput input_;
  Part part_ = Part::kHeader;
  Header header_;
  bool compressed_ = false;
  Lz4Frame frame_;
  Crc64 crc_;
  Checksum pages_checksum_ = kEmptyChecksum;
  PageOrder order_;
};

}  // namespace skerry::ltx::format1
