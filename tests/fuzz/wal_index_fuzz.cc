// Shared memory that holds anything: reading it ends, and a rebuild mends it.
#include "ltx/sqlite/wal_index.h"

#include <array>
#include <memory>
#include <random>
#include <vector>

#include "tests/fuzz/fuzz.h"

namespace skerry::fuzz {
namespace {

constexpr size_t kBlocks = 3;
constexpr uint32_t kFramesMax = 4500;  // two blocks
constexpr uint32_t kPagesMax = 900;

class Memory final : public sqlite::WalIndexMemory {
 public:
  // Block after block from the input, which repeats itself.
  explicit Memory(ByteView content) : blocks_(std::make_unique<Blocks>()) {
    for (ByteSpan rest(blocks_->bytes); !content.empty() && !rest.empty();) {
      const size_t n = std::min(rest.size(), content.size());
      std::copy_n(content.begin(), n, rest.begin());
      rest = rest.subspan(n);
    }
  }
  std::byte* block(size_t index) override {
    return index < kBlocks ? &blocks_->bytes[index * sqlite::kWalIndexBlockBytes] : nullptr;
  }
  Status grow(size_t) override { return fail(Errc::kNoSpace, "no more blocks"); }

 private:
  struct Blocks {
    alignas(8) std::array<std::byte, kBlocks * sqlite::kWalIndexBlockBytes> bytes{};
  };
  std::unique_ptr<Blocks> blocks_;
};

void read(sqlite::WalIndex& index, Decisions& decisions) {
  if (const auto header = index.header()) {
    INVARIANT(sqlite::decode_wal_index_header(sqlite::encode(*header)) == header);
    (void)index.find(PageNo(1), header->max_frame, index.backfilled() / 2 + 1).has_value();
  }
  for (int i = 0; i < 5; ++i) {
    const uint32_t max = decisions.word();
    const uint32_t min = 1 + decisions.below(kFramesMax);
    const PageNo pgno(decisions.word());
    const auto found = index.find(pgno, max % (3 * kFramesMax), min);
    if (!found || *found == 0) continue;
    INVARIANT(*found >= min && *found <= max % (3 * kFramesMax));
    INVARIANT(index.page_of(*found).value() == pgno);
  }
}

void mend(sqlite::WalIndex& index, Decisions& decisions) {
  std::vector<PageNo> pages(decisions.below(kFramesMax));
  std::minstd_rand random(decisions.word());
  for (PageNo& pgno : pages) pgno = PageNo(1 + static_cast<uint32_t>(random() % kPagesMax));
  sqlite::WalIndexHeader header;
  header.max_frame = static_cast<uint32_t>(pages.size());
  INVARIANT(index.rebuild(header, pages));
  INVARIANT(index.header() == header);
  std::vector<uint32_t> newest(kPagesMax + 1);
  for (uint32_t frame = 1; frame <= pages.size(); ++frame) newest[pages[frame - 1].value()] = frame;
  for (uint32_t pgno = 1; pgno <= kPagesMax; ++pgno) {
    INVARIANT(index.find(PageNo(pgno), header.max_frame).value() == newest[pgno]);
  }
}

}  // namespace
}  // namespace skerry::fuzz

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace skerry;
  const ByteView input = fuzz::view(data, size);
  fuzz::Decisions decisions(input);
  fuzz::Memory memory(input);
  sqlite::WalIndex index(memory);
  fuzz::read(index, decisions);
  const uint32_t frame = decisions.below(fuzz::kFramesMax);
  (void)index.append(frame + 1, PageNo(7), frame).has_value();
  index.truncate(frame);
  fuzz::mend(index, decisions);
  return 0;
}
