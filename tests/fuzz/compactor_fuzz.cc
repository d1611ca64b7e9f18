// Chains of files, well formed or slightly damaged, by the input's decisions: the merged file does
// what the files do one by one.
#include "ltx/compactor.h"

#include <deque>

#include "ltx/decoder.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/ltx_model.h"

namespace skerry::fuzz {
namespace {

using test::ModelDatabase;
using test::PageSet;

constexpr size_t kPageBytes = 512;
constexpr uint32_t kCommitMax = 12;

struct Chain {
  ModelDatabase before{kPageBytes};
  ModelDatabase after{kPageBytes};
  std::vector<Bytes> files;
  bool damaged = false;
};

PageSet decide_pages(Decisions& decisions, uint32_t commit, bool complete) {
  PageSet pages;
  const uint32_t mask = decisions.word();
  for (uint32_t pgno = 1; pgno <= commit; ++pgno) {
    if (complete || (mask >> pgno & 1) != 0) {
      pages[pgno] = Bytes(kPageBytes, std::byte{decisions.byte()});
    }
  }
  return pages;
}

Chain decide_chain(Decisions& decisions) {
  Chain chain;
  const uint8_t flags = decisions.byte();
  const bool snapshot = (flags & 1) != 0;
  const bool checksums = (flags & 2) != 0;
  const uint32_t count = 1 + flags % 7;
  if (!snapshot) {
    const uint32_t commit = decisions.below(kCommitMax);
    chain.before.apply(decide_pages(decisions, commit, true), commit);
  }
  chain.after = chain.before;
  for (uint64_t txid = snapshot ? 1 : 5, end = txid + count; txid < end; ++txid) {
    ltx::Header header;
    header.flags = checksums ? 0 : ltx::kFlagNoChecksum;
    header.page_size = *PageSize::of(kPageBytes);
    header.commit = decisions.below(kCommitMax);
    header.min_txid = header.max_txid = Txid(txid);
    if (txid != 1 && checksums) header.pre_apply_checksum = chain.after.checksum();
    const PageSet pages = decide_pages(decisions, header.commit, txid == 1);
    chain.after.apply(pages, header.commit);
    chain.files.push_back(
        test::encode_file(header, pages, checksums ? chain.after.checksum() : Checksum(0)));
  }
  for (int i = 0; i < 3 && !decisions.empty(); ++i) {
    Bytes& file = chain.files[decisions.below(count)];
    const uint32_t at = decisions.below(static_cast<uint32_t>(file.size()));
    const auto flip = std::byte{decisions.byte()};
    file[at] ^= flip;
    chain.damaged = chain.damaged || flip != std::byte{0};
  }
  return chain;
}

Result<Bytes> compact(const std::vector<Bytes>& files) {
  std::deque<ltx::MemorySource> sources;
  std::deque<ltx::Decoder> decoders;
  std::vector<ltx::LtxReader*> readers;
  for (const Bytes& file : files) {
    decoders.emplace_back(sources.emplace_back(file), 512);
    readers.push_back(&decoders.back());
  }
  Bytes out;
  TRY_ASSIGN(auto compactor, ltx::Compactor::over(readers, out));
  for (bool more = true; more;) {
    TRY_ASSIGN(more, compactor.step());
  }
  TRY(compactor.finish());
  return out;
}

}  // namespace
}  // namespace skerry::fuzz

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace skerry;
  fuzz::Decisions decisions(fuzz::view(data, size));
  const fuzz::Chain chain = fuzz::decide_chain(decisions);
  const auto file = fuzz::compact(chain.files);
  if (!file) {
    INVARIANT(chain.damaged);
    return 0;
  }
  test::ModelDatabase database = chain.before;
  ltx::MemorySource source(*file);
  ltx::Decoder decoder(source);
  INVARIANT(database.apply(decoder));
  INVARIANT(database == chain.after);
  return 0;
}
