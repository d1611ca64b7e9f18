// WalIndex's page numbers and hash tables.
#include <fmt/format.h>

#include "ltx/base/invariant.h"
#include "ltx/sqlite/shared_words.h"
#include "ltx/sqlite/wal_index.h"
#include "ltx/sqlite/wal_index_block.h"

namespace skerry::sqlite {

Status WalIndex::append(uint32_t frame, PageNo pgno, uint32_t max_frame) {
  INVARIANT(frame > max_frame);
  const size_t index = wal_index_block(frame);
  TRY_ASSIGN(std::byte* const memory, grown_block(index));
  WalIndexBlock block(memory, index);
  const uint32_t place = block.place_of(frame);
  if (place == 1) block.clear();
  if (block.page_at(place) != PageNo(0)) truncate(max_frame);
  return block.enter(place, pgno);
}

// Later blocks need no clearing: each is cleared when its first frame is appended.
void WalIndex::truncate(uint32_t max_frame) {
  if (max_frame == 0) return;
  const size_t index = wal_index_block(max_frame);
  std::byte* const memory = memory_.block(index);
  if (memory == nullptr) return;
  WalIndexBlock block(memory, index);
  block.clear_above(block.place_of(max_frame));
}

Result<uint32_t> WalIndex::find(PageNo pgno, uint32_t max_frame, uint32_t min_frame) {
  INVARIANT(min_frame > 0);
  if (max_frame < min_frame) return 0u;
  const size_t oldest = wal_index_block(min_frame);
  for (size_t index = wal_index_block(max_frame) + 1; index-- > oldest;) {
    std::byte* const memory = memory_.block(index);
    if (memory == nullptr) {
      return fail(Errc::kCorrupt, fmt::format("wal-index: it has no block {}", index));
    }
    TRY_ASSIGN(const uint32_t frame, WalIndexBlock(memory, index).find(pgno, min_frame, max_frame));
    if (frame != 0) return frame;
  }
  return 0u;
}

Result<PageNo> WalIndex::page_of(uint32_t frame) {
  INVARIANT(frame > 0);
  const size_t index = wal_index_block(frame);
  std::byte* const memory = memory_.block(index);
  if (memory == nullptr) {
    return fail(Errc::kCorrupt, fmt::format("wal-index: it has no block {}", index));
  }
  const WalIndexBlock block(memory, index);
  return block.page_at(block.place_of(frame));
}

// Each block is filled aside and copied in one go: readers that a WAL recovery does not stop find
// the same frames before, while and after.
Status WalIndex::rebuild(const WalIndexHeader& header, std::span<const PageNo> pages) {
  INVARIANT(pages.size() == header.max_frame);
  Bytes aside(kWalIndexBlockBytes);
  for (size_t done = 0, index = 0; done < pages.size(); ++index) {
    std::ranges::fill(aside, std::byte{0});
    WalIndexBlock block(aside.data(), index);
    const size_t count = std::min<size_t>(block.frames_max(), pages.size() - done);
    for (uint32_t place = 1; place <= count; ++place) {
      TRY(block.enter(place, pages[done + place - 1]));
    }
    done += count;
    TRY_ASSIGN(std::byte* const memory, grown_block(index));
    const size_t kept = index == 0 ? kWalIndexHeadBytes : 0;
    copy_to_shared(memory + kept, ByteView(aside).subspan(kept));
  }
  TRY(write_header(header));
  TRY(set_backfilled(0));
  TRY(set_backfill_attempted(header.max_frame));
  return set_read_mark(0, 0);
}

}  // namespace skerry::sqlite
