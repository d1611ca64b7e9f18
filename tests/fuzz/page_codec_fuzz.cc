// Blocks of pages: unpacking arbitrary bytes keeps to its bounds; packing any pages over any
// previous versions and unpacking them gives them back.
#include "daemon/replication/page_codec.h"

#include <map>

#include "tests/fuzz/fuzz.h"

namespace skerry::fuzz {
namespace {

using namespace replication;

void unpack_foreign(ByteView block, PageSize size) {
  static PageUnpacker unpacker;
  const Bytes before(size.bytes(), std::byte{7});
  uint64_t pages = 0;
  uint64_t last = 0;
  (void)unpacker.unpack(
      block, size, [&](PageNo) -> Result<ByteView> { return ByteView(before); },
      [&](PageNo pgno, ByteView page) -> Status {
        INVARIANT(pgno.value() > last && page.size() == size.bytes());
        last = pgno.value();
        ++pages;
        return {};
      });
  INVARIANT(pages <= kBlockPagesMax && pages * size.bytes() <= kBlockBytesMax);
}

struct Version {
  Bytes before;
  Bytes after;
};

std::map<uint32_t, Version> versions_from(Decisions& decisions, PageSize size) {
  std::map<uint32_t, Version> versions;
  const uint32_t count = decisions.below(20);
  for (uint32_t i = 0; i < count; ++i) {
    Version version;
    version.after.assign(size.bytes(), std::byte{decisions.byte()});
    if (decisions.byte() % 3 != 0) version.before = version.after;
    for (uint8_t edits = decisions.byte() % 8; edits > 0; --edits) {
      const uint32_t at = decisions.below(size.bytes());
      const ByteView with = decisions.take(std::min<uint32_t>(decisions.byte(), size.bytes() - at));
      std::copy(with.begin(), with.end(), version.after.begin() + at);
    }
    versions[1 + decisions.below(1u << (1 + i))] = std::move(version);
  }
  return versions;
}

void round_trip(Decisions decisions, PageSize size) {
  static PagePacker packer(1);
  static PageUnpacker unpacker;
  const auto versions = versions_from(decisions, size);
  std::vector<PageImage> pages;
  for (const auto& [pgno, version] : versions) {
    pages.push_back({PageNo(pgno), version.before, version.after});
  }
  Bytes block;
  INVARIANT(packer.pack(pages, block).has_value());
  size_t next = 0;
  const Status unpacked = unpacker.unpack(
      block, size,
      [&](PageNo pgno) -> Result<ByteView> { return ByteView(versions.at(pgno.value()).before); },
      [&](PageNo pgno, ByteView page) -> Status {
        INVARIANT(pgno == pages[next].pgno && equal(page, pages[next].after));
        ++next;
        return {};
      });
  INVARIANT(unpacked.has_value() && next == pages.size());
}

}  // namespace
}  // namespace skerry::fuzz

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace skerry;
  if (size == 0) return 0;
  const PageSize page_size = *PageSize::of(512u << (data[0] % 8));
  const ByteView rest = fuzz::view(data + 1, size - 1);
  if (data[0] >= 128) {
    fuzz::unpack_foreign(rest, page_size);
  } else {
    fuzz::round_trip(fuzz::Decisions(rest), page_size);
  }
  return 0;
}
