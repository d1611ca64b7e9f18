#include "ltx/compactor.h"

#include <doctest/doctest.h>

#include "ltx/decoder.h"
#include "ltx/format1/decoder.h"
#include "tests/support/files.h"
#include "tests/support/ltx_model.h"

namespace skerry::ltx {
namespace {

using test::ModelDatabase;
using test::PageSet;
using test::Random;

// Decoders over files in memory.
struct Inputs {
  explicit Inputs(std::span<const Bytes> files) {
    for (const Bytes& file : files) {
      sources.push_back(std::make_unique<MemorySource>(file));
      decoders.push_back(
          std::make_unique<Decoder>(*sources.back(), compactor_buffer_bytes(files.size())));
      readers.push_back(decoders.back().get());
    }
  }
  std::vector<std::unique_ptr<MemorySource>> sources;
  std::vector<std::unique_ptr<Decoder>> decoders;
  std::vector<LtxReader*> readers;
};

Result<Bytes> compact(std::span<LtxReader* const> readers) {
  Bytes out;
  Bytes file;
  TRY_ASSIGN(Compactor compactor, Compactor::over(readers, out));
  for (bool more = true; more;) {
    TRY_ASSIGN(more, compactor.step());
    append(file, out);
    out.clear();
  }
  TRY(compactor.finish());
  append(file, out);
  return file;
}

Result<Bytes> compact(std::span<const Bytes> files) {
  const Inputs inputs(files);
  return compact(inputs.readers);
}

Result<Bytes> compact(const std::vector<Bytes>& files) {
  return compact(std::span(files));
}

Verified apply_to(ModelDatabase& database, ByteView file) {
  MemorySource source(file);
  Decoder decoder(source);
  auto verified = database.apply(decoder);
  if (!verified) FAIL(verified.error().message());
  return *verified;
}

Header header_of(ByteView file) {
  return decode_header(file).value();
}

TEST_CASE("any split of a chain compacts to what replaying it gives") {
  Random random(9);
  for (int i = 0; i < 1500; ++i) {
    CAPTURE(i);
    const test::ChainOptions options{
        .files = 1 + test::below(random, 9),
        .page_bytes = 512,
        .commit_max = static_cast<uint32_t>(test::below(random, 30)),
        .snapshot = test::below(random, 2) == 0,
        .checksums = test::below(random, 4) != 0,
        .holes = test::below(random, 2) == 0,
    };
    const test::RandomChain chain = random_chain(random, options);
    ModelDatabase database = chain.states.front();
    for (size_t first = 0; first < chain.files.size();) {
      const size_t count = 1 + test::below(random, chain.files.size() - first);
      const auto part = std::span(chain.files).subspan(first, count);
      const auto file = compact(part);
      if (!file) FAIL(file.error().message());
      const Verified verified = apply_to(database, *file);
      first += count;
      CHECK(database == chain.states[first]);
      Header expected = header_of(part.back());
      expected.min_txid = header_of(part.front()).min_txid;
      expected.pre_apply_checksum = header_of(part.front()).pre_apply_checksum;
      expected.node_id = NodeId(0);
      CHECK(verified.header == expected);
    }
  }
}

TEST_CASE("compacting twice gives what compacting once gives") {
  Random random(10);
  for (int i = 0; i < 200; ++i) {
    test::ChainOptions options;
    options.files = 6;
    options.holes = true;
    const test::RandomChain chain = random_chain(random, options);
    const auto files = std::span(chain.files);
    const Bytes once = compact(chain.files).value();
    const Bytes twice =
        compact({compact(files.first(2)).value(), compact(files.subspan(2)).value()}).value();
    CHECK(once == twice);
  }
}

Bytes change(uint64_t min_txid, uint64_t max_txid, uint64_t pre, uint64_t post,
             const PageSet& pages = {{1, Bytes(512)}}) {
  Header header;
  header.page_size = *PageSize::of(512);
  header.commit = 4;
  header.min_txid = Txid(min_txid);
  header.max_txid = Txid(max_txid);
  header.wal_offset = 32;
  header.wal_bytes = 600;
  header.wal_salt1 = 1;
  header.pre_apply_checksum = Checksum(kChecksumFlag | pre);
  return test::encode_file(header, pages, Checksum(kChecksumFlag | post));
}

TEST_CASE("the WAL's place and the node are not carried over") {
  const Bytes file = compact({change(5, 6, 1, 2), change(7, 9, 2, 3)}).value();
  const Header header = header_of(file);
  CHECK(header.wal_offset == 0);
  CHECK(header.wal_bytes == 0);
  CHECK(header.wal_salt1 == 0);
  CHECK(header.node_id == NodeId(0));
  CHECK(header.min_txid == Txid(5));
  CHECK(header.max_txid == Txid(9));
}

TEST_CASE("inputs that do not follow each other are refused") {
  CHECK(compact(std::vector<Bytes>{}).error().code() == Errc::kInvalid);
  const auto gap = compact({change(5, 6, 1, 2), change(8, 9, 2, 3)});
  CHECK(gap.error().code() == Errc::kInvalid);
  const auto overlap = compact({change(5, 6, 1, 2), change(6, 9, 2, 3)});
  CHECK(overlap.error().code() == Errc::kInvalid);
  const auto fork = compact({change(5, 6, 1, 2), change(7, 9, 0xbad, 3)});
  CHECK(fork.error().code() == Errc::kCorrupt);

  Header other = header_of(change(7, 9, 2, 3));
  other.page_size = *PageSize::of(1024);
  const Bytes wider = test::encode_file(other, {{1, Bytes(1024)}}, kEmptyChecksum);
  CHECK(compact({change(5, 6, 1, 2), wider}).error().code() == Errc::kInvalid);

  other = header_of(change(7, 9, 2, 3));
  other.flags = kFlagNoChecksum;
  other.pre_apply_checksum = Checksum(0);
  const Bytes unchecked = test::encode_file(other, {{1, Bytes(512)}}, Checksum(0));
  CHECK(compact({change(5, 6, 1, 2), unchecked}).error().code() == Errc::kInvalid);
}

TEST_CASE("too many inputs are refused") {
  const Bytes file = change(5, 6, 1, 2);
  MemorySource source(file);
  Decoder decoder(source);
  const std::vector<LtxReader*> readers(kCompactorInputsMax + 1, &decoder);
  CHECK(compact(readers).error().code() == Errc::kInvalid);
}

TEST_CASE("a damaged input is noticed") {
  Random random(11);
  test::ChainOptions options;
  options.files = 3;
  options.commit_max = 6;
  const test::RandomChain chain = random_chain(random, options);
  const Bytes expected = compact(chain.files).value();
  for (size_t input = 0; input < chain.files.size(); ++input) {
    for (size_t at = 0; at < chain.files[input].size(); ++at) {
      std::vector<Bytes> files = chain.files;
      files[input][at] ^= std::byte{0x20};
      const auto file = compact(files);
      if (file) CHECK(*file == expected);  // a change within LZ4 that does not change the page
      files = chain.files;
      files[input].resize(at);
      CHECK(compact(files).error().code() == Errc::kCorrupt);
    }
  }
}

TEST_CASE("a database that grows by a great many pages that nobody wrote is refused") {
  const auto grown_to = [&](uint64_t txid, uint32_t commit) {
    Header header = header_of(change(txid, txid, 0, 0));
    header.commit = commit;
    return test::encode_file(header, {}, kEmptyChecksum);
  };
  CHECK(compact({grown_to(2, 10), grown_to(3, 10 + kCompactorZeroPagesMax)}));
  const auto result = compact({grown_to(2, 10), grown_to(3, 0xffffffff)});
  CHECK(result.error().code() == Errc::kCorrupt);
}

TEST_CASE("growing over the lock bytes without writing leaves their page out") {
  const PageSize size = *PageSize::of(65536);
  const auto grown_to = [&](uint64_t txid, uint32_t commit) {
    Header header;
    header.page_size = size;
    header.commit = commit;
    header.min_txid = header.max_txid = Txid(txid);
    header.pre_apply_checksum = kEmptyChecksum;
    return test::encode_file(header, {{1, Bytes(65536)}}, kEmptyChecksum);
  };
  const uint32_t lock = 16385;
  const Bytes file = compact({grown_to(2, lock - 2), grown_to(3, lock + 2)}).value();
  MemorySource source(file);
  CHECK(verify(source).value().pages == 1 + 1 + 2);
}

TEST_CASE("LiteFS's transactions compact to a snapshot of its database") {
  for (const std::string folder : {"data/dbs/wal.db", "data-lz4/dbs/del.db"}) {
    CAPTURE(folder);
    std::vector<Bytes> files;
    std::vector<std::unique_ptr<MemorySource>> sources;
    std::vector<std::unique_ptr<format1::Decoder>> decoders;
    std::vector<LtxReader*> readers;
    for (const auto& path : test::files_in(test::unpacked(folder) / "ltx", ".ltx")) {
      files.push_back(test::read_file(path));
      sources.push_back(std::make_unique<MemorySource>(files.back()));
      decoders.push_back(std::make_unique<format1::Decoder>(*sources.back()));
      readers.push_back(decoders.back().get());
    }
    const auto file = compact(readers);
    if (!file) FAIL(file.error().message());
    ModelDatabase database(4096);
    const Verified verified = apply_to(database, *file);
    CHECK(verified.header.is_snapshot());
    CHECK(database.content() == test::read_file(test::unpacked(folder) / "database"));
  }
}

}  // namespace
}  // namespace skerry::ltx
