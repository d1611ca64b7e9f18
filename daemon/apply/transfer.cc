#include "daemon/apply/transfer.h"

namespace skerry::apply {

std::unique_ptr<Turn> Turn::take(std::shared_ptr<Desk> desk) {
  if (!desk->take_turn()) return nullptr;
  return std::unique_ptr<Turn>(new Turn(std::move(desk)));
}

Transfer::Transfer(std::unique_ptr<Turn> turn, os::FileSystem& fs, bool own)
    : turn_(std::move(turn)),
      staged_(fs, turn_->desk().staging_path(), turn_->desk().buffers()),
      own_(own) {}

Status Transfer::begin(const ltx::Header& header) {
  ltx::Header ours = header;
  // Where it stood in the primary's WAL says nothing here.
  ours.wal_offset = ours.wal_bytes = 0;
  ours.wal_salt1 = ours.wal_salt2 = 0;
  return staged_.begin(ours);
}

Result<ByteView> Transfer::current(PageNo pgno) {
  scratch_.resize(kPageBytesMax);
  return turn_->desk().replica().page(pgno, scratch_);
}

Status Transfer::add(PageNo pgno, ByteView page) {
  return staged_.add(pgno, page);
}

Status Transfer::commit(Checksum post_apply) {
  if (!finished_) TRY(staged_.finish(post_apply));
  finished_ = true;
  Desk& desk = turn_->desk();
  db::Replica& replica = desk.replica();
  TRY(replica.check(staged_.received()));
  const auto stage = [&](db::Replica::Way way, uint32_t flags) -> Status {
    if (staged_.in_file()) return replica.stage(way, staged_.received(), flags, staged_.path());
    return replica.stage(way, staged_.received(), flags, staged_.record());
  };
  const auto sync = [&replica] { return replica.sync_staged(); };
  const auto mark = [&replica] { return replica.mark_in_place(); };
  return desk.apply({staged_, staged_.received(), own_, stage, sync, mark});
}

}  // namespace skerry::apply
