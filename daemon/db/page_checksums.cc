#include "daemon/db/page_checksums.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "ltx/base/invariant.h"
#include "ltx/crc64.h"

namespace skerry::db {
namespace {

constexpr std::string_view kMagic = "SKCHKSM1";
constexpr size_t kHeaderBytes = 4096;
constexpr size_t kSlotFieldBytes = 120;  // what the slot's CRC covers
constexpr uint32_t kClean = 1;           // flags of the state
constexpr uint32_t kImagePending = 2;
constexpr uint32_t kEntriesMin = 512;
constexpr uint64_t kEntriesStep = 128 * 1024;  // 1 MiB of table, 512 MiB of 4 KiB pages

using Slot = std::array<std::byte, kSlotFieldBytes + 8>;

Slot encode(const TableState& s, uint64_t sequence) {
  Slot b{};
  std::memcpy(&b[0], kMagic.data(), kMagic.size());
  store_le64(&b[8], sequence);
  store_le64(&b[16], s.position.txid.value());
  store_le64(&b[24], s.position.checksum.value());
  store_le64(&b[32], s.epoch.value());
  store_le64(&b[40], static_cast<uint64_t>(s.timestamp_ms));
  store_le32(&b[48], s.commit);
  store_le32(&b[52], s.page_bytes);
  store_le32(&b[56], s.wal_salt.salt1);
  store_le32(&b[60], s.wal_salt.salt2);
  store_le32(&b[64], s.wal_end.frames);
  store_le32(&b[68], (s.clean ? kClean : 0) | (s.image_pending ? kImagePending : 0));
  store_le32(&b[72], s.wal_end.checksum.s0);
  store_le32(&b[76], s.wal_end.checksum.s1);
  store_le64(&b[80], s.synced_txid.value());
  std::ranges::copy(s.boot_id, &b[88]);
  store_le32(&b[104], s.wal_end.writer_checksum.s0);
  store_le32(&b[108], s.wal_end.writer_checksum.s1);
  store_le64(&b[112], s.log_offset);
  ltx::Crc64 crc;
  crc.update(ByteView(b).first(kSlotFieldBytes));
  store_le64(&b[kSlotFieldBytes], crc.value());
  return b;
}

struct Decoded {
  TableState state;
  uint64_t sequence = 0;
};

std::optional<Decoded> decode(ByteView b) {
  ltx::Crc64 crc;
  crc.update(b.first(kSlotFieldBytes));
  if (as_text(b.first(kMagic.size())) != kMagic || load_le64(&b[kSlotFieldBytes]) != crc.value()) {
    return std::nullopt;
  }
  Decoded d;
  d.sequence = load_le64(&b[8]);
  TableState& s = d.state;
  s.position = {Txid(load_le64(&b[16])), Checksum(load_le64(&b[24]))};
  s.epoch = Epoch(load_le64(&b[32]));
  s.timestamp_ms = static_cast<int64_t>(load_le64(&b[40]));
  s.commit = load_le32(&b[48]);
  s.page_bytes = load_le32(&b[52]);
  s.wal_salt = {load_le32(&b[56]), load_le32(&b[60])};
  s.wal_end.frames = load_le32(&b[64]);
  s.clean = (load_le32(&b[68]) & kClean) != 0;
  s.image_pending = (load_le32(&b[68]) & kImagePending) != 0;
  s.wal_end.checksum = {load_le32(&b[72]), load_le32(&b[76])};
  s.synced_txid = Txid(load_le64(&b[80]));
  std::copy_n(&b[88], s.boot_id.size(), s.boot_id.begin());
  s.wal_end.writer_checksum = {load_le32(&b[104]), load_le32(&b[108])};
  s.log_offset = load_le64(&b[112]);
  return d;
}

}  // namespace

Result<std::unique_ptr<PageChecksums>> PageChecksums::create(os::FileSystem& fs,
                                                             const std::string& path) {
  TRY_ASSIGN(auto file, fs.open(os::Site("table:create"), path, os::OpenMode::kTruncate));
  std::unique_ptr<PageChecksums> table(new PageChecksums(std::move(file)));
  TRY(table->map(kHeaderBytes + uint64_t{kEntriesMin} * 8));
  table->save({});
  return table;
}

Result<std::unique_ptr<PageChecksums>> PageChecksums::open(os::FileSystem& fs,
                                                           const std::string& path) {
  auto file = fs.open(os::Site("table:open"), path, os::OpenMode::kReadWrite);
  if (!file && file.error().code() == Errc::kNotFound) return create(fs, path);
  TRY(file);
  std::unique_ptr<PageChecksums> table(new PageChecksums(std::move(*file)));
  TRY_ASSIGN(const os::FileInfo info, table->file_->info());
  if (info.bytes < kHeaderBytes) {
    return fail(Errc::kCorrupt,
                fmt::format("{}: {} bytes, shorter than its header", path, info.bytes));
  }
  TRY(table->map(info.bytes));
  if (auto loaded = table->load(); !loaded) return std::unexpected(loaded.error().within(path));
  return table;
}

Status PageChecksums::load() {
  const auto a = decode({slot(0), kSlotBytes});
  const auto b = decode({slot(1), kSlotBytes});
  if (!a && !b)
    return fail(Errc::kCorrupt, "page-checksum table: neither copy of its state is whole");
  const Decoded& newest = !b || (a && a->sequence > b->sequence) ? *a : *b;
  state_ = newest.state;
  sequence_ = newest.sequence;
  if (state_.commit > capacity_ ||
      (state_.page_bytes != 0 && !PageSize::valid(state_.page_bytes))) {
    return fail(Errc::kCorrupt, "page-checksum table: its state does not fit the file");
  }
  return {};
}

Status PageChecksums::map(uint64_t file_bytes) {
  // Allocated, not sparse: a store into a mapped hole ends the process when the disk is full.
  TRY(file_->allocate(os::Site("table:grow"), 0, file_bytes));
  TRY_ASSIGN(auto fresh, file_->map(os::Site("table:map"), file_bytes));
  map_ = std::move(fresh);
  capacity_ = static_cast<uint32_t>(
      std::min<uint64_t>((file_bytes - kHeaderBytes) / 8, std::numeric_limits<uint32_t>::max()));
  return {};
}

uint64_t* PageChecksums::entries() const {
  return reinterpret_cast<uint64_t*>(map_->bytes().data() + kHeaderBytes);
}

void PageChecksums::save(const TableState& state) {
  state_ = state;
  ++sequence_;
  const Slot encoded = encode(state, sequence_);
  std::ranges::copy(encoded, slot(sequence_ % 2));
}

Status PageChecksums::reserve(uint32_t pages) {
  if (pages <= capacity_) return {};
  const uint64_t doubled = std::min<uint64_t>(uint64_t{capacity_} * 2, capacity_ + kEntriesStep);
  const uint64_t wanted = std::max<uint64_t>(pages, doubled);
  return map(kHeaderBytes + (wanted + 511) / 512 * 4096);
}

Checksum PageChecksums::get(PageNo pgno) const {
  if (pgno.value() > capacity_) return Checksum(0);
  const uint64_t entry = entries()[pgno.value() - 1];
  return Checksum(entry == 0 ? 0 : entry | kChecksumFlag);
}

bool PageChecksums::dirty(PageNo pgno) const {
  if (pgno.value() > capacity_) return false;
  const uint64_t entry = entries()[pgno.value() - 1];
  return entry != 0 && (entry & kChecksumFlag) == 0;
}

void PageChecksums::set(PageNo pgno, Checksum checksum) {
  INVARIANT(pgno.value() >= 1 && pgno.value() <= capacity_);
  entries()[pgno.value() - 1] = checksum.value();
}

void PageChecksums::mark_dirty(PageNo pgno) {
  if (pgno.value() > capacity_) return;
  entries()[pgno.value() - 1] &= ~kChecksumFlag;
}

uint64_t PageChecksums::truncate(uint32_t pages, uint32_t old_pages) {
  uint64_t removed = 0;
  for (uint64_t i = pages; i < std::min(old_pages, capacity_); ++i) {
    removed ^= entries()[i];
    entries()[i] = 0;
  }
  return removed & ~kChecksumFlag;
}

std::vector<PageNo> PageChecksums::dirty_pages(uint32_t pages) const {
  std::vector<PageNo> found;
  for (uint32_t i = 0; i < std::min(pages, capacity_); ++i) {
    const uint64_t entry = entries()[i];
    if (entry != 0 && (entry & kChecksumFlag) == 0) found.emplace_back(i + 1);
  }
  return found;
}

Checksum PageChecksums::total(uint32_t pages) const {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < std::min(pages, capacity_); ++i) sum ^= entries()[i];
  return Checksum(sum | kChecksumFlag);
}

Status PageChecksums::sync(os::Mapping& mapping) {
  return mapping.sync(os::Site("table:sync"));
}

BootId current_boot_id() {
  BootId id{};
  if (std::FILE* file = std::fopen("/proc/sys/kernel/random/boot_id", "re")) {
    std::array<char, 64> text{};
    const size_t n = std::fread(text.data(), 1, text.size() - 1, file);
    std::fclose(file);
    size_t at = 0;
    for (size_t i = 0; i < n && at < id.size() * 2; ++i) {
      const char c = text[i];
      const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
      if (digit < 0) continue;
      auto& byte = id[at / 2];
      byte = static_cast<std::byte>((std::to_integer<int>(byte) << 4) | digit);
      ++at;
    }
  }
  return id;
}

}  // namespace skerry::db
