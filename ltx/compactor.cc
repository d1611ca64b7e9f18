#include "ltx/compactor.h"

#include <fmt/format.h>

#include <algorithm>

#include "ltx/base/invariant.h"
#include "ltx/checksum.h"
#include "ltx/decoder.h"
#include "ltx/sqlite/lock_bytes.h"

namespace skerry::ltx {

static constexpr size_t kBuffersBytes = size_t{1024} * 1024;
static constexpr size_t kBufferBytesMin = 4096;

size_t compactor_buffer_bytes(size_t inputs) {
  return std::clamp(kBuffersBytes / std::max<size_t>(inputs, 1), kBufferBytesMin,
                    kDecoderBufferBytes);
}

static Status check_neighbours(const Header& before, const Header& after) {
  if (before.max_txid.value() + 1 != after.min_txid.value()) {
    return fail(Errc::kInvalid, fmt::format("LTX compaction: {} follows {}: not contiguous",
                                            to_string(after.min_txid), to_string(before.max_txid)));
  }
  if (before.page_size != after.page_size) {
    return fail(Errc::kInvalid, fmt::format("LTX compaction: page sizes {} and {}",
                                            before.page_size.bytes(), after.page_size.bytes()));
  }
  if (before.has_checksums() != after.has_checksums()) {
    return fail(Errc::kInvalid, "LTX compaction: some inputs have checksums, others none");
  }
  return {};
}

static Header merged_header(const Header& first, const Header& last) {
  Header header;
  header.flags = first.flags;
  header.page_size = first.page_size;
  header.commit = last.commit;
  header.min_txid = first.min_txid;
  header.max_txid = last.max_txid;
  header.timestamp_ms = last.timestamp_ms;
  header.pre_apply_checksum = first.pre_apply_checksum;
  header.epoch = last.epoch;
  return header;
}

Compactor::Compactor(Bytes& out) : encoder_(std::make_unique<Encoder>(out)) {}

Result<Compactor> Compactor::over(std::span<LtxReader* const> inputs, Bytes& out) {
  if (inputs.empty() || inputs.size() > kCompactorInputsMax) {
    return fail(Errc::kInvalid, fmt::format("LTX compaction: {} inputs, not 1 to {}", inputs.size(),
                                            kCompactorInputsMax));
  }
  Compactor compactor(out);
  TRY(compactor.open_inputs(inputs));
  compactor.plan();
  TRY(compactor.encoder_->begin(compactor.header_));
  for (size_t i = 0; i < inputs.size(); ++i) TRY(compactor.advance(i));
  return compactor;
}

Status Compactor::open_inputs(std::span<LtxReader* const> readers) {
  inputs_.reserve(readers.size());
  for (LtxReader* reader : readers) {
    TRY_ASSIGN(const Header header, reader->header());
    if (!inputs_.empty()) TRY(check_neighbours(inputs_.back().header, header));
    inputs_.push_back({reader, header, 0, PageNo(0), Bytes(header.page_size.bytes()), Checksum(0)});
  }
  return {};
}

void Compactor::plan() {
  header_ = merged_header(inputs_.front().header, inputs_.back().header);
  zeros_.resize(header_.page_size.bytes());
  commit_min_ = header_.commit;
  for (auto input = inputs_.rbegin(); input != inputs_.rend(); ++input) {
    input->kept_max = commit_min_;
    commit_min_ = std::min(commit_min_, input->header.commit);
  }
}

bool Compactor::comes_later(size_t a, size_t b) const {
  if (inputs_[a].pgno != inputs_[b].pgno) return inputs_[a].pgno > inputs_[b].pgno;
  return a < b;
}

// Reads the input's next page that counts and puts it into the heap, or verifies the input's end.
Status Compactor::advance(size_t i) {
  Input& input = inputs_[i];
  for (;;) {
    TRY_ASSIGN(const auto pgno, input.reader->next_page(input.page));
    if (!pgno) break;
    if (pgno->value() > input.kept_max) continue;
    input.pgno = *pgno;
    heap_.push_back(i);
    std::ranges::push_heap(heap_, [this](size_t a, size_t b) { return comes_later(a, b); });
    return {};
  }
  TRY_ASSIGN(const Trailer trailer, input.reader->finish());
  input.post_apply_checksum = trailer.post_apply_checksum;
  input.pgno = PageNo(0);
  input.page = Bytes();
  return {};
}

// Passes every input over the page that was written last.
Status Compactor::drop_superseded() {
  while (!heap_.empty() && inputs_[heap_.front()].pgno == last_) {
    std::ranges::pop_heap(heap_, [this](size_t a, size_t b) { return comes_later(a, b); });
    const size_t input = heap_.back();
    heap_.pop_back();
    TRY(advance(input));
  }
  return {};
}

// The next page above the smallest size that the database had in between; past the end: 0.
PageNo Compactor::due_zero_page() const {
  const PageNo lock = sqlite::lock_page(header_.page_size);
  uint64_t due = std::max<uint64_t>(last_.value(), commit_min_) + 1;
  if (due == lock.value()) ++due;
  return PageNo(due > header_.commit ? 0 : static_cast<uint32_t>(due));
}

Status Compactor::write_zeros(PageNo pgno) {
  if (++zero_pages_ <= kCompactorZeroPagesMax) return write(pgno, zeros_);
  return fail(Errc::kCorrupt,
              fmt::format("LTX compaction: the database grows to {} pages, but page "
                          "{} and {} before it were never written",
                          header_.commit, pgno.value(), kCompactorZeroPagesMax));
}

Status Compactor::write(PageNo pgno, ByteView page) {
  TRY(encoder_->add_page(pgno, page));
  if (header_.is_snapshot() && header_.has_checksums()) {
    pages_checksum_ = pages_checksum_ ^ page_checksum(pgno, page);
  }
  last_ = pgno;
  return {};
}

Result<bool> Compactor::step() {
  const PageNo zero = due_zero_page();
  if (heap_.empty() && zero == PageNo(0)) return encoder_->add_index_part();
  if (!heap_.empty()) {
    const Input& top = inputs_[heap_.front()];
    if (zero == PageNo(0) || top.pgno <= zero) {
      TRY(write(top.pgno, top.page));
      TRY(drop_superseded());
      return true;
    }
  }
  TRY(write_zeros(zero));
  return true;
}

Status Compactor::check_chain() const {
  if (!header_.has_checksums()) return {};
  for (size_t i = 1; i < inputs_.size(); ++i) {
    const Checksum before = inputs_[i - 1].post_apply_checksum;
    const Header& header = inputs_[i].header;
    if (header.pre_apply_checksum != before) {
      return fail(Errc::kCorrupt,
                  fmt::format("LTX compaction: {} begins in state {}, its predecessor ends in {}",
                              to_string(header.min_txid), to_string(header.pre_apply_checksum),
                              to_string(before)));
    }
  }
  if (header_.is_snapshot() && pages_checksum_ != inputs_.back().post_apply_checksum) {
    return fail(Errc::kCorrupt, "LTX compaction: pages do not add up to the post-apply checksum");
  }
  return {};
}

Result<Trailer> Compactor::finish() {
  INVARIANT(heap_.empty() && due_zero_page() == PageNo(0));
  TRY(check_chain());
  return encoder_->finish(inputs_.back().post_apply_checksum);
}

}  // namespace skerry::ltx
