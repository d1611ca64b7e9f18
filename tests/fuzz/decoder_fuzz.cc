// LTX files of format version 3. What decodes is written again and read again, and its page
// index leads to the same pages.
#include "tests/fuzz/decoded.h"

#include "ltx/page_index.h"

namespace skerry::fuzz {
namespace {

// Only LZ4 frames may be too wasteful for the index's limits; blocks never are.
bool has_lz4_frame(ByteView file) {
  constexpr std::string_view kMagic = "\x04\x22\x4d\x18";
  return as_text(file).contains(kMagic);
}

void check_index(ByteView file, const Decoded& decoded) {
  ltx::MemoryAccess memory(file);
  auto index = ltx::PageIndex::open(memory);
  if (!index) {
    INVARIANT(has_lz4_frame(file));
    return;
  }
  INVARIANT(index->pages() == decoded.pages.size());
  Bytes page(decoded.header.page_size.bytes());
  for (const auto& [pgno, expected] : decoded.pages) {
    INVARIANT(index->read_page(pgno, page));
    INVARIANT(page == expected);
  }
}

}  // namespace
}  // namespace skerry::fuzz

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace skerry;
  const ByteView file = fuzz::view(data, size);
  ltx::MemorySource source(file);
  ltx::Decoder decoder(source);
  const auto decoded = fuzz::decode(decoder);
  INVARIANT(decoder.bytes() <= size);
  if (!decoded) return 0;
  INVARIANT(decoder.bytes() == size);
  fuzz::check_round_trip(*decoded);
  fuzz::check_index(file, *decoded);
  return 0;
}
