#include "daemon/cluster/orphan_writer.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/cluster/orphan_base.h"
#include "daemon/db/image_reader.h"
#include "ltx/checksum.h"
#include "ltx/compactor.h"
#include "ltx/decoder.h"
#include "ltx/sqlite/lock_bytes.h"

namespace skerry::cluster {
namespace {

using os::Site;

constexpr size_t kDrainBytes = 1 << 20;
// For growth of the databases, beside the copy.
constexpr uint64_t kFreeBytesKept = uint64_t{16} << 20;
constexpr std::string_view kUnfinished = "/.unfinished";

std::string file_name(Txid first, Txid last) {
  return fmt::format("{}-{}.ltx", to_string(first), to_string(last));
}

// A file of the orphan that is written from its beginning to its end.
class Output {
 public:
  static Result<Output> open(os::FileSystem& fs, const std::string& path) {
    TRY_ASSIGN(auto file, fs.open(Site("orphan:open"), path, os::OpenMode::kTruncate));
    return Output(std::move(file));
  }
  Status append(ByteView data) {
    TRY(file_->write_at(Site("orphan:write"), bytes_, data));
    bytes_ += data.size();
    return {};
  }
  Status drain(Bytes& buffer) {
    TRY(append(buffer));
    buffer.clear();
    return {};
  }
  Status finish() { return file_->sync(Site("orphan:sync")); }
  [[nodiscard]] uint64_t bytes() const { return bytes_; }
  [[nodiscard]] std::shared_ptr<os::File> file() const { return file_; }

 private:
  explicit Output(std::unique_ptr<os::File> file) : file_(std::move(file)) {}
  std::shared_ptr<os::File> file_;
  uint64_t bytes_ = 0;
};

class OrphanWriter {
 public:
  OrphanWriter(os::FileSystem& fs, std::string dir, std::shared_ptr<db::Database> database,
               Orphan orphan)
      : fs_(fs),
        dir_(std::move(dir)),
        temporary_(dir_ + std::string(kUnfinished)),
        database_(std::move(database)),
        orphan_(std::move(orphan)) {}

  Result<Orphan> write() {
    const db::Database::Info info = database_->info();
    TRY(check_space(uint64_t{info.commit} * info.page_bytes));
    TRY(clear());
    TRY(fs_.make_directory(Site("orphan:folder"), temporary_));
    TRY(write_transactions());
    TRY(write_snapshot());
    TRY_ASSIGN(Output file, Output::open(fs_, temporary_ + "/" + kOrphanFile));
    TRY(file.append(as_bytes(encode_orphan(orphan_))));
    TRY(file.finish());
    orphan_.bytes += file.bytes();
    TRY(fs_.sync_directory(Site("orphan:folder:sync"), temporary_));
    TRY(put_in_place());
    return orphan_;
  }

 private:
  Status check_space(uint64_t bytes) {
    TRY(fs_.make_directory(Site("orphan:folder"), dir_));
    TRY_ASSIGN(const uint64_t free, fs_.free_bytes(dir_));
    if (free >= bytes + kFreeBytesKept) return {};
    return fail(Errc::kNoSpace,
                fmt::format("{} has {} bytes free, and {} are needed", dir_, free,
                            bytes + kFreeBytesKept));
  }

  Status clear() {
    if (!os::exists(fs_, temporary_)) return {};
    TRY_ASSIGN(const auto files, fs_.list(temporary_));
    for (const os::DirEntry& file : files) {
      TRY(fs_.remove(Site("orphan:clear"), temporary_ + "/" + file.name));
    }
    return fs_.remove_directory(Site("orphan:clear"), temporary_);
  }

  // --- Transactions ------------------------------------------------------------------------------

  // What is at hand of what is lost, oldest first.
  Result<std::vector<db::StoredLtx>> lost() {
    std::vector<db::StoredLtx> all;
    db::CommitLog& log = database_->log();
    Txid txid = orphan_.fork ? next(orphan_.fork->txid) : log.oldest();
    while (txid != Txid(0) && txid <= orphan_.end.txid) {
      TRY_ASSIGN(auto stored, log.stored(txid));
      if (!stored) break;
      txid = next(stored->last());
      all.push_back(*std::move(stored));
    }
    return all;
  }

  Status write_transactions() {
    TRY_ASSIGN(const auto pieces, lost());
    const Txid before = orphan_.fork           ? orphan_.fork->txid
                        : pieces.empty() ? orphan_.end.txid
                                         : Txid(pieces.front().first().value() - 1);
    orphan_.transactions = orphan_.end.txid.value() - before.value();
    const size_t each = (pieces.size() + kOrphanFilesMax - 1) / kOrphanFilesMax;
    for (size_t i = 0; i < pieces.size(); i += each) {
      const auto group = std::span(pieces).subspan(i, std::min(each, pieces.size() - i));
      if (group.size() > 1 && group.size() <= ltx::kCompactorInputsMax) {
        // One that cannot be merged, as where the page size changed, is kept as it is.
        if (const auto merged = merge(group); merged || merged.error().code() == Errc::kNoSpace) {
          TRY(merged);
          continue;
        }
      }
      for (const db::StoredLtx& piece : group) TRY(copy(piece));
    }
    return {};
  }

  Status copy(const db::StoredLtx& piece) {
    TRY_ASSIGN(Output file,
               Output::open(fs_, temporary_ + "/" + file_name(piece.first(), piece.last())));
    Bytes buffer;
    for (uint64_t at = 0; at < piece.bytes(); at += buffer.size()) {
      buffer.resize(static_cast<size_t>(std::min<uint64_t>(kDrainBytes, piece.bytes() - at)));
      TRY(piece.read_at(at, buffer));
      TRY(file.append(buffer));
    }
    orphan_.bytes += file.bytes();
    return file.finish();
  }

  Status merge(std::span<const db::StoredLtx> pieces) {
    std::vector<std::unique_ptr<db::StoredLtxSource>> sources;
    std::vector<std::unique_ptr<ltx::Decoder>> decoders;
    std::vector<ltx::LtxReader*> readers;
    for (const db::StoredLtx& piece : pieces) {
      sources.push_back(std::make_unique<db::StoredLtxSource>(piece));
      decoders.push_back(std::make_unique<ltx::Decoder>(
          *sources.back(), ltx::compactor_buffer_bytes(pieces.size())));
      readers.push_back(decoders.back().get());
    }
    Bytes out;
    TRY_ASSIGN(auto compactor, ltx::Compactor::over(readers, out));
    const std::string path =
        temporary_ + "/" + file_name(pieces.front().first(), pieces.back().last());
    TRY_ASSIGN(Output file, Output::open(fs_, path));
    const auto run = [&]() -> Status {
      for (bool more = true; more;) {
        TRY_ASSIGN(more, compactor.step());
        if (out.size() > kDrainBytes) TRY(file.drain(out));
      }
      TRY(compactor.finish());
      TRY(file.drain(out));
      return file.finish();
    };
    const Status done = run();
    if (!done) (void)os::remove_if_exists(fs_, Site("orphan:clear"), path);
    if (done) orphan_.bytes += file.bytes();
    return done;
  }

  // --- The database at the end -------------------------------------------------------------------

  Status write_snapshot() {
    const std::string copy = temporary_ + "/copy";
    auto image = copy_database(copy);
    if (!image && image.error().code() == Errc::kCorrupt) {
      // Damage must not keep the node from being mended: the transactions are what there is.
      orphan_.has_snapshot = false;
      return os::remove_if_exists(fs_, Site("orphan:clear"), copy);
    }
    TRY(image);
    if (image->position != orphan_.end) {
      return fail(Errc::kBusy, fmt::format("database {} moved from {} to {} meanwhile",
                                           orphan_.database, to_string(orphan_.end),
                                           to_string(image->position)));
    }
    orphan_.has_snapshot = image->commit != 0;
    if (orphan_.has_snapshot) {
      TRY(encode_snapshot(copy, *image));
      TRY(write_base(copy, image->commit));
    }
    return os::remove_if_exists(fs_, Site("orphan:clear"), copy);
  }

  // A history in which it cannot be read is no reason to keep nothing.
  Status write_base(const std::string& copy, uint32_t end_commit) {
    if (!orphan_.fork) return {};
    TRY_ASSIGN(const auto pieces, lost());
    TRY_ASSIGN(const auto pages, fs_.open(Site("orphan:copy:open"), copy, os::OpenMode::kRead));
    const BaseWanted wanted{*orphan_.fork, orphan_.end,   end_commit,
                            orphan_.node,  orphan_.epoch, orphan_.kept_ms};
    const auto base = base_of(*database_, wanted, pieces, *pages);
    if (!base || !*base) return {};
    TRY_ASSIGN(Output file, Output::open(fs_, temporary_ + "/" + kOrphanBase));
    TRY(file.append(**base));
    TRY(file.finish());
    orphan_.has_base = true;
    orphan_.bytes += file.bytes();
    return {};
  }

  Result<db::ImageReader::End> copy_database(const std::string& path) {
    TRY_ASSIGN(const auto file,
               fs_.open(Site("orphan:copy:open"), path, os::OpenMode::kTruncate));
    TRY_ASSIGN(const auto reader,
               db::ImageReader::open(database_, db::ImageReader::Of::kEverything));
    return db::write_image(*reader, *file);
  }

  Status encode_snapshot(const std::string& copy, const db::ImageReader::End& image) {
    TRY_ASSIGN(const auto pages, fs_.open(Site("orphan:copy:open"), copy, os::OpenMode::kRead));
    TRY_ASSIGN(Output file, Output::open(fs_, temporary_ + "/" + kOrphanSnapshot));
    ltx::Header header;
    header.page_size = image.page_size;
    header.commit = image.commit;
    header.min_txid = Txid(1);
    header.max_txid = image.position.txid;
    header.timestamp_ms = image.timestamp_ms;
    header.node_id = orphan_.node;
    header.epoch = image.epoch;
    Bytes out;
    ltx::Encoder encoder(out);
    TRY(encoder.begin(header));
    Bytes page(image.page_size.bytes());
    for (uint32_t p = 1; p <= image.commit; ++p) {
      if (PageNo(p) == sqlite::lock_page(image.page_size)) continue;
      TRY_ASSIGN(const size_t n, pages->read_at(Site("orphan:copy:read"),
                                                page_offset(PageNo(p), image.page_size), page));
      if (n != page.size()) return fail(Errc::kCorrupt, copy + " is cut off");
      TRY(encoder.add_page(PageNo(p), page));
      if (out.size() > kDrainBytes) TRY(file.drain(out));
    }
    TRY(encoder.finish(image.position.checksum));
    TRY(file.drain(out));
    TRY(file.finish());
    orphan_.bytes += file.bytes();
    db::StoredLtxSource source(
        db::StoredLtx(header.min_txid, header.max_txid, file.file(), 0, file.bytes()));
    TRY(ltx::verify(source));  // pages and checksums, read back
    return {};
  }

  // --- Its place ---------------------------------------------------------------------------------

  // Never over another one.
  Status put_in_place() {
    const std::string name =
        fmt::format("{}-{}", orphan_.epoch.value(), hex16(orphan_.node.value()));
    std::string group = name;
    for (int n = 2; os::exists(fs_, dir_ + "/" + group + "/" + orphan_.database); ++n) {
      group = fmt::format("{}.{}", name, n);
    }
    orphan_.id = group + "/" + orphan_.database;
    orphan_.path = dir_ + "/" + orphan_.id;
    TRY(fs_.make_directory(Site("orphan:folder"), dir_ + "/" + group));
    TRY(fs_.rename(Site("orphan:rename"), temporary_, orphan_.path));
    for (const std::string& folder :
         {dir_ + "/" + group, dir_, dir_.substr(0, dir_.rfind('/'))}) {
      TRY(fs_.sync_directory(Site("orphan:folder:sync"), folder));
    }
    return {};
  }

  os::FileSystem& fs_;
  const std::string dir_;
  const std::string temporary_;
  const std::shared_ptr<db::Database> database_;
  Orphan orphan_;
};

}  // namespace

Result<Orphan> write_orphan(os::FileSystem& fs, const std::string& data_dir,
                            std::shared_ptr<db::Database> database, Orphan orphan) {
  return OrphanWriter(fs, orphans_dir(data_dir), std::move(database), std::move(orphan)).write();
}

}  // namespace skerry::cluster
