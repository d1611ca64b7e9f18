#include "ltx/sqlite/wal_index_block.h"

#include <fmt/format.h>

#include "ltx/base/invariant.h"
#include "ltx/sqlite/shared_words.h"
#include "ltx/sqlite/wal_index.h"

namespace skerry::sqlite {

static constexpr uint32_t kSlots = 2 * kWalIndexBlockFrames;
static constexpr size_t kSlotsAt = kWalIndexBlockFrames * sizeof(uint32_t);

static uint32_t first_key(PageNo pgno) {
  return pgno.value() * 383 % kSlots;
}
static uint32_t next_key(uint32_t key) {
  return (key + 1) % kSlots;
}

static std::unexpected<Error> corrupt_table() {
  return fail(Errc::kCorrupt, "wal-index: a hash table is damaged");
}

WalIndexBlock::WalIndexBlock(std::byte* block, size_t index)
    : pages_(index == 0 ? block + kWalIndexHeadBytes : block),
      slots_(block + kSlotsAt),
      frames_max_(index == 0 ? kWalIndexFirstBlockFrames : kWalIndexBlockFrames),
      frames_before_(index == 0 ? 0
                                : kWalIndexFirstBlockFrames +
                                      static_cast<uint32_t>(index - 1) * kWalIndexBlockFrames) {
  INVARIANT(block != nullptr);
}

PageNo WalIndexBlock::page_at(uint32_t place) const {
  INVARIANT(place >= 1 && place <= frames_max_);
  return PageNo(load_shared<uint32_t>(page(place)));
}

Status WalIndexBlock::enter(uint32_t place, PageNo pgno) {
  INVARIANT(place >= 1 && place <= frames_max_);
  if (pgno == PageNo(0)) return fail(Errc::kCorrupt, "wal-index: a frame of page 0");
  uint32_t key = first_key(pgno);
  // At most the frames before it are in its way.
  for (uint32_t taken = 0; load_shared<uint16_t>(slot(key)) != 0; key = next_key(key)) {
    if (++taken > place) return corrupt_table();
  }
  store_shared<uint32_t>(page(place), pgno.value());
  store_shared<uint16_t>(slot(key), static_cast<uint16_t>(place), std::memory_order_release);
  return {};
}

void WalIndexBlock::clear() {
  clear_shared(pages_, static_cast<size_t>(slots_ - pages_) + kSlots * sizeof(uint16_t));
}

void WalIndexBlock::clear_above(uint32_t place) {
  INVARIANT(place <= frames_max_);
  for (uint32_t key = 0; key < kSlots; ++key) {
    if (load_shared<uint16_t>(slot(key)) > place) store_shared<uint16_t>(slot(key), 0);
  }
  clear_shared(page(place + 1), static_cast<size_t>(slots_ - page(place + 1)));
}

Result<uint32_t> WalIndexBlock::find(PageNo pgno, uint32_t min_frame, uint32_t max_frame) const {
  uint32_t found = 0;
  uint32_t key = first_key(pgno);
  for (uint32_t probes = 0;; key = next_key(key)) {
    const uint32_t place = load_shared<uint16_t>(slot(key), std::memory_order_acquire);
    if (place == 0) return found;
    if (++probes > kSlots || place > frames_max_) return corrupt_table();
    const uint32_t frame = frames_before_ + place;
    if (frame >= min_frame && frame <= max_frame && page_at(place) == pgno) found = frame;
  }
}

}  // namespace skerry::sqlite
