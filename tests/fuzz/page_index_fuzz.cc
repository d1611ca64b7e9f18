// Page indexes of hostile files: walking and looking up agree, and frames decode or fail.
#include "ltx/page_index.h"

#include "ltx/page_frame.h"
#include "tests/fuzz/fuzz.h"

namespace skerry::fuzz {
namespace {

void check_entry(ltx::PageIndex& index, const ltx::PageLocation& entry, uint64_t file_bytes) {
  INVARIANT(entry.offset >= ltx::kHeaderBytes && entry.offset < file_bytes);
  INVARIANT(entry.bytes <= file_bytes - entry.offset);
  const auto found = index.find(entry.pgno);
  INVARIANT(found && *found);
  INVARIANT((*found)->offset == entry.offset && (*found)->bytes == entry.bytes);
  Bytes page(index.header().page_size.bytes());
  const Status by_number = index.read_page(entry.pgno, page);
  INVARIANT(by_number.has_value() == index.read_page(entry, page).has_value());
}

}  // namespace
}  // namespace skerry::fuzz

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace skerry;
  ltx::MemoryAccess memory(fuzz::view(data, size));
  auto index = ltx::PageIndex::open(memory);
  if (!index) {
    INVARIANT(index.error().code() == Errc::kCorrupt);
    return 0;
  }
  ltx::PageIndexCursor entries = index->entries();
  uint64_t count = 0;
  PageNo last;
  for (;; ++count) {
    const auto entry = entries.next();
    INVARIANT(entry.has_value());
    if (!*entry) break;
    fuzz::check_entry(*index, **entry, size);
    if (next(last) < (*entry)->pgno) INVARIANT(!index->find(next(last)).value());
    last = (*entry)->pgno;
  }
  INVARIANT(count == index->pages());
  INVARIANT(!index->find(next(last)).value());
  return 0;
}
