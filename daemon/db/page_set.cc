#include "daemon/db/page_set.h"

#include <bit>

namespace skerry::db {

static constexpr uint32_t kWordBits = 64;

void PageSet::insert(PageNo pgno) {
  const uint32_t at = pgno.value() - 1;
  if (at / kWordBits >= bits_.size()) bits_.resize(at / kWordBits + 1);
  uint64_t& word = bits_[at / kWordBits];
  const uint64_t bit = uint64_t{1} << (at % kWordBits);
  if ((word & bit) == 0) ++count_;
  word |= bit;
}

void PageSet::erase(PageNo pgno) {
  const uint32_t at = pgno.value() - 1;
  if (at / kWordBits >= bits_.size()) return;
  uint64_t& word = bits_[at / kWordBits];
  const uint64_t bit = uint64_t{1} << (at % kWordBits);
  if ((word & bit) != 0) --count_;
  word &= ~bit;
}

void PageSet::erase_after(uint32_t pages) {
  for (PageNo p = first_from(PageNo(pages + 1)); p != PageNo(0); p = first_from(next(p))) erase(p);
}

PageNo PageSet::first_from(PageNo pgno) const {
  const uint32_t at = pgno.value() - 1;
  size_t i = at / kWordBits;
  if (i >= bits_.size()) return PageNo(0);
  uint64_t word = bits_[i] & (~uint64_t{0} << (at % kWordBits));
  while (word == 0) {
    if (++i == bits_.size()) return PageNo(0);
    word = bits_[i];
  }
  const auto bit = static_cast<uint32_t>(std::countr_zero(word));
  return PageNo(static_cast<uint32_t>(i) * kWordBits + bit + 1);
}

}  // namespace skerry::db
