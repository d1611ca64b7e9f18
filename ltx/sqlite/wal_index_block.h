// One 32 KiB block of the wal-index: the page number of each of its frames, and a hash table from
// page number to frame. Slots hold the frame's place in the block, from 1; 0 is free. Frames of one
// page lie on one probe sequence in the order of their age. The memory may be shared
// (shared_words.h) or private.
#pragma once

#include <cstdint>

#include "ltx/base/result.h"
#include "ltx/base/types.h"

namespace skerry::sqlite {

class WalIndexBlock {
 public:
  WalIndexBlock(std::byte* block, size_t index);

  [[nodiscard]] uint32_t frames_max() const { return frames_max_; }
  [[nodiscard]] uint32_t first_frame() const { return frames_before_ + 1; }
  [[nodiscard]] uint32_t place_of(uint32_t frame) const { return frame - frames_before_; }

  // Places are counted from 1.
  [[nodiscard]] PageNo page_at(uint32_t place) const;
  [[nodiscard]] Status enter(uint32_t place, PageNo pgno);
  void clear();
  void clear_above(uint32_t place);
  // The newest frame of the page within these; 0: none.
  [[nodiscard]] Result<uint32_t> find(PageNo pgno, uint32_t min_frame, uint32_t max_frame) const;

 private:
  [[nodiscard]] std::byte* slot(uint32_t key) const { return slots_ + key * sizeof(uint16_t); }
  [[nodiscard]] std::byte* page(uint32_t place) const {
    return pages_ + (place - 1) * sizeof(uint32_t);
  }

  std::byte* pages_;
  std::byte* slots_;
  uint32_t frames_max_;
  uint32_t frames_before_;  // in the blocks before
};

}  // namespace skerry::sqlite
