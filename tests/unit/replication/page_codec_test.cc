#include "daemon/replication/page_codec.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>

#include "daemon/replication/page_patch.h"

namespace skerry::replication {
namespace {

struct Version {
  Bytes before;
  Bytes after;
};
using Versions = std::map<uint32_t, Version>;

Bytes random_bytes(std::mt19937& random, size_t n) {
  Bytes bytes(n);
  for (std::byte& b : bytes) b = static_cast<std::byte>(random());
  return bytes;
}

Bytes packed(const Versions& versions, int level = 1) {
  std::vector<PageImage> pages;
  for (const auto& [pgno, version] : versions) {
    pages.push_back({PageNo(pgno), version.before, version.after});
  }
  PagePacker packer(level);
  Bytes block;
  REQUIRE(packer.pack(pages, block).has_value());
  return block;
}

Status unpack(const Bytes& block, PageSize size, const Versions& versions, Versions* got) {
  PageUnpacker unpacker;
  uint32_t last = 0;
  return unpacker.unpack(
      block, size,
      [&](PageNo pgno) -> Result<ByteView> {
        const auto found = versions.find(pgno.value());
        if (found == versions.end() || found->second.before.empty()) {
          return fail(Errc::kNotFound, "no such page");
        }
        return ByteView(found->second.before);
      },
      [&](PageNo pgno, ByteView page) -> Status {
        CHECK(pgno.value() > last);
        last = pgno.value();
        (*got)[pgno.value()].after = {page.begin(), page.end()};
        return {};
      });
}

void check_round_trip(const Versions& versions, PageSize size, int level = 1) {
  const Bytes block = packed(versions, level);
  Versions got;
  const Status unpacked = unpack(block, size, versions, &got);
  if (!unpacked) FAIL(unpacked.error().message());
  REQUIRE(got.size() == versions.size());
  for (const auto& [pgno, version] : versions) CHECK(got[pgno].after == version.after);
}

void change(std::mt19937& random, Bytes& page, int edits) {
  for (int i = 0; i < edits; ++i) {
    const size_t n = 1 + random() % 40;
    const size_t at = random() % (page.size() - n);
    const Bytes with = random_bytes(random, n);
    std::ranges::copy(with, page.begin() + static_cast<std::ptrdiff_t>(at));
  }
}

TEST_CASE("pages come back as they were, whatever is known of them") {
  std::mt19937 random(7);
  for (const uint32_t bytes : {512u, 4096u, 65536u}) {
    const PageSize size = *PageSize::of(bytes);
    for (int round = 0; round < 60; ++round) {
      Versions versions;
      const size_t count = random() % (bytes == 65536 ? 8 : 40);
      uint32_t pgno = 0;
      for (size_t i = 0; i < count; ++i) {
        pgno += static_cast<uint32_t>(1 + random() % (round % 2 == 0 ? 2 : 1'000'000));
        Version version;
        version.after = random() % 2 == 0 ? random_bytes(random, bytes) : Bytes(bytes);
        if (random() % 4 != 0) version.before = version.after;
        change(random, version.after, static_cast<int>(random() % 6));
        versions[pgno] = std::move(version);
      }
      check_round_trip(versions, size, round % 3 == 0 ? -5 : 1);
    }
  }
}

TEST_CASE("a small change takes little more than its bytes; many pages little more each") {
  std::mt19937 random(3);
  Versions one;
  one[12345].before = random_bytes(random, 4096);
  one[12345].after = one[12345].before;
  const Bytes row = random_bytes(random, 30);
  std::ranges::copy(row, one[12345].after.begin() + 2000);
  one[12345].after[3] ^= std::byte{1};
  CHECK(packed(one).size() <= 45);

  Versions hundred;
  for (uint32_t p = 1; p <= 100; ++p) {
    Version& version = hundred[p * 300];
    version.before = random_bytes(random, 4096);
    version.after = version.before;
    std::ranges::copy(random_bytes(random, 60), version.after.begin() + 1000);
    std::ranges::rotate(version.after.begin() + 20, version.after.begin() + 24,
                        version.after.begin() + 220);
  }
  CHECK(packed(hundred).size() <= 9300);
}

TEST_CASE("another previous version than the sender's is noticed or gives other pages, no more") {
  std::mt19937 random(5);
  Versions versions;
  for (uint32_t p = 1; p <= 10; ++p) {
    versions[p].before = random_bytes(random, 4096);
    versions[p].after = versions[p].before;
    change(random, versions[p].after, 30);
  }
  const Bytes block = packed(versions);
  Versions other = versions;
  other[3].before = random_bytes(random, 4096);
  Versions got;
  if (unpack(block, *PageSize::of(4096), other, &got)) CHECK(got[3].after != versions[3].after);
  other[3].before.resize(512);
  CHECK_FALSE(unpack(block, *PageSize::of(4096), other, &got).has_value());
}

TEST_CASE("damaged blocks are refused or give pages of the right size") {
  std::mt19937 random(11);
  Versions versions;
  for (uint32_t p = 1; p <= 4; ++p) {
    versions[p].before = random_bytes(random, 512);
    versions[p].after = versions[p].before;
    change(random, versions[p].after, static_cast<int>(p) * 4);
  }
  const Bytes block = packed(versions);
  for (size_t n = 0; n < block.size(); ++n) {
    Versions got;
    const Bytes cut(block.begin(), block.begin() + static_cast<std::ptrdiff_t>(n));
    CHECK_FALSE(unpack(cut, *PageSize::of(512), versions, &got).has_value());
  }
  for (int i = 0; i < 5000; ++i) {
    Bytes damaged = block;
    damaged[random() % damaged.size()] = static_cast<std::byte>(random());
    Versions got;
    if (unpack(damaged, *PageSize::of(512), versions, &got)) {
      for (const auto& [pgno, version] : got) CHECK(version.after.size() == 512);
    }
  }
}

TEST_CASE("a patch is refused where it would leave the page") {
  Bytes page(16);
  const auto patch = [](std::initializer_list<int> values) {
    Bytes bytes;
    for (const int v : values) bytes.push_back(static_cast<std::byte>(v));
    return bytes;
  };
  CHECK(apply_patch({}, page));
  CHECK(apply_patch(patch({15, 1, 9}), page));
  CHECK(page[15] == std::byte{9});
  CHECK_FALSE(apply_patch(patch({16, 1, 9}), page));
  CHECK_FALSE(apply_patch(patch({15, 2, 9, 9}), page));
  CHECK_FALSE(apply_patch(patch({0, 2, 9}), page));
  CHECK_FALSE(apply_patch(patch({0}), page));
  CHECK_FALSE(apply_patch(
      patch({14, 1, 9, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 1}), page));
}

}  // namespace
}  // namespace skerry::replication
