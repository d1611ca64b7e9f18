#include "daemon/db/retention.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "ltx/compactor.h"
#include "ltx/decoder.h"

namespace skerry::db {
namespace {

// Each input of a merge keeps one page in memory.
constexpr size_t kMergePagesBytes = 2 * 1024 * 1024;
constexpr size_t kMergeInputsMax = 512;
constexpr size_t kDrainBytes = 256 * 1024;

size_t inputs_max(PageSize page_size) {
  return std::clamp<size_t>(kMergePagesBytes / page_size.bytes(), 2, kMergeInputsMax);
}

int64_t milliseconds(int64_t ns) {
  return ns / 1'000'000;
}

HistoryPiece piece_of(const LtxLevels::File& file) {
  return {file.level,     file.first,     file.last,       file.bytes,
          file.oldest_ms, file.newest_ms, file.page_bytes, false};
}

Result<HistoryPiece> piece_of(const LogSegment& segment, bool active) {
  TRY_ASSIGN(const auto info, segment.info());
  const int64_t newest_ms = milliseconds(info.modified_ns);
  const int64_t created_ms = milliseconds(info.created_ns);
  return HistoryPiece{0,
                      segment.first(),
                      segment.last(),
                      info.bytes,
                      created_ms == 0 ? newest_ms : std::min(created_ms, newest_ms),
                      newest_ms,
                      0,
                      active};
}

// One merged file from neighbours, oldest first, all of one page size.
class Merge {
 public:
  Merge(LtxLevels& levels, int level) : levels_(levels), level_(level) {}

  void add(StoredLtx input) {
    bytes_ += input.bytes();
    inputs_.push_back(std::move(input));
  }
  [[nodiscard]] size_t count() const { return inputs_.size(); }
  [[nodiscard]] uint64_t bytes() const { return bytes_; }

  [[nodiscard]] Status run(int64_t oldest_ms) {
    TRY_ASSIGN(auto draft, levels_.create(level_, inputs_.front().first(), inputs_.back().last()));
    auto merged = write(*draft.file);
    if (merged) {
      merged->oldest_ms = std::min(oldest_ms, merged->newest_ms);
      return levels_.commit(std::move(draft), *merged);
    }
    levels_.discard(draft);
    return std::unexpected(merged.error().within(fmt::format("merging transactions {}-{}",
                                                             to_string(inputs_.front().first()),
                                                             to_string(inputs_.back().last()))));
  }

 private:
  [[nodiscard]] Result<LtxLevels::File> write(os::File& file) {
    std::deque<StoredLtxSource> sources;
    std::deque<ltx::Decoder> decoders;
    std::vector<ltx::LtxReader*> readers;
    for (const StoredLtx& input : inputs_) {
      sources.emplace_back(input);
      decoders.emplace_back(sources.back(), ltx::compactor_buffer_bytes(inputs_.size()));
      readers.push_back(&decoders.back());
    }
    Bytes out;
    uint64_t written = 0;
    const auto drain = [&](size_t more_than) -> Status {
      if (out.size() <= more_than) return {};
      TRY(file.write_at(os::Site("merge:write"), written, out));
      written += out.size();
      out.clear();
      return {};
    };
    TRY_ASSIGN(auto compactor, ltx::Compactor::over(readers, out));
    for (bool more = true; more;) {
      TRY_ASSIGN(more, compactor.step());
      TRY(drain(kDrainBytes));
    }
    TRY(compactor.finish());
    TRY(drain(0));
    TRY(verify(file, compactor.header(), written));
    return LtxLevels::File{level_,
                           inputs_.front().first(),
                           inputs_.back().last(),
                           written,
                           compactor.header().timestamp_ms,
                           0,
                           compactor.header().page_size.bytes()};
  }

  // Reads back what was written.
  [[nodiscard]] static Status verify(os::File& file, const ltx::Header& header, uint64_t bytes) {
    // The file outlives the source, which shares it only in form.
    const std::shared_ptr<os::File> shared(std::shared_ptr<os::File>(), &file);
    StoredLtxSource source(StoredLtx(header.min_txid, header.max_txid, shared, 0, bytes));
    TRY_ASSIGN(const auto verified, ltx::verify(source));
    if (verified.header == header) return {};
    return fail(Errc::kCorrupt, "the merged file does not read back as it was written");
  }

  LtxLevels& levels_;
  const int level_;
  std::vector<StoredLtx> inputs_;
  uint64_t bytes_ = 0;
};

// A segment's records become files of level 1, several where they are too many for one merge or the
// page size changes.
Status merge_segment(CommitLog& log, const HistoryPiece& piece, RetentionResult& result) {
  std::optional<Merge> merge;
  PageSize page_size = *PageSize::of(4096);
  const auto finish = [&]() -> Status {
    if (!merge) return {};
    TRY(merge->run(piece.oldest_ms));
    ++result.merged;
    merge.reset();
    return {};
  };
  for (Txid txid = piece.first; txid <= piece.last;) {
    const auto found = log.find(txid);
    if (!found)
      return fail(Errc::kCorrupt, fmt::format("transaction {} cannot be read from the "
                                              "commit log",
                                              to_string(txid)));
    TRY_ASSIGN(auto record, found->segment->stored(found->place));
    TRY_ASSIGN(const auto header, record.header());
    const bool full =
        merge && (header.page_size != page_size || merge->count() >= inputs_max(page_size) ||
                  merge->bytes() + record.bytes() > kMergeBytesMax);
    if (full) TRY(finish());
    page_size = header.page_size;
    if (!merge) merge.emplace(log.levels(), 1);
    txid = next(record.last());
    merge->add(std::move(record));
  }
  TRY(finish());
  result.freed_bytes += piece.bytes;
  return log.remove_before(next(piece.last));
}

Status merge_files(CommitLog& log, std::span<const HistoryPiece> pieces, int level,
                   RetentionResult& result) {
  Merge merge(log.levels(), level);
  for (const HistoryPiece& piece : pieces) {
    TRY_ASSIGN(auto found, log.levels().find(piece.first));
    if (!found) return fail(Errc::kNotFound, "a merged file is gone");
    merge.add(std::move(*found));
  }
  TRY(merge.run(pieces.front().oldest_ms));
  ++result.merged;
  return {};
}

Result<std::vector<HistoryPiece>> pieces_of(CommitLog& log) {
  std::vector<HistoryPiece> pieces;
  const auto segments = log.segments();
  for (const LtxLevels::File& file : log.levels().files()) pieces.push_back(piece_of(file));
  for (const auto& segment : segments) {
    TRY_ASSIGN(const auto piece, piece_of(*segment, segment == segments.back()));
    pieces.push_back(piece);
  }
  return pieces;
}

Status remove_pieces(CommitLog& log, std::span<const HistoryPiece> pieces, Txid removable,
                     RetentionResult& result) {
  for (const HistoryPiece& piece : pieces) {
    if (piece.last > removable) return {};
    if (piece.level == 0) {
      TRY(log.remove_before(next(piece.last)));
    } else {
      TRY(log.levels().remove({piece.level, piece.first, piece.last, 0, 0, 0, 0}));
    }
    ++result.removed;
    result.freed_bytes += piece.bytes;
  }
  return {};
}

}  // namespace

Result<RetentionResult> enforce_retention(CommitLog& log, const RetentionSettings& settings,
                                          Txid removable, int64_t now_ms) {
  RetentionResult result;
  TRY_ASSIGN(const auto pieces, pieces_of(log));
  const RetentionPlan plan = retention_plan(pieces, settings, now_ms);
  if (plan.roll) log.roll();
  TRY(remove_pieces(log, std::span(pieces).first(plan.remove), removable, result));
  for (const RetentionPlan::Merge& merge : plan.merges) {
    const auto inputs = std::span(pieces).subspan(merge.first, merge.count);
    if (inputs.back().last > removable) continue;
    const Status merged = inputs.front().level == 0 ? merge_segment(log, inputs.front(), result)
                                                    : merge_files(log, inputs, merge.level, result);
    if (merged) continue;
    result.problem = merged.error();
    break;
  }
  return result;
}

}  // namespace skerry::db
