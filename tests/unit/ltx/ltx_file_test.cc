#include <doctest/doctest.h>

#include <fstream>
#include <iterator>

#include "ltx/checksum.h"
#include "ltx/decoder.h"
#include "ltx/encoder.h"

namespace skerry::ltx {
namespace {

Bytes file_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const ByteView view = as_bytes(text);
  return {view.begin(), view.end()};
}

TEST_CASE("a snapshot of the reference tool is read and written again") {
  for (const char* name : {"p512", "p1024-autovacuum", "p4096", "p4096-wal", "p65536"}) {
    CAPTURE(name);
    const Bytes file = file_bytes(std::string(SKERRY_GOLDEN "/ltx3/") + name + ".snapshot.ltx");
    MemorySource source(file);
    Decoder decoder(source);
    const Header header = decoder.header().value();
    Bytes out;
    Encoder encoder(out);
    REQUIRE(encoder.begin(header));
    Bytes page(header.page_size.bytes());
    uint64_t pages = 0;
    while (auto pgno = decoder.next_page(page).value()) {
      REQUIRE(encoder.add_page(*pgno, page));
      ++pages;
    }
    CHECK(pages == header.commit);
    auto finished = decoder.finish();
    if (!finished) FAIL(finished.error().message());
    REQUIRE(encoder.finish(finished->post_apply_checksum));
    MemorySource again(out);
    auto verified = verify(again);
    if (!verified) FAIL(verified.error().message());
    CHECK(verified->header == header);
    CHECK(verified->trailer.post_apply_checksum == finished->post_apply_checksum);
    CHECK(verified->pages == pages);
  }
}

}  // namespace
}  // namespace skerry::ltx
