#include "ltx/sqlite/wal_index.h"

#include <fmt/format.h>

#include "ltx/base/invariant.h"
#include "ltx/sqlite/shared_words.h"

namespace skerry::sqlite {

static constexpr size_t kBackfilledAt = 2 * kWalIndexHeaderBytes;
static constexpr size_t kReadMarksAt = kBackfilledAt + 4;
static constexpr size_t kBackfillAttemptedAt = kReadMarksAt + 4 * kReadMarks + 8;
static_assert(kBackfillAttemptedAt + 8 == kWalIndexHeadBytes);

Result<std::byte*> WalIndex::grown_block(size_t index) {
  if (memory_.block(index) == nullptr) TRY(memory_.grow(index + 1));
  std::byte* block = memory_.block(index);
  INVARIANT(block != nullptr);
  return block;
}

// A writer stores the second copy before the first: whoever reads the same in the first and then in
// the second has read neither while it changed.
std::optional<WalIndexHeader> WalIndex::header() {
  std::byte* block = memory_.block(0);
  if (block == nullptr) return std::nullopt;
  WalIndexHeaderBytes first;
  WalIndexHeaderBytes second;
  copy_from_shared(first, block);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  copy_from_shared(second, block + kWalIndexHeaderBytes);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (first != second) return std::nullopt;
  return decode_wal_index_header(first);
}

Status WalIndex::write_header(const WalIndexHeader& header) {
  TRY_ASSIGN(std::byte* const block, grown_block(0));
  const WalIndexHeaderBytes bytes = encode(header);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  copy_to_shared(block + kWalIndexHeaderBytes, bytes);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  copy_to_shared(block, bytes);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return {};
}

Status WalIndex::invalidate() {
  TRY_ASSIGN(std::byte* const block, grown_block(0));
  clear_shared(block, 2 * kWalIndexHeaderBytes);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return {};
}

Result<WalIndexHeader> WalIndex::restart(const WalIndexHeader& header, uint32_t salt2) {
  WalIndexHeader restarted = header;
  restarted.max_frame = 0;
  restarted.salt = {header.salt.salt1 + 1, salt2};
  TRY(write_header(restarted));
  TRY(set_backfilled(0));
  TRY(set_backfill_attempted(0));
  TRY(set_read_mark(1, 0));
  for (size_t mark = 2; mark < kReadMarks; ++mark) TRY(set_read_mark(mark, kReadMarkNotUsed));
  return restarted;
}

uint32_t WalIndex::load_info(size_t offset, uint32_t absent) {
  std::byte* block = memory_.block(0);
  if (block == nullptr) return absent;
  return load_shared<uint32_t>(block + offset, std::memory_order_acquire);
}

Status WalIndex::store_info(size_t offset, uint32_t value) {
  TRY_ASSIGN(std::byte* const block, grown_block(0));
  store_shared<uint32_t>(block + offset, value, std::memory_order_release);
  return {};
}

uint32_t WalIndex::backfilled() {
  return load_info(kBackfilledAt, 0);
}
uint32_t WalIndex::backfill_attempted() {
  return load_info(kBackfillAttemptedAt, 0);
}
Status WalIndex::set_backfilled(uint32_t frame) {
  return store_info(kBackfilledAt, frame);
}
Status WalIndex::set_backfill_attempted(uint32_t frame) {
  return store_info(kBackfillAttemptedAt, frame);
}

uint32_t WalIndex::read_mark(size_t mark) {
  INVARIANT(mark < kReadMarks);
  return load_info(kReadMarksAt + 4 * mark, kReadMarkNotUsed);
}

Status WalIndex::set_read_mark(size_t mark, uint32_t frame) {
  INVARIANT(mark < kReadMarks);
  return store_info(kReadMarksAt + 4 * mark, frame);
}

Status WalIndex::reset_read_mark(size_t mark, uint32_t max_frame) {
  INVARIANT(mark > 0);
  return set_read_mark(mark, mark == 1 && max_frame != 0 ? max_frame : kReadMarkNotUsed);
}

}  // namespace skerry::sqlite
