#include "daemon/replication/receiver.h"

#include <fmt/format.h>

#include <algorithm>

namespace skerry::replication {

Receiver::Receiver(apply::Applier& applier, store::Store& store, Lag& lag, os::Clock& clock,
                   ReceiverLog& log, const std::atomic<bool>& stopping, ReceiverSettings settings)
    : applier_(applier),
      store_(store),
      lag_(lag),
      clock_(clock),
      log_(log),
      stopping_(stopping),
      settings_(std::move(settings)) {}

Receiver::~Receiver() = default;

void Receiver::hello(Bytes& reply) const {
  Hello hello;
  hello.versions = kVersions;
  hello.node = settings_.node;
  hello.epoch = settings_.epoch;
  hello.hostname = settings_.hostname;
  hello.region = settings_.region;
  hello.cluster = settings_.cluster;
  hello.filter.assign(settings_.filter.begin(), settings_.filter.end());
  hello.catches_up = settings_.catches_up;
  const auto databases = store_.list();  // names are borrowed from it
  for (const auto& database : databases) {
    const Position position = database->info().position;
    if (hello.databases.size() == kDatabasesMax) break;
    if (position.txid != Txid(0)) hello.databases.push_back({database->name(), position});
  }
  append_frame(reply, hello);
}

Status Receiver::receive(ByteView message, Bytes& reply) {
  for (;;) {
    TRY_ASSIGN(const auto frame, take_frame(message));
    if (!frame) break;
    if (!primary_ && !std::holds_alternative<Welcome>(*frame) &&
        !std::holds_alternative<End>(*frame)) {
      return fail(Errc::kInvalid, "the primary sent something before its welcome");
    }
    TRY(std::visit([&](const auto& one) { return handle(reply, one); }, *frame));
  }
  append_ack(reply);
  return {};
}

// With progress_mutex_ free: whoever appends says all that has moved.
void Receiver::append_ack(Bytes& reply) {
  Ack ack;
  {
    const std::lock_guard lock(progress_mutex_);
    for (DbIndex i = 0; i < progress_.size(); ++i) {
      Progress& progress = progress_[i];
      if (!std::exchange(progress.moved, false)) continue;
      ack.entries.push_back({i, progress.received, progress.durable});
    }
  }
  if (!ack.entries.empty()) append_frame(reply, ack);
}

void Receiver::received(DbIndex db, Txid txid) {
  const std::lock_guard lock(progress_mutex_);
  progress_[db].received = txid;
  progress_[db].moved = true;
}

bool Receiver::has_undurable() const {
  const std::lock_guard lock(progress_mutex_);
  return std::ranges::any_of(
      progress_, [](const Progress& progress) { return progress.durable != progress.received; });
}

Status Receiver::make_durable(Bytes& reply) {
  std::vector<Progress> before;
  {
    const std::lock_guard lock(progress_mutex_);
    before = progress_;
  }
  for (DbIndex i = 0; i < before.size(); ++i) {
    if (before[i].durable == before[i].received) continue;
    const auto database = store_.find(before[i].name);
    if (!database) continue;
    TRY(database->log().sync());
    const std::lock_guard lock(progress_mutex_);
    progress_[i].durable = before[i].received;
    progress_[i].moved = true;
  }
  append_ack(reply);
  return {};
}

// --- Beginning -----------------------------------------------------------------------------------

template <typename Other>
Status Receiver::handle(Bytes&, const Other&) {
  return fail(Errc::kInvalid, "a frame that a primary does not send");
}

Status Receiver::handle(Bytes&, const Welcome& frame) {
  if (primary_) return fail(Errc::kInvalid, "a second welcome");
  if (frame.version < kVersions.min || frame.version > kVersions.max) {
    return fail(Errc::kUnsupported,
                fmt::format("the primary speaks version {} of the stream, this node {}",
                            frame.version, kVersions.max));
  }
  if (frame.epoch < settings_.epoch && !settings_.catches_up) {
    return fail(Errc::kReadOnly,
                fmt::format("{} is the primary of epoch {}, but epoch {} was seen already",
                            frame.hostname, frame.epoch.value(), settings_.epoch.value()));
  }
  const bool other =
      !settings_.cluster.empty() && !frame.cluster.empty() && settings_.cluster != frame.cluster;
  if (other) {
    return fail(Errc::kInvalid,
                fmt::format("{} belongs to the cluster {}, this node to {}; its data folder was "
                            "another cluster's: stop this node and run \"skerry cluster adopt {}\" "
                            "to join this one",
                            frame.hostname, frame.cluster, settings_.cluster, frame.cluster));
  }
  primary_ =
      Primary{frame.node, frame.epoch, std::string(frame.hostname), std::string(frame.cluster)};
  clock_base_ms_ = frame.clock_base_ms;
  lag_.new_primary();
  return {};
}

Status Receiver::handle(Bytes&, const NamedDatabase& frame) {
  if (locals_.size() >= kDatabasesMax) {
    return fail(Errc::kUnsupported,
                fmt::format("the primary has more than {} databases; choose some with "
                            "lease.databases",
                            kDatabasesMax));
  }
  if (frame.db != locals_.size()) {
    return fail(Errc::kInvalid, "a database's number is out of order");
  }
  std::string name(frame.name);
  TRY(store::check_name(name));
  Local& local = locals_.emplace_back();
  local.name = std::move(name);
  Progress progress{local.name, {}, {}};
  if (const auto database = store_.find(local.name)) {
    progress.received = database->info().position.txid;
  }
  const std::lock_guard lock(progress_mutex_);
  progress_.push_back(std::move(progress));
  return {};
}

Result<Receiver::Local*> Receiver::local(DbIndex db) {
  if (db < locals_.size()) return &locals_[db];
  return fail(Errc::kInvalid, fmt::format("database {} has no name", db));
}

// --- Transactions --------------------------------------------------------------------------------

Result<ltx::Header> Receiver::header_for(const Local& local, const TransactionHead& head) {
  db::Database::Info info;
  if (const auto database = store_.find(local.name)) info = database->info();
  ltx::Header header;
  const auto size = head.page_size ? head.page_size : PageSize::of(info.page_bytes);
  if (!size) return fail(Errc::kInvalid, local.name + ": a transaction without a page size");
  header.page_size = *size;
  header.commit = head.commit.value_or(info.commit);
  header.min_txid = next(info.position.txid);
  header.max_txid = Txid(header.min_txid.value() + head.further_txids);
  header.timestamp_ms = clock_base_ms_ + head.clock_ms;
  header.pre_apply_checksum = info.position.checksum;
  const Origin origin = head.origin.value_or(Origin{primary_->node, primary_->epoch});
  header.node_id = origin.node;
  header.epoch = origin.epoch;
  return header;
}

Status Receiver::begin(DbIndex db, const TransactionHead& head) {
  TRY_ASSIGN(Local* const target, local(db));
  open_ = db;
  image_ = nullptr;
  if (target->awaits_image) return {};
  TRY_ASSIGN(header_, header_for(*target, head));
  TRY_ASSIGN(incoming_, applier_.begin(target->name, header_));
  return {};
}

Status Receiver::add(ByteView block) {
  const auto before = [this](PageNo pgno) { return incoming_->current(pgno); };
  const auto take = [this](PageNo pgno, ByteView page) {
    page_bytes_.fetch_add(page.size(), std::memory_order_relaxed);
    return incoming_->add(pgno, page);
  };
  return unpacker_.unpack(block, header_.page_size, before, take);
}

// A local process may sit on SQLite's locks for as long as it likes: the stream waits with it.
Status Receiver::commit_patiently(Checksum post_apply) {
  for (;;) {
    Status done = incoming_->commit(post_apply);
    if (done || done.error().code() != Errc::kBusy || stopping_) return done;
  }
}

Status Receiver::finish(DbIndex db, Txid txid) {
  incoming_.reset();
  image_ = nullptr;
  open_.reset();
  received(db, txid);
  transactions_.fetch_add(1, std::memory_order_relaxed);
  return {};
}

// An image of the differences relies on this node's checksums. If one does not help, not even for
// long, pages are not what their checksums say, and the next is of every page.
Status Receiver::ask_for_image(Bytes& reply, DbIndex db, const Error& why) {
  Local& broken = locals_[db];
  if (broken.wants_whole) return std::unexpected(why);
  log_.repairing(broken.name, why);
  broken.wants_whole = broken.was_repaired;
  broken.was_repaired = true;
  broken.awaits_image = true;
  append_frame(reply, Repair{db, broken.wants_whole});
  return {};
}

Status Receiver::repair_or(Bytes& reply, DbIndex db, Status status) {
  if (status) return status;
  incoming_.reset();
  image_ = nullptr;
  open_.reset();
  const Errc code = status.error().code();
  const bool repairable =
      code == Errc::kCorrupt || code == Errc::kInvalid || code == Errc::kNotFound;
  if (!repairable || db >= locals_.size()) return status;
  return ask_for_image(reply, db, status.error());
}

Status Receiver::handle(Bytes& reply, const TransactionFrame& frame) {
  if (open_) return fail(Errc::kInvalid, "a transaction within another");
  Status done = begin(frame.db, frame.head);
  if (done && !incoming_) {  // it awaits an image
    open_.reset();
    return {};
  }
  if (done) done = add(frame.block);
  if (done) done = commit_patiently(frame.post_apply);
  if (done) done = finish(frame.db, header_.max_txid);
  return repair_or(reply, frame.db, std::move(done));
}

Status Receiver::handle(Bytes& reply, const Begin& frame) {
  if (open_) return fail(Errc::kInvalid, "a transaction within another");
  Status begun = begin(frame.db, frame.head);
  if (begun) return begun;
  Status repaired = repair_or(reply, frame.db, std::move(begun));
  open_ = frame.db;  // its pages are still to come, and are skipped
  return repaired;
}

Status Receiver::handle(Bytes& reply, const Pages& frame) {
  if (!open_) return fail(Errc::kInvalid, "pages of no transaction");
  if (!incoming_) return {};
  const DbIndex db = *open_;
  Status added = add(frame.block);
  if (added) {
    if (image_ != nullptr) ++image_pages_;
    return added;
  }
  Status repaired = repair_or(reply, db, std::move(added));
  open_ = db;
  return repaired;
}

Status Receiver::handle(Bytes& reply, const Commit& frame) {
  if (!open_ || image_ != nullptr) return fail(Errc::kInvalid, "the end of no transaction");
  const DbIndex db = *open_;
  if (!incoming_) {
    open_.reset();
    return {};
  }
  Status done = commit_patiently(frame.post_apply);
  if (done) done = finish(db, header_.max_txid);
  return repair_or(reply, db, std::move(done));
}

// --- Images --------------------------------------------------------------------------------------

Status Receiver::handle(Bytes&, const Past& frame) {
  TRY_ASSIGN(Local* const target, local(frame.db));
  target->past = frame.positions;
  return {};
}

Status Receiver::handle(Bytes&, const ImageBegin& frame) {
  TRY_ASSIGN(Local* const target, local(frame.db));
  incoming_.reset();
  open_ = frame.db;
  image_pages_ = 0;
  target->awaits_image = true;
  Position position;
  if (const auto database = store_.find(target->name)) position = database->info().position;
  if (position.txid != Txid(0)) {
    TRY(log_.replacing({target->name, position, frame.reason, target->past, primary_->hostname,
                        primary_->node, primary_->epoch}));
  }
  header_ = {};
  header_.page_size = frame.page_size;
  header_.commit = std::max(frame.commit, 1u);
  header_.min_txid = Txid(1);
  header_.max_txid = std::max(position.txid, Txid(1));
  header_.timestamp_ms = clock_.wall_ms();
  header_.node_id = primary_->node;
  header_.epoch = primary_->epoch;
  TRY_ASSIGN(auto image, applier_.begin_image(target->name, header_));
  image_ = image.get();
  incoming_ = std::move(image);
  return {};
}

Status Receiver::handle(Bytes& reply, const ChecksumsWanted& frame) {
  if (open_ != frame.db || (incoming_ && image_ == nullptr)) {
    return fail(Errc::kInvalid, "checksums are asked for outside an image");
  }
  // Of an image that failed here the primary does not know yet: its rest is skipped.
  std::vector<Checksum> values;
  if (image_ != nullptr) values = image_->checksums(frame.first, frame.count);
  Bytes raw(values.size() * 8);
  for (size_t i = 0; i < values.size(); ++i) store_be64(&raw[i * 8], values[i].value());
  append_frame(reply, Checksums{frame.db, frame.first, raw});
  return {};
}

Status Receiver::handle(Bytes& reply, const ImageEnd& frame) {
  if (!open_ || (incoming_ && image_ == nullptr)) {
    return fail(Errc::kInvalid, "the end of no image");
  }
  const DbIndex db = *open_;
  if (!incoming_) {
    open_.reset();
    return {};
  }
  header_.commit = frame.commit;
  header_.max_txid = frame.position.txid;
  header_.timestamp_ms = clock_base_ms_ + frame.clock_ms;
  header_.node_id = frame.origin.node;
  header_.epoch = frame.origin.epoch;
  Status done = image_->set_header(header_);
  if (done) done = commit_patiently(frame.position.checksum);
  if (done) {
    locals_[db].awaits_image = locals_[db].wants_whole = false;
    std::vector<Position>().swap(locals_[db].past);
    log_.image_done(locals_[db].name, frame.position, image_pages_);
    done = finish(db, frame.position.txid);
  }
  return repair_or(reply, db, std::move(done));
}

// --- The rest ------------------------------------------------------------------------------------

// Where the primary says that it brought a database, in the stream's order, that database stands;
// or it has taken another way.
Status Receiver::check_position(Bytes& reply, const Heartbeat::Entry& entry) {
  TRY_ASSIGN(const Local* const target, local(entry.db));
  if (target->awaits_image || open_ == entry.db) return {};
  const auto database = store_.find(target->name);
  const Position position = database ? database->info().position : Position{};
  if (position == entry.position) return {};
  return ask_for_image(
      reply, entry.db,
      Error(Errc::kCorrupt, fmt::format("{} is at {} here, and at {} on the primary", target->name,
                                        to_string(position), to_string(entry.position))));
}

Status Receiver::handle(Bytes& reply, const Heartbeat& frame) {
  for (const Heartbeat::Entry& entry : frame.moved) TRY(check_position(reply, entry));
  const bool awaits_image = std::ranges::any_of(locals_, &Local::awaits_image);
  if (frame.catching_up || awaits_image) return {};
  synced_ = true;
  lag_.applied(clock_base_ms_ + frame.clock_ms, clock_.wall_ms(), clock_.now());
  return {};
}

Status Receiver::handle(Bytes&, const RoleChange& frame) {
  if (frame.is_primary) return {};
  return fail(Errc::kReadOnly, fmt::format("{} is no longer the primary", primary_->hostname));
}

Status Receiver::handle(Bytes&, const End& frame) {
  return fail(frame.reason == EndReason::kProtocol ? Errc::kInvalid : Errc::kUnavailable,
              fmt::format("the primary ended the stream: {}{}{}", to_string(frame.reason),
                          frame.text.empty() ? "" : ": ", frame.text));
}

}  // namespace skerry::replication
