// The eight bytes that mark each header and the end of a rollback journal.
#pragma once

#include <algorithm>
#include <array>

#include "ltx/base/bytes.h"

namespace skerry::sqlite {

inline constexpr std::array<uint8_t, 8> kJournalMagic = {0xd9, 0xd5, 0x05, 0xf9,
                                                         0x20, 0xa1, 0x63, 0xd7};

[[nodiscard]] inline bool has_journal_magic(ByteView bytes) {
  return bytes.size() >= kJournalMagic.size() &&
         equal(bytes.first(kJournalMagic.size()), std::as_bytes(std::span(kJournalMagic)));
}

}  // namespace skerry::sqlite
