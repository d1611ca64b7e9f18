#include "daemon/replication/page_codec.h"

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <bit>

#include "daemon/replication/page_patch.h"
#include "daemon/replication/wire.h"
#include "ltx/base/invariant.h"

namespace skerry::replication {
namespace {

constexpr uint8_t kKindNew = 0;
constexpr uint8_t kKindPatched = 1;
constexpr uint8_t kKindKnown = 2;
constexpr uint8_t kPackingRaw = 0;
constexpr uint8_t kPackingZstd = 1;

// No zstd frame is smaller than a patch of this size: such a page is patched without a look at it.
constexpr size_t kSmallPatchBytes = 24;
// Above, a patch is no candidate.
constexpr size_t kPatchBytesMax = 400;
constexpr int kWindowLogMin = 10;
constexpr int kHashLogMax = 17;
// Buffers larger than this are given back after the block.
constexpr size_t kKeptBytesMax = size_t{256} << 10;

void forget(Bytes& buffer) {
  buffer.clear();
  if (buffer.capacity() > kKeptBytesMax) Bytes().swap(buffer);
}

}  // namespace

// --- Packing -------------------------------------------------------------------------------------

PagePacker::PagePacker(int level) : context_(ZSTD_createCCtx()), level_(level) {
  INVARIANT(context_ != nullptr);
}
PagePacker::~PagePacker() = default;

void PagePacker::Free::operator()(ZSTD_CCtx_s* context) const {
  ZSTD_freeCCtx(context);
}

void PagePacker::find_patches(std::span<const PageImage> pages) {
  patch_bytes_.clear();
  patches_.assign(pages.size(), {});
  for (size_t i = 0; i < pages.size(); ++i) {
    const PageImage& page = pages[i];
    if (page.before.size() != page.after.size()) continue;
    const size_t offset = patch_bytes_.size();
    if (append_patch(page.before, page.after, kPatchBytesMax, patch_bytes_)) {
      patches_[i] = {offset, patch_bytes_.size() - offset};
    }
  }
}

Status PagePacker::compress(std::span<const PageImage> pages, Bytes& frame) {
  prefix_.clear();
  content_.clear();
  for (size_t i = 0; i < pages.size(); ++i) {
    if (patches_[i].bytes != 0 && patches_[i].bytes <= kSmallPatchBytes) continue;
    if (!pages[i].before.empty()) append(prefix_, pages[i].before);
    append(content_, pages[i].after);
  }
  frame.clear();
  if (content_.empty()) return {};
  ZSTD_CCtx* const context = context_.get();
  ZSTD_CCtx_reset(context, ZSTD_reset_session_and_parameters);
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level_);
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 0);
  ZSTD_CCtx_setParameter(context, ZSTD_c_dictIDFlag, 0);
  // The window reaches back over all of the prefix, and so do the places that it is searched by.
  const int reach_log = static_cast<int>(std::bit_width(prefix_.size() + content_.size()));
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, std::max(kWindowLogMin, reach_log));
  if (!prefix_.empty()) {
    ZSTD_CCtx_setParameter(context, ZSTD_c_hashLog, std::clamp(reach_log, 12, kHashLogMax));
  }
  ZSTD_CCtx_refPrefix(context, prefix_.data(), prefix_.size());
  frame.resize(ZSTD_compressBound(content_.size()));
  const size_t n =
      ZSTD_compress2(context, frame.data(), frame.size(), content_.data(), content_.size());
  if (ZSTD_isError(n) != 0) {
    return fail(Errc::kInvalid, fmt::format("compressing pages: {}", ZSTD_getErrorName(n)));
  }
  frame.resize(n);
  return {};
}

// What the frame's pages would take as patches; 0 if one of them has none.
size_t PagePacker::patched_instead(std::span<const PageImage> pages) {
  size_t bytes = 0;
  for (size_t i = 0; i < pages.size(); ++i) {
    if (patches_[i].bytes == 0) return 0;
    if (patches_[i].bytes > kSmallPatchBytes) bytes += patches_[i].bytes + 1;
  }
  return bytes;
}

Status PagePacker::pack(std::span<const PageImage> pages, Bytes& out) {
  INVARIANT(pages.size() <= kBlockPagesMax);
  INVARIANT(pages.empty() || pages.size() * pages[0].after.size() <= kBlockBytesMax);
  find_patches(pages);
  TRY(compress(pages, frame_));
  const size_t patched_bytes = patched_instead(pages);
  const bool all_patched = patched_bytes != 0 && patched_bytes <= frame_.size() + 1;
  const bool raw = frame_.size() >= content_.size();
  WireWriter writer(out);
  writer.number(pages.size());
  uint64_t previous = 0;
  for (size_t i = 0; i < pages.size(); ++i) {
    const Patch& patch = patches_[i];
    const bool patched = patch.bytes != 0 && (all_patched || patch.bytes <= kSmallPatchBytes);
    const uint64_t known = !raw && !pages[i].before.empty() ? kKindKnown : kKindNew;
    const uint64_t kind = patched ? kKindPatched : known;
    writer.number((pages[i].pgno.value() - previous) << 2 | kind);
    previous = pages[i].pgno.value();
    if (!patched) continue;
    writer.number(patch.bytes);
    writer.bytes(ByteView(patch_bytes_).subspan(patch.offset, patch.bytes));
  }
  if (!content_.empty() && !all_patched) {
    writer.byte(raw ? kPackingRaw : kPackingZstd);
    writer.bytes(raw ? content_ : frame_);
  }
  for (Bytes* buffer : {&prefix_, &content_, &frame_, &patch_bytes_}) forget(*buffer);
  return {};
}

// --- Unpacking -----------------------------------------------------------------------------------

PageUnpacker::PageUnpacker() : context_(ZSTD_createDCtx()), page_(kPageBytesMax) {
  INVARIANT(context_ != nullptr);
}
PageUnpacker::~PageUnpacker() = default;

void PageUnpacker::Free::operator()(ZSTD_DCtx_s* context) const {
  ZSTD_freeDCtx(context);
}

static std::unexpected<Error> malformed(std::string_view what) {
  return fail(Errc::kInvalid, fmt::format("stream: a block of pages {}", what));
}

// Returns what follows the entries.
Result<ByteView> PageUnpacker::read_entries(ByteView block, PageSize page_size) {
  WireReader in(block);
  const uint64_t count = in.number(
      std::min<uint64_t>({kBlockPagesMax, kBlockBytesMax / page_size.bytes(), block.size()}));
  entries_.clear();
  entries_.reserve(count);
  uint64_t pgno = 0;
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    const uint64_t head = in.number();
    pgno += head >> 2;
    if (head >> 2 == 0 || pgno > UINT32_MAX || (head & 3) > kKindKnown) in.refuse();
    Entry entry{PageNo(static_cast<uint32_t>(pgno)), static_cast<Kind>(head & 3), {}};
    if (entry.kind == Kind::kPatched) entry.patch = in.bytes(in.number());
    entries_.push_back(entry);
  }
  if (!in.ok()) return malformed("has a malformed list");
  return in.rest();
}

Status PageUnpacker::decompress(ByteView frame, PageSize page_size, const Before& before) {
  prefix_.clear();
  size_t pages = 0;
  for (const Entry& entry : entries_) {
    if (entry.kind != Kind::kPatched) ++pages;
    if (entry.kind != Kind::kKnown) continue;
    TRY_ASSIGN(const ByteView page, before(entry.pgno));
    append(prefix_, page);
  }
  content_.resize(pages * page_size.bytes());
  if (pages == 0) return frame.empty() ? Status() : malformed("is too long");
  if (frame.empty()) return malformed("lacks its pages");
  const auto packing = std::to_integer<uint8_t>(frame.front());
  frame = frame.subspan(1);
  if (packing == kPackingRaw) {
    if (frame.size() != content_.size()) return malformed("is not as long as its pages");
    std::ranges::copy(frame, content_.begin());
    return {};
  }
  if (packing != kPackingZstd) return malformed("is packed in an unknown way");
  ZSTD_DCtx_reset(context_.get(), ZSTD_reset_session_and_parameters);
  ZSTD_DCtx_refPrefix(context_.get(), prefix_.data(), prefix_.size());
  const size_t n = ZSTD_decompressDCtx(context_.get(), content_.data(), content_.size(),
                                       frame.data(), frame.size());
  if (ZSTD_isError(n) != 0 || n != content_.size()) {
    const char* why = ZSTD_isError(n) != 0 ? ZSTD_getErrorName(n) : "too short";
    return fail(prefix_.empty() ? Errc::kInvalid : Errc::kCorrupt,
                fmt::format("stream: a block of pages cannot be unpacked: {}", why));
  }
  return {};
}

Status PageUnpacker::unpack(ByteView block, PageSize page_size, const Before& before,
                            const Take& take) {
  TRY_ASSIGN(const ByteView frame, read_entries(block, page_size));
  TRY(decompress(frame, page_size, before));
  size_t at = 0;
  for (const Entry& entry : entries_) {
    if (entry.kind != Kind::kPatched) {
      TRY(take(entry.pgno, ByteView(content_).subspan(at, page_size.bytes())));
      at += page_size.bytes();
      continue;
    }
    TRY_ASSIGN(const ByteView old, before(entry.pgno));
    const ByteSpan page = ByteSpan(page_).first(page_size.bytes());
    if (old.size() != page.size()) return malformed("patches a page of another size");
    std::ranges::copy(old, page.begin());
    if (!apply_patch(entry.patch, page)) return malformed("has a patch that does not fit");
    TRY(take(entry.pgno, page));
  }
  forget(prefix_);
  forget(content_);
  return {};
}

}  // namespace skerry::replication
