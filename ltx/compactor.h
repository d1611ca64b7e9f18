// Merges contiguous LTX files into one (format version 3) that takes a database from the state
// before the first to the state after the last. Of a page that several hold the newest counts; a
// page that a later file cut off is dropped, and if the database grew over it again without writing
// it, it becomes zeros, as it does when the files are applied one by one. Writers leave no such
// holes (encoder.h), so more than kCompactorZeroPagesMax of them are taken for damage.
//
//   TRY_ASSIGN(Compactor compactor, Compactor::over(readers, out));
//   for (bool more = true; more; drain(out)) { TRY_ASSIGN(more, compactor.step()); }
//   TRY_ASSIGN(const Trailer trailer, compactor.finish());
//   drain(out);
//
// Errors: kInvalid if the inputs are not contiguous, mix page sizes, or mix files with and without
// checksums; kCorrupt if one is damaged or does not begin in the state in which its predecessor
// ends, which is known only in finish(): until then the output proves nothing. The result of
// merging from transaction 1 on is a snapshot, checked for completeness and post-apply checksum.
// Memory: per input one page and what its reader needs; 3–4 bytes per page of output. Not
// thread-safe. After an error both compactor and output are to be thrown away.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "ltx/encoder.h"
#include "ltx/ltx_reader.h"

namespace skerry::ltx {

inline constexpr size_t kCompactorInputsMax = 1024;
// Bounds what a few bytes of input can make of the output.
inline constexpr uint32_t kCompactorZeroPagesMax = 65536;

// What to give each Decoder as a buffer, so that all of them together stay around a MiB.
[[nodiscard]] size_t compactor_buffer_bytes(size_t inputs);

class Compactor {
 public:
  // Reads the headers of `inputs`, oldest first, and writes its own. Readers (fresh ones) and `out`
  // must outlive the compactor.
  [[nodiscard]] static Result<Compactor> over(std::span<LtxReader* const> inputs, Bytes& out);

  [[nodiscard]] const Header& header() const { return header_; }

  // Appends at most one page, or a part of the page index, to the output; false when only finish()
  // is left.
  [[nodiscard]] Result<bool> step();
  [[nodiscard]] Result<Trailer> finish();

 private:
  struct Input {
    LtxReader* reader;
    Header header;
    uint32_t kept_max;  // pages above it are cut off by a later input
    PageNo pgno;        // of the page that is due; 0: the input is read and verified
    Bytes page;
    Checksum post_apply_checksum;
  };

  explicit Compactor(Bytes& out);

  [[nodiscard]] Status open_inputs(std::span<LtxReader* const> readers);
  void plan();
  [[nodiscard]] Status advance(size_t input);
  [[nodiscard]] Status drop_superseded();
  [[nodiscard]] PageNo due_zero_page() const;
  [[nodiscard]] Status write_zeros(PageNo pgno);
  [[nodiscard]] Status write(PageNo pgno, ByteView page);
  [[nodiscard]] Status check_chain() const;

  // Orders a heap of inputs: the lowest page on top, of equal ones the newest.
  [[nodiscard]] bool comes_later(size_t a, size_t b) const;

  std::unique_ptr<Encoder> encoder_;
  std::vector<Input> inputs_;
  std::vector<size_t> heap_;  // inputs with a page that is due
  Header header_;
  uint32_t commit_min_ = 0;  // smallest size in between: output holds every page above it
  Bytes zeros_;
  uint32_t zero_pages_ = 0;
  PageNo last_;  // page that was written last
  Checksum pages_checksum_ = kEmptyChecksum;
};

}  // namespace skerry::ltx
