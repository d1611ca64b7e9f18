#include "ltx/decoder.h"

#include <doctest/doctest.h>

#include "ltx/encoder.h"
#include "ltx/page_frame.h"
#include "ltx/varint.h"
#include "tests/support/files.h"
#include "tests/support/ltx_model.h"

namespace skerry::ltx {
namespace {

using test::Random;

Result<Verified> verify_bytes(ByteView file) {
  MemorySource source(file);
  return verify(source);
}

// Gives few bytes at a time, and an error or the end where told.
class SlowSource final : public ByteSource {
 public:
  SlowSource(ByteView bytes, size_t step) : rest_(bytes), step_(step) {}

  Result<size_t> read(ByteSpan into) override {
    if (rest_.empty()) return fail(Errc::kTimeout, "source stalled");
    const size_t n = std::min({into.size(), rest_.size(), step_});
    std::copy_n(rest_.begin(), n, into.begin());
    rest_ = rest_.subspan(n);
    return n;
  }

 private:
  ByteView rest_;
  size_t step_;
};

// Copies a file's pages, so that what comes of a damaged file can be compared.
Result<test::ModelDatabase> decode(ByteView file) {
  MemorySource source(file);
  Decoder decoder(source);
  test::ModelDatabase database(512);
  TRY(database.apply(decoder));
  return database;
}

TEST_CASE("varints round trip and refuse what is too long") {
  Random random(3);
  for (int i = 0; i < 20000; ++i) {
    const uint64_t value = random() >> test::below(random, 64);
    Bytes bytes;
    append_varint(bytes, value);
    CHECK(bytes.size() <= kVarintBytesMax);
    ByteView rest(bytes);
    CHECK(take_varint(rest) == value);
    CHECK(rest.empty());
    ByteView cut = ByteView(bytes).first(bytes.size() - 1);
    CHECK_FALSE(take_varint(cut));
  }
  const Bytes long_one(11, std::byte{0x80});
  ByteView rest(long_one);
  CHECK_FALSE(take_varint(rest));
  Bytes too_big(9, std::byte{0xff});
  too_big.push_back(std::byte{2});
  rest = too_big;
  CHECK_FALSE(take_varint(rest));
}

// A snapshot and a change, with checksums and without.
std::vector<Bytes> samples() {
  Random random(4);
  std::vector<Bytes> files;
  for (const bool checksums : {true, false}) {
    test::ChainOptions options;
    options.files = 2;
    options.commit_max = 6;
    options.checksums = checksums;
    for (Bytes& file : random_chain(random, options).files) files.push_back(std::move(file));
  }
  return files;
}

TEST_CASE("a file that is cut off is refused at every length") {
  for (const Bytes& file : samples()) {
    REQUIRE(verify_bytes(file));
    for (size_t n = 0; n < file.size(); ++n) {
      CAPTURE(n);
      const auto verified = verify_bytes(ByteView(file).first(n));
      REQUIRE_FALSE(verified);
      CHECK(verified.error().code() == Errc::kCorrupt);
    }
  }
}

// The file checksum covers content, not its compressed form: a flipped bit there may leave the
// content as it was. Nothing may ever come out changed.
TEST_CASE("a flipped bit is refused, or changes nothing") {
  for (const Bytes& file : samples()) {
    const test::ModelDatabase expected = decode(file).value();
    size_t harmless = 0;
    for (size_t bit = 0; bit < 8 * file.size(); ++bit) {
      CAPTURE(bit);
      Bytes damaged = file;
      damaged[bit / 8] ^= static_cast<std::byte>(1 << (bit % 8));
      const auto decoded = decode(damaged);
      if (!decoded) continue;
      ++harmless;
      CHECK(*decoded == expected);
      CHECK(bit / 8 >= kHeaderBytes);
    }
    CHECK(harmless < file.size());  // of eight times as many bits
  }
}

TEST_CASE("damaged LZ4 frames are refused, or change nothing") {
  Random random(5);
  const Bytes file = test::read_file(test::golden("ltx3-frames/p512.snapshot.ltx"));
  const test::ModelDatabase expected = decode(file).value();
  for (int i = 0; i < 3000; ++i) {
    Bytes damaged = file;
    damaged[test::below(random, file.size())] ^= static_cast<std::byte>(1 + random() % 255);
    const auto decoded = decode(damaged);
    if (decoded) CHECK(*decoded == expected);
    CHECK_FALSE(decode(ByteView(file).first(test::below(random, file.size()))));
  }
}

TEST_CASE("bytes after the trailer are refused") {
  for (Bytes file : samples()) {
    file.push_back(std::byte{0});
    CHECK(verify_bytes(file).error().code() == Errc::kCorrupt);
  }
}

TEST_CASE("how the source cuts its bytes does not matter, and its error is passed on") {
  for (const Bytes& file : samples()) {
    for (const size_t step : {size_t{1}, size_t{7}, size_t{600}}) {
      SlowSource source(file, step);
      Decoder decoder(source, 64);
      CHECK(verify(decoder).error().code() == Errc::kTimeout);
      CHECK(decoder.bytes() == file.size());
    }
    SlowSource cut(ByteView(file).first(file.size() / 2), 100);
    CHECK(verify(cut).error().code() == Errc::kTimeout);
  }
}

// The file checksum of a file with two pages of zeros, whose index is at `index_at`.
Checksum sum_file(ByteView file, size_t index_at, size_t frame_bytes) {
  const Bytes page(512);
  Crc64 crc;
  crc.update(file.first(kHeaderBytes));
  for (const size_t frame : {size_t{0}, size_t{1}}) {
    crc.update(file.subspan(kHeaderBytes + frame * frame_bytes, kPageFrameHeadBytes));
    crc.update(page);
  }
  const size_t end_of_pages = index_at - kPageHeaderBytes;
  crc.update(file.subspan(end_of_pages, file.size() - 8 - end_of_pages));
  return Checksum(crc.value() | kChecksumFlag);
}

TEST_CASE("an index that does not fit the pages is refused, though the file checksum is right") {
  Header header;
  header.page_size = *PageSize::of(512);
  header.commit = 9;
  header.min_txid = header.max_txid = Txid(2);
  header.pre_apply_checksum = kEmptyChecksum;
  const Bytes good = test::encode_file(header, {{3, Bytes(512)}, {5, Bytes(512)}}, kEmptyChecksum);
  // Page, offset and bytes of both, one byte each, and the end marker.
  const size_t index_at = good.size() - kTrailerBytes - 8 - 7;
  REQUIRE(good[index_at] == std::byte{3});
  const auto frame_bytes = std::to_integer<size_t>(good[index_at + 2]);
  REQUIRE(load_be64(&good[good.size() - 8]) == sum_file(good, index_at, frame_bytes).value());
  for (const auto& [at, value] : {std::pair{0, 4}, {3, 6}, {3, 3}, {3, 0}, {1, 101}, {2, 1}}) {
    Bytes bad = good;
    bad[index_at + static_cast<size_t>(at)] = static_cast<std::byte>(value);
    store_be64(&bad[bad.size() - 8], sum_file(bad, index_at, frame_bytes).value());
    const auto verified = verify_bytes(bad);
    REQUIRE_FALSE(verified);
    CHECK(verified.error().message().starts_with("LTX page index"));
  }
}

}  // namespace
}  // namespace skerry::ltx
