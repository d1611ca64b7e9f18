#include "daemon/apply/image_transfer.h"

#include <fmt/format.h>

#include <algorithm>

#include "ltx/checksum.h"
#include "ltx/sqlite/lock_bytes.h"

namespace skerry::apply {

ImageTransfer::ImageTransfer(std::unique_ptr<Turn> turn, os::FileSystem& fs)
    : turn_(std::move(turn)), fs_(fs), scratch_(kPageBytesMax) {}

std::string ImageTransfer::pages_path() const {
  return turn_->desk().database()->dir() + "/" + std::string(db::kImagePagesName);
}

std::string ImageTransfer::sums_path() const {
  return turn_->desk().database()->dir() + "/" + std::string(db::kImageSumsName);
}

Status ImageTransfer::begin(const ltx::Header& header) {
  header_ = header;
  TRY(open_sums());
  TRY_ASSIGN(pages_, fs_.open(os::Site("image:pages:open"), pages_path(), os::OpenMode::kCreate));
  TRY_ASSIGN(const auto info, pages_->info());
  const db::TableState& state = sums_->state();
  // A sum may have been noted for a page that a power cut took.
  const bool goes_on = state.page_bytes == header.page_size.bytes() && !state.image_pending &&
                       state.boot_id == db::current_boot_id() &&
                       info.bytes >= uint64_t{state.commit} * state.page_bytes;
  if (!goes_on) return start_over();
  return {};
}

Status ImageTransfer::open_sums() {
  auto opened = db::PageChecksums::open(fs_, sums_path());
  if (!opened && opened.error().code() == Errc::kCorrupt) {
    opened = db::PageChecksums::create(fs_, sums_path());
  }
  TRY_ASSIGN(sums_, std::move(opened));
  return {};
}

Status ImageTransfer::start_over() {
  TRY_ASSIGN(sums_, db::PageChecksums::create(fs_, sums_path()));
  db::TableState state;
  state.page_bytes = header_.page_size.bytes();
  state.boot_id = db::current_boot_id();
  sums_->save(state);
  return pages_->truncate(os::Site("image:pages:truncate"), 0);
}

Status ImageTransfer::set_header(const ltx::Header& header) {
  const bool other_size = header.page_size != header_.page_size;
  header_ = header;
  return other_size ? start_over() : Status();
}

Result<ByteView> ImageTransfer::current(PageNo pgno) {
  if (sums_->get(pgno) != Checksum(0)) return received_page(pgno);
  return turn_->desk().replica().page(pgno, scratch_);
}

Result<ByteView> ImageTransfer::received_page(PageNo pgno) {
  const ByteSpan page = ByteSpan(scratch_).first(header_.page_size.bytes());
  TRY_ASSIGN(const size_t n, pages_->read_at(os::Site("image:pages:read"),
                                             page_offset(pgno, header_.page_size), page));
  if (n < page.size()) return fail(Errc::kCorrupt, "image: a page that came is not in its file");
  return ByteView(page);
}

Status ImageTransfer::add(PageNo pgno, ByteView page) {
  if (pgno == PageNo(0) || pgno == sqlite::lock_page(header_.page_size) ||
      page.size() != header_.page_size.bytes()) {
    return fail(Errc::kInvalid, fmt::format("image: {} cannot be a page of it", pgno.value()));
  }
  TRY(sums_->reserve(pgno.value()));
  TRY(pages_->write_at(os::Site("image:pages:write"), page_offset(pgno, header_.page_size), page));
  sums_->set(pgno, ltx::page_checksum(pgno, page));
  if (pgno.value() > sums_->state().commit) {
    db::TableState state = sums_->state();
    state.commit = pgno.value();
    sums_->save(state);
  }
  return {};
}

std::vector<Checksum> ImageTransfer::checksums(PageNo first, uint32_t count) {
  const auto view = turn_->desk().replica().view();
  const bool same_size = view.page_bytes == header_.page_size.bytes();
  const uint32_t pages = std::max(sums_->state().commit, same_size ? view.commit : 0);
  std::vector<Checksum> all;
  if (first.value() > pages) return all;
  if (same_size) all = turn_->desk().replica().trusted_checksums(first, count);
  all.resize(std::min(count, pages - first.value() + 1));
  for (uint32_t i = 0; i < all.size(); ++i) {
    const Checksum came = sums_->get(PageNo(first.value() + i));
    if (came != Checksum(0)) all[i] = came;
  }
  return all;
}

Status ImageTransfer::commit(Checksum post_apply) {
  const auto view = turn_->desk().replica().view();
  TRY(view.commit == 0 ? commit_new(post_apply) : commit_over(view, post_apply));
  return clean_up();
}

// The side files become the database.
Status ImageTransfer::commit_new(Checksum post_apply) {
  if (header_.commit == 0) return {};
  const PageNo lock = sqlite::lock_page(header_.page_size);
  if (header_.commit != lock.value()) TRY(sums_->reserve(header_.commit));
  if (sums_->state().commit > header_.commit) {
    sums_->truncate(header_.commit, sums_->state().commit);
  }
  if (sums_->total(header_.commit) != post_apply) {
    return fail(Errc::kCorrupt,
                fmt::format("image of {}: its pages sum up to {}, it says {}",
                            turn_->desk().database()->name(),
                            to_string(sums_->total(header_.commit)), to_string(post_apply)));
  }
  TRY(pages_->truncate(os::Site("image:pages:size"),
                       uint64_t{header_.commit} * header_.page_size.bytes()));
  TRY(pages_->sync(os::Site("image:pages:sync")));
  pages_.reset();
  return turn_->desk().become(header_, post_apply, std::move(sums_));
}

Status ImageTransfer::commit_over(const db::Replica::View& view, Checksum post_apply) {
  Desk& desk = turn_->desk();
  db::Replica& replica = desk.replica();
  if (view.position == Position{header_.max_txid, post_apply} && !view.uncommitted) return {};
  ltx::Header header = header_;
  if (header_.max_txid <= view.position.txid) {
    TRY(replica.rebase(header_.max_txid));
    header.min_txid = header_.max_txid;
  } else {
    header.min_txid = next(view.position.txid);
  }
  header.pre_apply_checksum = header.is_snapshot() ? Checksum(0) : view.position.checksum;
  const bool every_page = header.is_snapshot() || header_.page_size.bytes() != view.page_bytes;
  StagedPages staged(fs_, desk.staging_path(), desk.buffers());
  TRY(staged.begin(header));
  TRY(stage(staged, view, every_page));
  TRY(staged.finish(post_apply));
  TRY(replica.check(staged.received()));
  const auto write = [&](db::Replica::Way way, uint32_t flags) -> Status {
    if (staged.in_file()) return replica.stage(way, staged.received(), flags, staged.path());
    return replica.stage(way, staged.received(), flags, staged.record());
  };
  const auto sync = [&replica] { return replica.sync_staged(); };
  const auto mark = [&replica] { return replica.mark_in_place(); };
  return desk.apply({staged, staged.received(), false, write, sync, mark, true});
}

Status ImageTransfer::stage(StagedPages& staged, const db::Replica::View& view, bool every_page) {
  constexpr uint32_t kSumsAtOnce = 4096;
  db::Replica& replica = turn_->desk().replica();
  const PageNo lock = sqlite::lock_page(header_.page_size);
  std::vector<Checksum> committed;
  for (uint32_t p = 1; p <= header_.commit; ++p) {
    const PageNo pgno(p);
    const uint32_t i = (p - 1) % kSumsAtOnce;
    if (i == 0) committed = replica.trusted_checksums(pgno, kSumsAtOnce);
    if (pgno == lock) continue;
    const Checksum came = sums_->get(pgno);
    bool differs = i >= committed.size() || came != committed[i];
    // A page that came although the checksums say that it is here: its content may have suffered.
    if (came != Checksum(0) && !differs && !every_page) {
      const auto page = replica.page(pgno, scratch_);
      differs = !page || ltx::page_checksum(pgno, *page) != came;
    }
    if (came != Checksum(0) && (every_page || differs)) {
      TRY_ASSIGN(const ByteView page, received_page(pgno));
      TRY(staged.add(pgno, page));
    } else if (every_page || p > view.commit) {
      if (header_.page_size.bytes() != view.page_bytes) continue;  // it is missing: does not sum up
      TRY_ASSIGN(const ByteView page, replica.page(pgno, scratch_));
      TRY(staged.add(pgno, page));
    }
  }
  return {};
}

Status ImageTransfer::clean_up() {
  pages_.reset();
  sums_.reset();
  TRY(os::remove_if_exists(fs_, os::Site("image:pages:remove"), pages_path()));
  return os::remove_if_exists(fs_, os::Site("image:sums:remove"), sums_path());
}

}  // namespace skerry::apply
