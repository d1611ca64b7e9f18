#include "tests/support/ltx_model.h"

#include <stdexcept>

#include "ltx/checksum.h"
#include "ltx/encoder.h"
#include "ltx/sqlite/lock_bytes.h"

namespace skerry::test {

using ltx::Header;

uint64_t below(Random& random, uint64_t bound) {
  return random() % bound;
}

Bytes random_page(Random& random, size_t bytes) {
  Bytes page(bytes);
  const uint64_t kind = below(random, 4);
  const auto period = static_cast<size_t>(1 + below(random, 97));
  for (size_t i = 0; i < bytes; ++i) {
    if (kind == 0) page[i] = static_cast<std::byte>(random());
    if (kind == 1) page[i] = static_cast<std::byte>(i % period);
    if (kind == 2 && below(random, 8) == 0) page[i] = static_cast<std::byte>(random());
  }
  return page;
}

ModelDatabase::ModelDatabase(size_t page_bytes, ByteView content) : page_bytes_(page_bytes) {
  for (; !content.empty(); content = content.subspan(page_bytes)) {
    const ByteView page = content.first(page_bytes);
    pages_.emplace_back(page.begin(), page.end());
  }
}

void ModelDatabase::apply(const PageSet& pages, uint32_t commit) {
  pages_.resize(commit, Bytes(page_bytes_));
  for (const auto& [pgno, page] : pages) pages_.at(pgno - 1) = page;
}

Result<ltx::Verified> ModelDatabase::apply(ltx::LtxReader& reader) {
  ltx::Verified result;
  TRY_ASSIGN(result.header, reader.header());
  PageSet pages;
  Bytes page(result.header.page_size.bytes());
  for (;;) {
    TRY_ASSIGN(const auto pgno, reader.next_page(page));
    if (!pgno) break;
    pages[pgno->value()] = page;
  }
  TRY_ASSIGN(result.trailer, reader.finish());
  result.pages = pages.size();
  apply(pages, result.header.commit);
  return result;
}

Checksum ModelDatabase::checksum() const {
  const PageNo lock = sqlite::lock_page(*PageSize::of(static_cast<uint32_t>(page_bytes_)));
  Checksum sum = kEmptyChecksum;
  for (uint32_t i = 0; i < size(); ++i) {
    if (PageNo(i + 1) != lock) sum = sum ^ ltx::page_checksum(PageNo(i + 1), pages_[i]);
  }
  return sum;
}

Bytes ModelDatabase::content() const {
  Bytes result;
  for (const Bytes& page : pages_) append(result, page);
  return result;
}

PageSet ModelDatabase::all_pages() const {
  PageSet result;
  for (uint32_t i = 0; i < size(); ++i) result[i + 1] = pages_[i];
  return result;
}

Bytes encode_file(const Header& header, const PageSet& pages, Checksum post_apply) {
  Bytes out;
  ltx::Encoder encoder(out);
  Status status = encoder.begin(header);
  for (const auto& [pgno, page] : pages) {
    if (status) status = encoder.add_page(PageNo(pgno), page);
  }
  if (!status) throw std::runtime_error(status.error().message());
  const auto trailer = encoder.finish(post_apply);
  if (!trailer) throw std::runtime_error(trailer.error().message());
  return out;
}

static uint32_t random_commit(Random& random, const ChainOptions& options) {
  const uint64_t choices = options.commit_max - options.commit_min + 1;
  return options.commit_min + static_cast<uint32_t>(below(random, choices));
}

static PageSet random_change(Random& random, const ChainOptions& options, uint32_t before,
                             uint32_t commit, bool complete) {
  PageSet pages;
  for (uint32_t pgno = 1; pgno <= commit; ++pgno) {
    const bool must = complete || (pgno > before && !options.holes);
    if (must || below(random, 4) == 0) pages[pgno] = random_page(random, options.page_bytes);
  }
  return pages;
}

RandomChain random_chain(Random& random, const ChainOptions& options) {
  RandomChain chain;
  ModelDatabase database(options.page_bytes);
  const uint32_t start = random_commit(random, options);
  if (!options.snapshot) database.apply(random_change(random, options, 0, start, true), start);
  chain.states.push_back(database);
  uint64_t txid = options.snapshot ? 1 : 2 + below(random, 1000);
  for (size_t i = 0; i < options.files; ++i) {
    Header header;
    header.flags = options.checksums ? 0 : ltx::kFlagNoChecksum;
    header.page_size = *PageSize::of(static_cast<uint32_t>(options.page_bytes));
    header.commit = random_commit(random, options);
    header.min_txid = Txid(txid);
    header.max_txid = Txid(txid + below(random, 3));
    header.timestamp_ms = static_cast<int64_t>(below(random, uint64_t{1} << 41));
    header.node_id = NodeId(random());
    header.epoch = Epoch(random());
    if (txid != 1 && options.checksums) header.pre_apply_checksum = database.checksum();
    const PageSet pages =
        random_change(random, options, database.size(), header.commit, header.is_snapshot());
    database.apply(pages, header.commit);
    chain.files.push_back(
        encode_file(header, pages, options.checksums ? database.checksum() : Checksum(0)));
    chain.states.push_back(database);
    txid = header.max_txid.value() + 1;
  }
  return chain;
}

}  // namespace skerry::test
