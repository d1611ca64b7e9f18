#include "ltx/page_index.h"

#include <doctest/doctest.h>

#include "ltx/varint.h"
#include "tests/support/files.h"
#include "tests/support/ltx_model.h"

namespace skerry::ltx {
namespace {

using test::PageSet;
using test::Random;

Header header_of(uint32_t commit) {
  Header header;
  header.page_size = *PageSize::of(512);
  header.commit = commit;
  header.min_txid = header.max_txid = Txid(9);
  header.pre_apply_checksum = kEmptyChecksum;
  return header;
}

// Counts what is read, to hold the index to its promise.
class CountingAccess final : public RandomAccess {
 public:
  explicit CountingAccess(ByteView bytes) : memory_(bytes) {}
  Result<uint64_t> size() override { return memory_.size(); }
  Status read_at(uint64_t offset, ByteSpan into) override {
    read_bytes += into.size();
    return memory_.read_at(offset, into);
  }
  uint64_t read_bytes = 0;

 private:
  MemoryAccess memory_;
};

void check_all_pages(ByteView file, const PageSet& pages, uint32_t commit) {
  MemoryAccess memory(file);
  PageIndex index = PageIndex::open(memory).value();
  CHECK(index.pages() == pages.size());
  Bytes page(index.header().page_size.bytes());
  for (uint32_t pgno = 0; pgno <= commit + 1; ++pgno) {
    const auto expected = pages.find(pgno);
    const Status read = index.read_page(PageNo(pgno), page);
    if (expected == pages.end()) {
      REQUIRE_FALSE(read);
      CHECK(read.error().code() == Errc::kNotFound);
    } else {
      REQUIRE(read);
      CHECK(page == expected->second);
    }
  }
}

TEST_CASE("every page is found, and no other") {
  Random random(6);
  for (int i = 0; i < 300; ++i) {
    CAPTURE(i);
    const auto commit = static_cast<uint32_t>(test::below(random, 60));
    PageSet pages;
    for (uint32_t pgno = 1; pgno <= commit; ++pgno) {
      if (random() % 3 == 0) pages[pgno] = test::random_page(random, 512);
    }
    check_all_pages(test::encode_file(header_of(commit), pages, kEmptyChecksum), pages, commit);
  }
}

TEST_CASE("every page of the reference tool's files is found, of both kinds of frames") {
  for (const std::string name :
       {"ltx3/p512", "ltx3/p65536", "ltx3-frames/p512", "ltx3-frames/p4096-wal"}) {
    CAPTURE(name);
    const Bytes file = test::read_file(test::golden(name + ".snapshot.ltx"));
    const Bytes content =
        test::gunzip_file(test::golden("ltx3" + name.substr(name.find('/')) + ".db.gz"));
    MemoryAccess memory(file);
    const Header header = PageIndex::open(memory).value().header();
    const test::ModelDatabase database(header.page_size.bytes(), content);
    check_all_pages(file, database.all_pages(), header.commit);
  }
}

TEST_CASE("a large index is sampled: little memory, little to read") {
  Random random(7);
  PageSet pages;
  for (uint32_t pgno = 1; pgno <= 50'000; pgno += random() % 2 == 0 ? 1u : 3u) {
    pages[pgno] = Bytes(512, static_cast<std::byte>(pgno));
  }
  const Bytes file = test::encode_file(header_of(60'000), pages, kEmptyChecksum);
  CountingAccess access(file);
  PageIndex index = PageIndex::open(access).value();
  CHECK(index.pages() == pages.size());
  Bytes page(512);
  for (int i = 0; i < 3000; ++i) {
    const auto pgno = static_cast<uint32_t>(test::below(random, 50'010));
    access.read_bytes = 0;
    const auto location = index.find(PageNo(pgno)).value();
    CHECK(access.read_bytes <= 8192);
    REQUIRE(location.has_value() == pages.contains(pgno));
    if (!location) continue;
    REQUIRE(index.read_page(*location, page));
    CHECK(page == pages[pgno]);
  }
}

TEST_CASE("entries come in order and cover the pages without gap") {
  const Bytes file = test::read_file(test::golden("ltx3/p4096.snapshot.ltx"));
  MemoryAccess memory(file);
  const PageIndex index = PageIndex::open(memory).value();
  PageIndexCursor entries = index.entries();
  PageNo last;
  uint64_t end = kHeaderBytes;
  while (const auto entry = entries.next().value()) {
    CHECK(entry->pgno == next(last));
    CHECK(entry->offset == end);
    end += entry->bytes;
    last = entry->pgno;
  }
  CHECK(last.value() == index.header().commit);
}

// Whatever a file says, opening and reading end, with an error or with what is there.
void read_hostile(ByteView file) {
  MemoryAccess memory(file);
  auto index = PageIndex::open(memory);
  if (!index) return;
  Bytes page(index->header().page_size.bytes());
  for (uint32_t pgno = 0; pgno < 12; ++pgno) {
    (void)index->read_page(PageNo(pgno), page).has_value();
  }
}

TEST_CASE("damaged and cut-off files do no harm") {
  Random random(8);
  PageSet pages;
  for (const uint32_t pgno : {1u, 2u, 5u, 9u}) pages[pgno] = test::random_page(random, 512);
  const Bytes file = test::encode_file(header_of(10), pages, kEmptyChecksum);
  for (size_t n = 0; n < file.size(); ++n) {
    read_hostile(ByteView(file).first(n));
    read_hostile(ByteView(file).subspan(n));
    for (const int bit : {1, 16, 128}) {
      Bytes damaged = file;
      damaged[n] ^= static_cast<std::byte>(bit);
      read_hostile(damaged);
    }
  }
}

TEST_CASE("an index that leaves gaps, overlaps, or goes back is refused") {
  const Bytes good =
      test::encode_file(header_of(9), {{3, Bytes(512)}, {5, Bytes(512)}}, kEmptyChecksum);
  const size_t at = good.size() - kTrailerBytes - 8 - 7;
  REQUIRE(good[at] == std::byte{3});
  const auto refused = [&](size_t offset, uint8_t value) {
    Bytes bad = good;
    bad[at + offset] = std::byte{value};
    MemoryAccess memory(bad);
    const auto index = PageIndex::open(memory);
    return !index && index.error().code() == Errc::kCorrupt;
  };
  CHECK_FALSE(refused(0, 3));
  CHECK(refused(0, 0));    // page 0: the end marker before the end
  CHECK(refused(0, 5));    // then page 5 twice
  CHECK(refused(3, 10));   // beyond the database
  CHECK(refused(1, 101));  // not where the header ends
  CHECK(refused(2, 5));    // smaller than a frame can be
  CHECK(refused(5, 127));  // into the index
  CHECK(refused(6, 1));    // no end marker
}

}  // namespace
}  // namespace skerry::ltx
