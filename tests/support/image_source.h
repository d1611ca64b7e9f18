// Sends a state of a database to a replica as an image, or offers it as an import: what the stream
// and the node API do, without either.
#pragma once

#include "ltx/checksum.h"
#include "tests/support/apply_fixture.h"

namespace skerry::test {

// The state that is sent.
struct ImageSource {
  DbImage image;
  Position position;

  [[nodiscard]] static ImageSource of(CaptureFixture& f, const std::string& name) {
    return {read_logical(f.dir_of(name)), f.vfs.database(name)->info().position};
  }
  [[nodiscard]] uint32_t pages() const { return static_cast<uint32_t>(image.pages.size()); }
  [[nodiscard]] ltx::Header header() const {
    ltx::Header header;
    header.page_size = *PageSize::of(image.page_bytes);
    header.commit = pages();
    header.min_txid = Txid(1);
    header.max_txid = position.txid;
    header.timestamp_ms = 1'700'000'000'000;
    header.node_id = NodeId(42);
    return header;
  }
  // The pages that `into` lacks, at most `pages_max` of them; how many were sent.
  [[nodiscard]] Result<uint32_t> send(apply::Image& into, uint32_t pages_max = UINT32_MAX) const {
    uint32_t sent = 0;
    const auto there = into.checksums(PageNo(1), pages());
    for (uint32_t p = 1; p <= pages() && sent < pages_max; ++p) {
      const Bytes& page = image.pages[p - 1];
      const bool has = p <= there.size() && there[p - 1] == ltx::page_checksum(PageNo(p), page);
      if (has) continue;
      TRY(into.add(PageNo(p), page));
      ++sent;
    }
    return sent;
  }
};

// How many pages were sent.
[[nodiscard]] inline Result<uint32_t> send_image(apply::Applier& applier, const std::string& name,
                                                 const ImageSource& source) {
  TRY_ASSIGN(const auto image, applier.begin_image(name, source.header()));
  TRY_ASSIGN(const uint32_t sent, source.send(*image));
  TRY(image->commit(source.position.checksum));
  return sent;
}

[[nodiscard]] inline Status import(apply::Applier& applier, const std::string& name,
                                   const DbImage& image) {
  const auto pages = static_cast<uint32_t>(image.pages.size());
  TRY_ASSIGN(const auto incoming,
             applier.begin_import(name, *PageSize::of(image.page_bytes), pages));
  for (uint32_t p = 1; p <= pages; ++p) TRY(incoming->add(PageNo(p), image.pages[p - 1]));
  return incoming->commit(image.checksum());
}

}  // namespace skerry::test
