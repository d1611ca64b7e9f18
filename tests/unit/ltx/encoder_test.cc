#include "ltx/encoder.h"

#include <doctest/doctest.h>

#include "ltx/checksum.h"
#include "ltx/decoder.h"
#include "ltx/sqlite/lock_bytes.h"
#include "tests/support/ltx_model.h"

namespace skerry::ltx {
namespace {

using test::PageSet;
using test::Random;

Header change_header(uint32_t commit) {
  Header header;
  header.page_size = *PageSize::of(512);
  header.commit = commit;
  header.min_txid = header.max_txid = Txid(7);
  header.pre_apply_checksum = kEmptyChecksum;
  return header;
}

Header snapshot_header(uint32_t commit) {
  Header header = change_header(commit);
  header.min_txid = Txid(1);
  header.pre_apply_checksum = Checksum(0);
  return header;
}

TEST_CASE("random files come back as they were") {
  Random random(1);
  for (int i = 0; i < 2000; ++i) {
    CAPTURE(i);
    const test::ChainOptions options{
        .files = 1 + test::below(random, 3),
        .page_bytes = size_t{512} << test::below(random, 4),
        .commit_max = 12,
        .snapshot = test::below(random, 2) == 0,
        .checksums = test::below(random, 2) == 0,
    };
    const test::RandomChain chain = random_chain(random, options);
    test::ModelDatabase database = chain.states.front();
    for (size_t file = 0; file < chain.files.size(); ++file) {
      MemorySource source(chain.files[file]);
      Decoder decoder(source, 1 + test::below(random, 3000));
      const auto applied = database.apply(decoder);
      if (!applied) FAIL(applied.error().message());
      CHECK(database == chain.states[file + 1]);
    }
  }
}

TEST_CASE("all header fields come back") {
  Header header = change_header(9);
  header.max_txid = Txid(0xfedcba9876543210);
  header.timestamp_ms = -5;
  header.wal_offset = 32;
  header.wal_bytes = 4152;
  header.wal_salt1 = 0xdeadbeef;
  header.wal_salt2 = 0x01020304;
  header.node_id = NodeId(0xffeeddccbbaa9988);
  header.epoch = Epoch(0x0123456789abcdef);
  const Bytes file = test::encode_file(header, {{3, Bytes(512)}}, kEmptyChecksum);
  MemorySource again(file);
  CHECK(verify(again).value().header == header);
}

TEST_CASE("a drained buffer, an index in parts and a second file change nothing") {
  Random random(2);
  PageSet pages;
  for (uint32_t pgno = 1; pgno <= 30000; pgno += random() % 2 == 0 ? 1u : 2u)
    pages[pgno] = Bytes(512);
  const Header header = change_header(30000);
  const Bytes expected = test::encode_file(header, pages, kEmptyChecksum);
  Bytes out;
  Bytes file;
  size_t buffered_max = 0;
  Encoder encoder(out);
  const auto drain = [&] {
    buffered_max = std::max(buffered_max, out.size());
    append(file, out);
    out.clear();
  };
  for (int repeat = 0; repeat < 2; ++repeat) {
    file.clear();
    REQUIRE(encoder.begin(header));
    for (const auto& [pgno, page] : pages) {
      REQUIRE(encoder.add_page(PageNo(pgno), page));
      drain();
    }
    while (encoder.add_index_part()) drain();
    drain();
    REQUIRE(encoder.finish(kEmptyChecksum));
    drain();
    CHECK(file == expected);
    CHECK(encoder.bytes() == expected.size());
  }
  CHECK(buffered_max < 40'000);
}

TEST_CASE("pages out of order are refused") {
  Bytes out;
  Encoder encoder(out);
  const Bytes page(512);
  REQUIRE(encoder.begin(change_header(10)));
  REQUIRE(encoder.add_page(PageNo(4), page));
  for (const uint32_t pgno : {0u, 3u, 4u, 11u}) {
    CHECK(encoder.add_page(PageNo(pgno), page).error().code() == Errc::kInvalid);
  }
  REQUIRE(encoder.begin(snapshot_header(3)));
  CHECK(encoder.add_page(PageNo(2), page).error().code() == Errc::kInvalid);
  REQUIRE(encoder.add_page(PageNo(1), page));
  CHECK(encoder.add_page(PageNo(3), page).error().code() == Errc::kInvalid);
}

TEST_CASE("the page of the lock bytes is left out") {
  Bytes out;
  Encoder encoder(out);
  Header header = change_header(20000);
  header.page_size = *PageSize::of(65536);
  const PageNo lock = sqlite::lock_page(header.page_size);
  CHECK(lock == PageNo(16385));
  REQUIRE(encoder.begin(header));
  CHECK(encoder.add_page(lock, Bytes(65536)).error().code() == Errc::kInvalid);
  CHECK(encoder.add_page(next(lock), Bytes(65536)));
}

TEST_CASE("a snapshot over the lock bytes is complete without their page") {
  const PageSize size = *PageSize::of(65536);
  const uint32_t lock = sqlite::lock_page(size).value();
  Header header = snapshot_header(lock + 2);
  header.page_size = size;
  const Bytes page(65536);
  Checksum checksum = kEmptyChecksum;
  Bytes out;
  Encoder encoder(out);
  REQUIRE(encoder.begin(header));
  for (uint32_t pgno = 1; pgno <= header.commit; ++pgno) {
    if (pgno == lock) continue;
    REQUIRE(encoder.add_page(PageNo(pgno), page));
    checksum = checksum ^ page_checksum(PageNo(pgno), page);
  }
  REQUIRE(encoder.finish(checksum));
  MemorySource source(out);
  CHECK(verify(source).value().pages == header.commit - 1);
}

TEST_CASE("a trailer that does not fit the header is refused") {
  Bytes out;
  Encoder encoder(out);
  REQUIRE(encoder.begin(change_header(10)));
  CHECK(encoder.finish(Checksum(0)).error().code() == Errc::kInvalid);
  REQUIRE(encoder.begin(change_header(0)));
  CHECK(encoder.finish(Checksum(kChecksumFlag | 1)).error().code() == Errc::kInvalid);
  Header unchecked = change_header(10);
  unchecked.flags = kFlagNoChecksum;
  unchecked.pre_apply_checksum = Checksum(0);
  REQUIRE(encoder.begin(unchecked));
  CHECK(encoder.finish(Checksum(5)).error().code() == Errc::kInvalid);
}

TEST_CASE("an incomplete snapshot and an invalid header are refused") {
  Bytes out;
  Encoder encoder(out);
  REQUIRE(encoder.begin(snapshot_header(2)));
  REQUIRE(encoder.add_page(PageNo(1), Bytes(512)));
  CHECK(encoder.finish(kEmptyChecksum).error().code() == Errc::kInvalid);
  Header header = change_header(1);
  header.max_txid = Txid(6);
  CHECK(encoder.begin(header).error().code() == Errc::kInvalid);
}

}  // namespace
}  // namespace skerry::ltx
