#include "daemon/replication/sender.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/db/past_positions.h"
#include "daemon/log/log.h"
#include "daemon/replication/log_source.h"

namespace skerry::replication {

// Of what was committed before the ring's window: links are slower than this level.
static constexpr int kCatchUpLevel = -3;
static constexpr size_t kRingReadEntries = 512;
static constexpr size_t kRingReadBytes = size_t{256} << 10;
static constexpr size_t kLogMessageBytes = size_t{256} << 10;
// How long one work() waits for a transaction that keeps pages from being read. Heartbeats go out
// in between.
static constexpr std::chrono::milliseconds kUncommittedWait{500};

Sender::Sender(store::Store& store, CommitFeed& feed, const StreamSelf& self, const Hello& hello)
    : store_(store),
      feed_(feed),
      self_(self),
      cursor_(feed.ring().end()),  // before any position is looked at
      packer_(kCatchUpLevel) {
  for (const std::string_view name : hello.filter) filter_.emplace(name);
  for (const Hello::Held& held : hello.databases) {
    Replica& replica = replicas_[std::string(held.name)];
    replica.sent = held.position;
    replica.received = held.position.txid;
  }
  everything_is_behind();
}

Sender::~Sender() = default;

void Sender::welcome(Bytes& message, uint32_t version) const {
  append_frame(message, Welcome{version, self_.node, self_.epoch, feed_.clock_base_ms(),
                                self_.hostname, self_.cluster});
}

bool Sender::wanted(const std::string& name) const {
  return filter_.empty() || filter_.contains(name);
}

Sender::Replica& Sender::replica_of(const std::string& name) {
  return replicas_[name];
}

DbIndex Sender::index_of(const std::string& name, Bytes& message) {
  const std::lock_guard lock(mutex_);
  Replica& replica = replica_of(name);
  if (!replica.index) {
    replica.index = static_cast<DbIndex>(names_.size());
    names_.push_back(name);
    append_frame(message, NamedDatabase{*replica.index, name});
  }
  return *replica.index;
}

void Sender::set_sent(const std::string& name, Position position) {
  const std::lock_guard lock(mutex_);
  Replica& replica = replica_of(name);
  replica.sent = position;
  replica.moved = true;
}

void Sender::everything_is_behind() {
  for (const auto& database : store_.list()) {
    if (wanted(database->name())) behind_.insert(database->name());
  }
}

// --- In step -------------------------------------------------------------------------------------

Sender::Next Sender::step(Bytes& message) {
  if (image_) return image_->waits_for_checksums ? Next::kIdle : Next::kWork;
  if (log_ || !behind_.empty()) return Next::kWork;
  append_from_ring(message);
  if (!message.empty()) return Next::kSend;
  return behind_.empty() ? Next::kIdle : Next::kWork;
}

void Sender::append_from_ring(Bytes& message) {
  const auto read = feed_.ring().read(cursor_, kRingReadEntries, kRingReadBytes);
  if (read.lost) {
    cursor_ = feed_.ring().end();
    everything_is_behind();
    return;
  }
  for (const RingEntry& entry : read.entries) {
    ++cursor_;
    const std::string& name = *entry.database;
    if (!wanted(name) || behind_.contains(name)) continue;
    Position sent;
    {
      const std::lock_guard lock(mutex_);
      sent = replica_of(name).sent;
    }
    const RingStep what = plan_ring_step(sent, entry.pre, entry.post);
    if (what == RingStep::kSkip) continue;
    const bool other_epoch = entry.own_epoch && *entry.own_epoch != self_.epoch;
    if (what == RingStep::kCatchUp || !entry.body || other_epoch) {
      behind_.insert(name);
      continue;
    }
    append_transaction_head(message, index_of(name, message), entry.body->size());
    append(message, *entry.body);
    set_sent(name, entry.post);
    transactions_.fetch_add(1, std::memory_order_relaxed);
  }
}

// --- Behind --------------------------------------------------------------------------------------

Status Sender::work(Bytes& message) {
  if (image_) return image_->waits_for_checksums ? Status{} : continue_image(message);
  while (message.size() < kLogMessageBytes && !image_) {
    if (log_) {
      TRY(continue_log(message));
    } else if (!behind_.empty()) {
      TRY(catch_up(std::string(*behind_.begin()), message));
    } else {
      break;
    }
  }
  return {};
}

Result<CatchUp> Sender::plan_for(const db::Database& database, const Replica& replica) {
  if (replica.repair) return CatchUp{CatchUp::Way::kImage, ImageReason::kRepair};
  LocalHistory local;
  local.position = database.info().position;
  auto& log = const_cast<db::Database&>(database).log();
  local.log_first = log.oldest();
  if (replica.sent.txid < local.position.txid) {
    TRY_ASSIGN(const auto stored, log.stored(next(replica.sent.txid)));
    if (stored && stored->first() == next(replica.sent.txid)) {
      TRY_ASSIGN(const auto header, stored->header());
      local.checksum_then = header.pre_apply_checksum;
    } else if (stored) {
      // Merged with earlier ones: whether it fits shows when it is applied.
      local.checksum_then = replica.sent.checksum;
    }
  } else if (replica.sent.txid == local.position.txid) {
    local.checksum_then = local.position.checksum;
  }
  return plan_catch_up(replica.sent, local);
}

Status Sender::catch_up(const std::string& name, Bytes& message) {
  const auto database = store_.find(name);
  Replica replica;
  {
    const std::lock_guard lock(mutex_);
    replica = replica_of(name);
  }
  if (!database) {
    behind_.erase(name);
    return {};
  }
  TRY_ASSIGN(const CatchUp plan, plan_for(*database, replica));
  switch (plan.way) {
    case CatchUp::Way::kNothing:
      behind_.erase(name);
      return {};
    case CatchUp::Way::kLog:
      return send_log(name, *database, message);
    case CatchUp::Way::kImage:
      return begin_image(name, database, plan.reason, message);
  }
  return {};
}

Status Sender::send_log(const std::string& name, db::Database& database, Bytes& message) {
  Txid due;
  {
    const std::lock_guard lock(mutex_);
    due = next(replica_of(name).sent.txid);
  }
  TRY_ASSIGN(auto stored, database.log().stored(due));
  if (!stored) return {};  // removed this moment: planned anew
  log_ = std::make_unique<LogSource>(std::move(*stored), index_of(name, message), due,
                                     feed_.clock_base_ms());
  log_name_ = name;
  return continue_log(message);
}

Status Sender::continue_log(Bytes& message) {
  const auto done = log_->append_next(packer_, message);
  if (!done && done.error().code() == Errc::kCorrupt) return replace_damaged_log(done.error());
  if (!done) return std::unexpected(done.error());
  if (!*done) return {};
  set_sent(log_name_, log_->position());
  log_.reset();
  transactions_.fetch_add(1, std::memory_order_relaxed);
  return {};
}

// What was sent of the transaction is forgotten by the replica when the image begins.
Status Sender::replace_damaged_log(const Error& why) {
  log::error("log-damaged",
             fmt::format("a transaction that a replica needs cannot be read from the log; it gets "
                         "an image of the database instead: {}",
                         why.message()),
             {{"db", log_name_}});
  log_.reset();
  const std::lock_guard lock(mutex_);
  replica_of(log_name_).repair = true;
  behind_.insert(log_name_);
  return {};
}

// --- Images --------------------------------------------------------------------------------------

Status Sender::begin_image(const std::string& name, std::shared_ptr<db::Database> database,
                           ImageReason reason, Bytes& message) {
  using Of = db::ImageReader::Of;
  // Also for a replica that has no such database: it may have pages of an interrupted image.
  Of of = Of::kDifferences;
  {
    const std::lock_guard lock(mutex_);
    Replica& replica = replica_of(name);
    if (replica.whole) of = Of::kEverything;
    replica.repair = replica.whole = false;
  }
  append_past(name, *database, message);
  const auto info = database->info();
  const PageSize size = PageSize::of(info.page_bytes).value_or(*PageSize::of(4096));
  TRY_ASSIGN(auto reader, db::ImageReader::open(std::move(database), of, kUncommittedWait));
  (void)index_of(name, message);
  image_.emplace(ImageTransfer{name, std::move(reader)});
  append_image_begin(reason, size, info.commit, message);
  return {};
}

void Sender::append_past(const std::string& name, db::Database& database, Bytes& message) {
  Txid last;
  {
    const std::lock_guard lock(mutex_);
    last = replica_of(name).sent.txid;
  }
  if (last == Txid(0)) return;
  const DbIndex index = index_of(name, message);
  append_frame(message, Past{index, db::past_positions(database.log(), database.info().position,
                                                       last, kPastPositionsMax)});
}

void Sender::append_image_begin(ImageReason reason, PageSize size, uint32_t commit,
                                Bytes& message) {
  append_frame(message, ImageBegin{index_of(image_->name, message), reason, size, commit});
}

Status Sender::continue_image(Bytes& message) {
  const Status read = image_->reader->next(batch_);
  if (!read && read.error().code() == Errc::kBusy) return {};
  TRY(read);
  if (batch_.restart) {
    append_image_begin(ImageReason::kRepair, batch_.page_size, 0, message);
  }
  TRY(append_batch(message));
  if (batch_.needs_checksums) {
    image_->waits_for_checksums = true;
    append_frame(message, ChecksumsWanted{index_of(image_->name, message),
                                          image_->reader->checksums_due(), kChecksumsMax});
  }
  if (batch_.end) end_image(message);
  return {};
}

Status Sender::append_batch(Bytes& message) {
  const size_t pages_max = std::min(kBlockPagesMax, kBlockBytesMax / batch_.page_size.bytes());
  std::vector<PageImage> images;
  images.reserve(batch_.pages.size());
  for (size_t i = 0; i < batch_.pages.size(); ++i) {
    images.push_back({batch_.pages[i], {}, batch_.page(i)});
  }
  std::ranges::sort(images, {}, &PageImage::pgno);
  Bytes block;
  for (size_t at = 0; at < images.size(); at += pages_max) {
    block.clear();
    const size_t n = std::min(pages_max, images.size() - at);
    TRY(packer_.pack(std::span(images).subspan(at, n), block));
    append_frame(message, Pages{block});
  }
  return {};
}

void Sender::end_image(Bytes& message) {
  const db::ImageReader::End& end = *batch_.end;
  append_frame(message, ImageEnd{end.position, Origin{self_.node, end.epoch}, end.commit,
                                 end.timestamp_ms - feed_.clock_base_ms()});
  set_sent(image_->name, end.position);
  image_.reset();
}

// --- From the replica ----------------------------------------------------------------------------

Status Sender::handle_ack(const Ack& ack) {
  const std::lock_guard lock(mutex_);
  for (const Ack::Entry& entry : ack.entries) {
    if (entry.db >= names_.size()) {
      return fail(Errc::kInvalid,
                  fmt::format("an acknowledgement of database {}, which has no name", entry.db));
    }
    Replica& replica = replica_of(names_[entry.db]);
    replica.received = entry.received;
    replica.durable = entry.durable;
  }
  return {};
}

Status Sender::handle(const Frame& frame) {
  if (const auto* checksums = std::get_if<Checksums>(&frame)) {
    if (!image_ || !image_->waits_for_checksums) {
      return fail(Errc::kInvalid, "checksums that nobody asked for");
    }
    std::vector<Checksum> values(checksums->count());
    for (size_t i = 0; i < values.size(); ++i) values[i] = checksums->at(i);
    image_->reader->peer_checksums(std::move(values));
    image_->waits_for_checksums = false;
    return {};
  }
  if (const auto* repair = std::get_if<Repair>(&frame)) {
    const std::lock_guard lock(mutex_);
    if (repair->db >= names_.size()) return fail(Errc::kInvalid, "repair of a nameless database");
    const std::string& name = names_[repair->db];
    replica_of(name).repair = true;
    replica_of(name).whole = repair->whole;
    behind_.insert(name);
    return {};
  }
  return fail(Errc::kInvalid, "a frame that replicas do not send");
}

// --- Each second ---------------------------------------------------------------------------------

void Sender::sweep() {
  for (const auto& database : store_.list()) {
    const std::string& name = database->name();
    if (!wanted(name) || behind_.contains(name)) continue;
    const Position position = database->info().position;
    const std::lock_guard lock(mutex_);
    // What the ring will bring is no concern; a moved position that it does not bring is.
    if (position != replica_of(name).sent && feed_.ring().end() == cursor_) behind_.insert(name);
  }
}

void Sender::heartbeat(Bytes& message, int64_t wall_ms) {
  Heartbeat beat;
  beat.clock_ms = wall_ms - feed_.clock_base_ms();
  beat.catching_up = image_ || log_ || !behind_.empty();
  {
    const std::lock_guard lock(mutex_);
    for (auto& [name, replica] : replicas_) {
      if (!replica.moved || !replica.index) continue;
      beat.moved.push_back({*replica.index, replica.sent});
      replica.moved = false;
    }
  }
  append_frame(message, beat);
}

std::map<std::string, Sender::Acknowledged> Sender::acknowledged() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, Acknowledged> all;
  for (const auto& [name, replica] : replicas_) {
    all.emplace(name, Acknowledged{replica.sent, replica.received, replica.durable});
  }
  return all;
}

}  // namespace skerry::replication
