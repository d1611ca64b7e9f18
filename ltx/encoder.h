// Writes one LTX file (format version 3) into a buffer that the caller may drain between pages, so
// that a transaction of any size is encoded in bounded memory (3–4 bytes per page for its index).
//
//   Encoder encoder(out);
//   TRY(encoder.begin(header));
//   for (each page, ascending) TRY(encoder.add_page(pgno, page));
//   TRY(encoder.finish(post_apply_checksum));
//
// One object may write many files one after the other and allocates nothing after the first. Not
// thread-safe. Errors (kInvalid) are mistakes of the caller; the file is to be thrown away.
#pragma once

#include "ltx/base/result.h"
#include "ltx/crc64.h"
#include "ltx/header.h"

namespace skerry::ltx {

class Encoder {
 public:
  // `out` is appended to and must outlive the encoder.
  explicit Encoder(Bytes& out) : out_(out) {}

  [[nodiscard]] Status begin(const Header& header);
  [[nodiscard]] Status add_page(PageNo pgno, ByteView page);
  [[nodiscard]] Result<Trailer> finish(Checksum post_apply_checksum);

  // Bytes of this file so far, drained or not.
  [[nodiscard]] uint64_t bytes() const { return bytes_; }

 private:
  [[nodiscard]] Status check_order(PageNo pgno) const;
  void put(ByteView data);  // to the buffer and into the file checksum
  void put_unsummed(ByteView data);
  void put_index();

  Bytes& out_;
  Header header_;
  Crc64 crc_;
  uint64_t bytes_ = 0;
  PageNo last_pgno_;
  Bytes index_;  // (page number − its predecessor, frame bytes) as varints
  Bytes scratch_;
  bool open_ = false;
};

}  // namespace skerry::ltx
