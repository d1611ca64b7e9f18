// Pages on the wire. A block holds up to kBlockPagesMax pages, ascending; each is either patched
// (page_patch.h) or part of one zstd frame that stands for all the others. Where the receiver has
// previous versions of those, the frame refers to them (zstd's prefix), so that what did not change
// costs next to nothing.
//
//   block = count (varint)
//           { (pgno − the one before) << 2 | kind (varint)  [patch length (varint)  patch] }*
//           [ packing (1 byte)  bytes to the end ]          if a page is not patched
//
// The receiver must have exactly the versions that the sender saw: that is what the equal positions
// of a stream prove, and the post-apply checksum checks.
//
// Each object keeps its zstd context and buffers for the next block. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "daemon/replication/limits.h"
#include "ltx/base/bytes.h"
#include "ltx/base/result.h"
#include "ltx/base/types.h"

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace skerry::replication {

struct PageImage {
  PageNo pgno;
  ByteView before;  // what the receiver has; empty: nothing, or not known
  ByteView after;
};

class PagePacker {
 public:
  // `level`: zstd's. Negative ones are for links that are faster than compression.
  explicit PagePacker(int level);
  ~PagePacker();

  // Appends one block. The pages: ascending, all of one size, at most kBlockPagesMax and
  // kBlockBytesMax.
  [[nodiscard]] Status pack(std::span<const PageImage> pages, Bytes& out);
  void set_level(int level) { level_ = level; }

 private:
  struct Patch {
    size_t offset = 0;
    size_t bytes = 0;  // 0: the page goes into the frame
  };
  void find_patches(std::span<const PageImage> pages);
  [[nodiscard]] Status compress(std::span<const PageImage> pages, Bytes& frame);
  [[nodiscard]] size_t patched_instead(std::span<const PageImage> pages);

  struct Free {
    void operator()(ZSTD_CCtx_s* context) const;
  };
  const std::unique_ptr<ZSTD_CCtx_s, Free> context_;
  int level_;
  std::vector<Patch> patches_;
  Bytes patch_bytes_;
  Bytes prefix_;
  Bytes content_;
  Bytes frame_;
};

class PageUnpacker {
 public:
  PageUnpacker();
  ~PageUnpacker();

  // Serves the receiver's version of a page: asked only where the sender referred to one. Valid
  // until the next call.
  using Before = std::function<Result<ByteView>(PageNo)>;
  // Gets the pages in ascending order.
  using Take = std::function<Status(PageNo, ByteView)>;

  // kInvalid for a malformed block; kCorrupt where the receiver's version does not fit; else what
  // `before` and `take` return.
  [[nodiscard]] Status unpack(ByteView block, PageSize page_size, const Before& before,
                              const Take& take);

 private:
  enum class Kind : uint8_t { kNew = 0, kPatched = 1, kKnown = 2 };
  struct Entry {
    PageNo pgno;
    Kind kind = Kind::kNew;
    ByteView patch;
  };
  [[nodiscard]] Result<ByteView> read_entries(ByteView block, PageSize page_size);
  [[nodiscard]] Status decompress(ByteView frame, PageSize page_size, const Before& before);

  struct Free {
    void operator()(ZSTD_DCtx_s* context) const;
  };
  const std::unique_ptr<ZSTD_DCtx_s, Free> context_;
  std::vector<Entry> entries_;
  Bytes prefix_;
  Bytes content_;
  Bytes page_;
};

}  // namespace skerry::replication
