// Writes one LTX file (format version 3) into a buffer that the caller may drain between calls, so
// that a transaction of any size is encoded in bounded memory (3–4 bytes per page for its index).
//
//   Encoder encoder(out);
//   TRY(encoder.begin(header));
//   for (each page, ascending) TRY(encoder.add_page(pgno, page));
//   while (encoder.add_index_part()) drain(out);  // may be left out: finish() writes what is due
//   TRY(encoder.finish(post_apply_checksum));
//
// A transaction that makes the database larger holds every page that it adds: readers may take a
// page that was never written for zeros. One object may write many files one after the other and
// allocates nothing after the first. Not thread-safe. Errors (kInvalid) are mistakes of the caller;
// the file is to be thrown away.
#pragma once

#include "ltx/base/result.h"
#include "ltx/crc64.h"
#include "ltx/header.h"
#include "ltx/page_order.h"

namespace skerry::ltx {

class Encoder {
 public:
  // `out` is appended to and must outlive the encoder.
  explicit Encoder(Bytes& out) : out_(out) {}

  [[nodiscard]] Status begin(const Header& header);
  [[nodiscard]] Status add_page(PageNo pgno, ByteView page);
  // Ends the pages and writes some 32 KiB of the page index; false once it is complete.
  [[nodiscard]] bool add_index_part();
  [[nodiscard]] Result<Trailer> finish(Checksum post_apply_checksum);

  // Bytes of this file so far, drained or not.
  [[nodiscard]] uint64_t bytes() const { return bytes_; }

 private:
  enum class Part { kNone, kPages, kIndex, kTrailer };

  void put(ByteView data);
  void sum_from(size_t start);  // takes what is in the buffer from `start` into account
  void append_index_entry();

  Bytes& out_;
  Part part_ = Part::kNone;
  Header header_;
  PageOrder order_;
  Crc64 crc_;
  uint64_t bytes_ = 0;

  Bytes index_;  // (page number − its predecessor, frame bytes) as varints
  ByteView index_rest_;
  uint64_t index_start_ = 0;
  uint64_t index_pgno_ = 0;
  uint64_t index_offset_ = 0;
};

}  // namespace skerry::ltx
