// The wal-index by itself: whatever is appended is found, whatever memory holds does no harm.
#include "ltx/sqlite/wal_index.h"

#include <doctest/doctest.h>

#include <map>

#include "tests/support/ltx_model.h"
#include "tests/support/wal.h"

namespace skerry::sqlite {
namespace {

using test::HeapWalIndex;
using test::Random;

WalIndexHeader random_header(Random& random) {
  WalIndexHeader header;
  header.changes = static_cast<uint32_t>(random());
  header.order = random() % 2 == 0 ? WalByteOrder::kLittle : WalByteOrder::kBig;
  header.page_size = *PageSize::of(512u << test::below(random, 8));
  header.max_frame = static_cast<uint32_t>(random());
  header.database_pages = static_cast<uint32_t>(random());
  header.frame_checksum = {static_cast<uint32_t>(random()), static_cast<uint32_t>(random())};
  header.salt = {static_cast<uint32_t>(random()), static_cast<uint32_t>(random())};
  return header;
}

// The newest frame in a range, found by looking at all of them.
uint32_t newest(const std::vector<PageNo>& pages, PageNo pgno, uint32_t max, uint32_t min) {
  for (uint32_t frame = max; frame >= min; --frame) {
    if (pages[frame - 1] == pgno) return frame;
  }
  return 0;
}

TEST_CASE("headers come back, and a torn or flipped one does not") {
  Random random(13);
  HeapWalIndex memory;
  WalIndex index(memory);
  CHECK_FALSE(index.header());
  for (int i = 0; i < 500; ++i) {
    const WalIndexHeader header = random_header(random);
    REQUIRE(index.write_header(header));
    CHECK(index.header() == header);
    const size_t at = test::below(random, 2 * kWalIndexHeaderBytes);
    memory.block(0)[at] ^= std::byte{4};
    CHECK_FALSE(index.header());
  }
}

TEST_CASE("both copies changed alike do not pass either, but for what SQLite leaves open") {
  Random random(14);
  HeapWalIndex memory;
  WalIndex index(memory);
  for (size_t at = 0; at < kWalIndexHeaderBytes; ++at) {
    REQUIRE(index.write_header(random_header(random)));
    memory.block(0)[at] ^= std::byte{4};
    memory.block(0)[at + kWalIndexHeaderBytes] ^= std::byte{4};
    CHECK_FALSE(index.header());
  }
}

TEST_CASE("blocks hold 4062 frames, then 4096 each") {
  CHECK(wal_index_block(1) == 0);
  CHECK(wal_index_block(4062) == 0);
  CHECK(wal_index_block(4063) == 1);
  CHECK(wal_index_block(8158) == 1);
  CHECK(wal_index_block(8159) == 2);
}

TEST_CASE("the newest frame of a page is found, over many blocks") {
  Random random(15);
  HeapWalIndex memory;
  WalIndex index(memory);
  std::vector<PageNo> pages;
  for (uint32_t frame = 1; frame <= 17'000; ++frame) {
    pages.emplace_back(static_cast<uint32_t>(1 + test::below(random, 3000) % 997 * 8191));
    REQUIRE(index.append(frame, pages.back(), frame - 1));
    CHECK(index.page_of(frame).value() == pages.back());
  }
  CHECK(memory.blocks() == 5);
  for (int i = 0; i < 5000; ++i) {
    const PageNo pgno(static_cast<uint32_t>(1 + test::below(random, 1000) * 8191));
    const auto max = static_cast<uint32_t>(test::below(random, pages.size() + 1));
    const auto min = static_cast<uint32_t>(1 + test::below(random, max + 1));
    CHECK(index.find(pgno, max, min).value() == newest(pages, pgno, max, min));
  }
}

TEST_CASE("rebuilding gives what appending gave") {
  Random random(16);
  for (const size_t frames : {0u, 1u, 4062u, 4063u, 9000u}) {
    HeapWalIndex appended;
    HeapWalIndex rebuilt;
    WalIndex index(appended);
    std::vector<PageNo> pages;
    for (size_t i = 0; i < frames; ++i) {
      pages.emplace_back(static_cast<uint32_t>(1 + test::below(random, 700)));
      REQUIRE(index.append(static_cast<uint32_t>(i + 1), pages.back(), static_cast<uint32_t>(i)));
    }
    WalIndexHeader header = random_header(random);
    header.max_frame = static_cast<uint32_t>(frames);
    WalIndex other(rebuilt);
    for (size_t mark = 0; mark < kReadMarks; ++mark) REQUIRE(other.set_read_mark(mark, 99));
    REQUIRE(other.set_backfilled(77));
    REQUIRE(other.rebuild(header, pages));
    CHECK(other.header() == header);
    CHECK(other.backfilled() == 0);
    CHECK(other.backfill_attempted() == frames);
    CHECK(other.read_mark(0) == 0);
    CHECK(other.read_mark(3) == 99);
    for (size_t mark = 1; mark < kReadMarks; ++mark) {
      REQUIRE(other.reset_read_mark(mark, header.max_frame));
    }
    CHECK(other.read_mark(1) == (frames == 0 ? kReadMarkNotUsed : frames));
    CHECK(other.read_mark(4) == kReadMarkNotUsed);
    for (size_t block = 0; block < appended.blocks(); ++block) {
      const size_t head = block == 0 ? kWalIndexHeadBytes : 0;
      CHECK(equal(ByteView(appended.block(block) + head, kWalIndexBlockBytes - head),
                  ByteView(rebuilt.block(block) + head, kWalIndexBlockBytes - head)));
    }
  }
}

// Frames that a writer left above the published ones are gone once another writes there.
TEST_CASE("abandoned frames never show, wherever they end") {
  Random random(17);
  for (int i = 0; i < 100; ++i) {
    HeapWalIndex memory;
    WalIndex index(memory);
    std::vector<PageNo> pages;
    const auto published = static_cast<uint32_t>(i % 3 == 0 ? 4000 + test::below(random, 120)
                                                            : test::below(random, 9000));
    const auto append = [&](uint32_t count, uint32_t first_page) {
      const auto max_frame = static_cast<uint32_t>(pages.size());
      for (uint32_t n = 0; n < count; ++n) {
        pages.emplace_back(static_cast<uint32_t>(first_page + test::below(random, 50)));
        REQUIRE(index.append(static_cast<uint32_t>(pages.size()), pages.back(), max_frame));
      }
    };
    append(published, 1);
    append(static_cast<uint32_t>(test::below(random, 200)), 1000);
    pages.resize(published);
    if (i % 2 == 0) index.truncate(published);
    append(static_cast<uint32_t>(1 + test::below(random, 100)), 1);
    const auto end = static_cast<uint32_t>(pages.size());
    for (uint32_t pgno = 1; pgno < 1050; ++pgno) {
      REQUIRE(index.find(PageNo(pgno), end).value() == newest(pages, PageNo(pgno), end, 1));
    }
  }
}

TEST_CASE("a restart empties the WAL") {
  Random random(18);
  HeapWalIndex memory;
  WalIndex index(memory);
  REQUIRE(index.append(1, PageNo(5), 0));
  WalIndexHeader header = random_header(random);
  header.max_frame = 1;
  header.salt.salt1 = 0xffffffff;
  REQUIRE(index.write_header(header));
  REQUIRE(index.set_backfilled(1));
  REQUIRE(index.set_backfill_attempted(1));
  const WalIndexHeader restarted = index.restart(header, 1234).value();
  CHECK(index.header() == restarted);
  CHECK(restarted.max_frame == 0);
  CHECK(restarted.salt == WalSalt{0, 1234});
  CHECK(index.backfilled() == 0);
  CHECK(index.backfill_attempted() == 0);
  CHECK(index.read_mark(0) == 0);
  CHECK(index.read_mark(1) == 0);
  CHECK(index.read_mark(2) == kReadMarkNotUsed);
  CHECK(index.find(PageNo(5), 0).value() == 0);
}

TEST_CASE("without a wal-index there is nothing to find") {
  HeapWalIndex memory;
  WalIndex index(memory);
  CHECK(index.backfilled() == 0);
  CHECK(index.read_mark(1) == kReadMarkNotUsed);
  CHECK(index.find(PageNo(1), 0).value() == 0);
  CHECK(index.find(PageNo(1), 10).error().code() == Errc::kCorrupt);
  CHECK(index.page_of(10).error().code() == Errc::kCorrupt);
  index.truncate(10);
}

TEST_CASE("random memory does no harm") {
  Random random(19);
  HeapWalIndex memory;
  WalIndex index(memory);
  REQUIRE(memory.grow(3));
  for (int i = 0; i < 30; ++i) {
    for (size_t block = 0; block < memory.blocks(); ++block) {
      for (size_t at = 0; at < kWalIndexBlockBytes; ++at) {
        memory.block(block)[at] = static_cast<std::byte>(random() % (i % 2 == 0 ? 256 : 2));
      }
    }
    CHECK_FALSE(index.header());
    for (int n = 0; n < 100; ++n) {
      const auto frame = static_cast<uint32_t>(1 + test::below(random, 20'000));
      (void)index.find(PageNo(static_cast<uint32_t>(1 + random() % 999)), frame).has_value();
      (void)index.page_of(frame).has_value();
      (void)index.append(1 + frame % 12'000, PageNo(7), frame % 12'000).has_value();
      index.truncate(frame);
    }
  }
}

}  // namespace
}  // namespace skerry::sqlite
