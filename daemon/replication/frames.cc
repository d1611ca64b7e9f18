#include "daemon/replication/frames.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "daemon/replication/wire.h"

namespace skerry::replication {
namespace {

// Flags of a transaction's head: which optional fields follow.
constexpr uint8_t kHasOrigin = 1;
constexpr uint8_t kHasFurtherTxids = 2;
constexpr uint8_t kHasPageSize = 4;
constexpr uint8_t kHasCommit = 8;
constexpr uint8_t kHeadFlags = kHasOrigin | kHasFurtherTxids | kHasPageSize | kHasCommit;

// The least that an entry of a list takes: bounds a list before it is allocated.
constexpr size_t kHeldBytesMin = 11;
constexpr size_t kAckBytesMin = 3;
constexpr size_t kHeartbeatBytesMin = 10;
constexpr size_t kPositionBytesMin = 9;

size_t take_count(WireReader& in, size_t max, size_t entry_bytes_min, size_t payload_bytes) {
  return in.number(std::min(max, payload_bytes / entry_bytes_min));
}

// --- Shared parts --------------------------------------------------------------------------------

void put(WireWriter& out, Position position) {
  out.number(position.txid.value());
  out.fixed64(position.checksum.value());
}

Position take_position(WireReader& in) {
  const Txid txid(in.number());
  return {txid, Checksum(in.fixed64())};
}

void put(WireWriter& out, Origin origin) {
  out.fixed64(origin.node.value());
  out.number(origin.epoch.value());
}

Origin take_origin(WireReader& in) {
  const NodeId node(in.fixed64());
  return {node, Epoch(in.number())};
}

void put(WireWriter& out, PageSize size) {
  out.byte(static_cast<uint8_t>(std::countr_zero(size.bytes())));
}

PageSize take_page_size(WireReader& in) {
  const uint8_t power = in.byte();
  if (const auto size = power < 32 ? PageSize::of(1u << power) : std::nullopt) return *size;
  in.refuse();
  return *PageSize::of(4096);
}

void put(WireWriter& out, const TransactionHead& head) {
  uint8_t flags = 0;
  if (head.origin) flags |= kHasOrigin;
  if (head.further_txids != 0) flags |= kHasFurtherTxids;
  if (head.page_size) flags |= kHasPageSize;
  if (head.commit) flags |= kHasCommit;
  out.byte(flags);
  if (head.origin) put(out, *head.origin);
  if (head.further_txids != 0) out.number(head.further_txids);
  if (head.page_size) put(out, *head.page_size);
  if (head.commit) out.number(*head.commit);
  out.signed_number(head.clock_ms);
}

TransactionHead take_head(WireReader& in) {
  TransactionHead head;
  const uint8_t flags = in.byte();
  if ((flags & ~kHeadFlags) != 0) in.refuse();
  if ((flags & kHasOrigin) != 0) head.origin = take_origin(in);
  if ((flags & kHasFurtherTxids) != 0) head.further_txids = in.word();
  if ((flags & kHasPageSize) != 0) head.page_size = take_page_size(in);
  if ((flags & kHasCommit) != 0) head.commit = in.word();
  head.clock_ms = in.signed_number();
  return head;
}

// --- One pair for each frame ---------------------------------------------------------------------

FrameType type_of(const Hello&) {
  return FrameType::kHello;
}
void put(WireWriter& out, const Hello& f) {
  out.number(f.versions.min);
  out.number(f.versions.max);
  out.fixed64(f.node.value());
  out.number(f.epoch.value());
  out.text(f.hostname);
  out.text(f.region);
  out.text(f.cluster);
  out.number(f.filter.size());
  for (const std::string_view name : f.filter) out.text(name);
  out.number(f.databases.size());
  for (const Hello::Held& held : f.databases) {
    out.text(held.name);
    put(out, held.position);
    out.byte(held.has_staged_pages ? 1 : 0);
  }
  out.byte(f.catches_up ? 1 : 0);
}
Frame take_hello(WireReader& in, size_t payload_bytes) {
  Hello f;
  f.versions.min = in.word();
  f.versions.max = in.word();
  f.node = NodeId(in.fixed64());
  f.epoch = Epoch(in.number());
  f.hostname = in.text(kNameBytesMax);
  f.region = in.text(kNameBytesMax);
  f.cluster = in.text(kNameBytesMax);
  f.filter.resize(take_count(in, kDatabasesMax, 1, payload_bytes));
  for (std::string_view& name : f.filter) name = in.text(kNameBytesMax);
  f.databases.resize(take_count(in, kDatabasesMax, kHeldBytesMin, payload_bytes));
  for (Hello::Held& held : f.databases) {
    held.name = in.text(kNameBytesMax);
    held.position = take_position(in);
    held.has_staged_pages = (in.byte() & 1) != 0;
  }
  if (!in.at_end()) f.catches_up = (in.byte() & 1) != 0;
  in.rest();  // of a later version
  return f;
}

FrameType type_of(const Ack&) {
  return FrameType::kAck;
}
void put(WireWriter& out, const Ack& f) {
  out.number(f.entries.size());
  for (const Ack::Entry& entry : f.entries) {
    out.number(entry.db);
    out.number(entry.received.value());
    out.number(entry.durable.value());
  }
}
Frame take_ack(WireReader& in, size_t payload_bytes) {
  Ack f;
  f.entries.resize(take_count(in, kDatabasesMax, kAckBytesMin, payload_bytes));
  for (Ack::Entry& entry : f.entries) {
    entry.db = in.word();
    entry.received = Txid(in.number());
    entry.durable = Txid(in.number());
  }
  return f;
}

FrameType type_of(const Checksums&) {
  return FrameType::kChecksums;
}
void put(WireWriter& out, const Checksums& f) {
  out.number(f.db);
  out.number(f.first.value());
  out.bytes(f.values);
}
Frame take_checksums(WireReader& in) {
  Checksums f;
  f.db = in.word();
  f.first = PageNo(in.word());
  f.values = in.rest();
  if (f.values.size() % 8 != 0 || f.count() > kChecksumsMax) in.refuse();
  return f;
}

FrameType type_of(const Repair&) {
  return FrameType::kRepair;
}
void put(WireWriter& out, const Repair& f) {
  out.number(f.db);
  out.byte(f.whole ? 1 : 0);
}
Frame take_repair(WireReader& in) {
  const DbIndex db = in.word();
  return Repair{db, (in.byte() & 1) != 0};
}

FrameType type_of(const Welcome&) {
  return FrameType::kWelcome;
}
void put(WireWriter& out, const Welcome& f) {
  out.number(f.version);
  out.fixed64(f.node.value());
  out.number(f.epoch.value());
  out.signed_number(f.clock_base_ms);
  out.text(f.hostname);
  out.text(f.cluster);
}
Frame take_welcome(WireReader& in) {
  Welcome f;
  f.version = in.word();
  f.node = NodeId(in.fixed64());
  f.epoch = Epoch(in.number());
  f.clock_base_ms = in.signed_number();
  f.hostname = in.text(kNameBytesMax);
  f.cluster = in.text(kNameBytesMax);
  in.rest();  // of a later version
  return f;
}

FrameType type_of(const NamedDatabase&) {
  return FrameType::kDatabase;
}
void put(WireWriter& out, const NamedDatabase& f) {
  out.number(f.db);
  out.text(f.name);
}
Frame take_database(WireReader& in) {
  const DbIndex db = in.word();
  return NamedDatabase{db, in.text(kNameBytesMax)};
}

FrameType type_of(const TransactionFrame&) {
  return FrameType::kTransaction;
}
void put(WireWriter& out, const TransactionFrame& f) {
  out.number(f.db);
  put(out, f.head);
  out.fixed64(f.post_apply.value());
  out.bytes(f.block);
}
Frame take_transaction(WireReader& in) {
  TransactionFrame f;
  f.db = in.word();
  f.head = take_head(in);
  f.post_apply = Checksum(in.fixed64());
  f.block = in.rest();
  return f;
}

FrameType type_of(const Begin&) {
  return FrameType::kBegin;
}
void put(WireWriter& out, const Begin& f) {
  out.number(f.db);
  put(out, f.head);
}
Frame take_begin(WireReader& in) {
  const DbIndex db = in.word();
  return Begin{db, take_head(in)};
}

FrameType type_of(const Pages&) {
  return FrameType::kPages;
}
void put(WireWriter& out, const Pages& f) {
  out.bytes(f.block);
}

FrameType type_of(const Commit&) {
  return FrameType::kCommit;
}
void put(WireWriter& out, const Commit& f) {
  out.fixed64(f.post_apply.value());
}

FrameType type_of(const ImageBegin&) {
  return FrameType::kImageBegin;
}
void put(WireWriter& out, const ImageBegin& f) {
  out.number(f.db);
  out.byte(static_cast<uint8_t>(f.reason));
  put(out, f.page_size);
  out.number(f.commit);
}
Frame take_image_begin(WireReader& in) {
  ImageBegin f;
  f.db = in.word();
  f.reason = static_cast<ImageReason>(std::min<uint8_t>(in.byte(), 3));
  f.page_size = take_page_size(in);
  f.commit = in.word();
  return f;
}

FrameType type_of(const Past&) {
  return FrameType::kPast;
}
void put(WireWriter& out, const Past& f) {
  out.number(f.db);
  out.number(f.positions.size());
  for (const Position position : f.positions) put(out, position);
}
Frame take_past(WireReader& in, size_t payload_bytes) {
  Past f;
  f.db = in.word();
  f.positions.resize(take_count(in, kPastPositionsMax, kPositionBytesMin, payload_bytes));
  for (Position& position : f.positions) position = take_position(in);
  return f;
}

FrameType type_of(const ChecksumsWanted&) {
  return FrameType::kChecksumsWanted;
}
void put(WireWriter& out, const ChecksumsWanted& f) {
  out.number(f.db);
  out.number(f.first.value());
  out.number(f.count);
}
Frame take_checksums_wanted(WireReader& in) {
  ChecksumsWanted f;
  f.db = in.word();
  f.first = PageNo(in.word());
  f.count = static_cast<uint32_t>(in.number(kChecksumsMax));
  return f;
}

FrameType type_of(const ImageEnd&) {
  return FrameType::kImageEnd;
}
void put(WireWriter& out, const ImageEnd& f) {
  put(out, f.position);
  put(out, f.origin);
  out.number(f.commit);
  out.signed_number(f.clock_ms);
}
Frame take_image_end(WireReader& in) {
  ImageEnd f;
  f.position = take_position(in);
  f.origin = take_origin(in);
  f.commit = in.word();
  f.clock_ms = in.signed_number();
  return f;
}

FrameType type_of(const Heartbeat&) {
  return FrameType::kHeartbeat;
}
void put(WireWriter& out, const Heartbeat& f) {
  out.signed_number(f.clock_ms);
  out.byte(f.catching_up ? 1 : 0);
  out.number(f.moved.size());
  for (const Heartbeat::Entry& entry : f.moved) {
    out.number(entry.db);
    put(out, entry.position);
  }
}
Frame take_heartbeat(WireReader& in, size_t payload_bytes) {
  Heartbeat f;
  f.clock_ms = in.signed_number();
  f.catching_up = (in.byte() & 1) != 0;
  f.moved.resize(take_count(in, kDatabasesMax, kHeartbeatBytesMin, payload_bytes));
  for (Heartbeat::Entry& entry : f.moved) {
    entry.db = in.word();
    entry.position = take_position(in);
  }
  return f;
}

FrameType type_of(const RoleChange&) {
  return FrameType::kRole;
}
void put(WireWriter& out, const RoleChange& f) {
  out.byte(f.is_primary ? 1 : 0);
  out.number(f.epoch.value());
  out.text(f.hostname);
  out.text(f.advertise_url);
}
Frame take_role(WireReader& in) {
  RoleChange f;
  f.is_primary = (in.byte() & 1) != 0;
  f.epoch = Epoch(in.number());
  f.hostname = in.text(kNameBytesMax);
  f.advertise_url = in.text(kUrlBytesMax);
  return f;
}

FrameType type_of(const End&) {
  return FrameType::kEnd;
}
void put(WireWriter& out, const End& f) {
  out.byte(static_cast<uint8_t>(f.reason));
  out.text(f.text);
}
Frame take_end(WireReader& in) {
  const auto reason = static_cast<EndReason>(std::min<uint8_t>(in.byte(), 7));
  return End{reason, in.text(kTextBytesMax)};
}

// Nothing: no such type.
std::optional<Frame> take_payload(uint8_t type, WireReader& in, size_t payload_bytes) {
  switch (static_cast<FrameType>(type)) {
    case FrameType::kHello:
      return take_hello(in, payload_bytes);
    case FrameType::kAck:
      return take_ack(in, payload_bytes);
    case FrameType::kChecksums:
      return take_checksums(in);
    case FrameType::kRepair:
      return take_repair(in);
    case FrameType::kWelcome:
      return take_welcome(in);
    case FrameType::kDatabase:
      return take_database(in);
    case FrameType::kTransaction:
      return take_transaction(in);
    case FrameType::kBegin:
      return take_begin(in);
    case FrameType::kPages:
      return Pages{in.rest()};
    case FrameType::kCommit:
      return Commit{Checksum(in.fixed64())};
    case FrameType::kImageBegin:
      return take_image_begin(in);
    case FrameType::kPast:
      return take_past(in, payload_bytes);
    case FrameType::kChecksumsWanted:
      return take_checksums_wanted(in);
    case FrameType::kImageEnd:
      return take_image_end(in);
    case FrameType::kHeartbeat:
      return take_heartbeat(in, payload_bytes);
    case FrameType::kRole:
      return take_role(in);
    case FrameType::kEnd:
      return take_end(in);
  }
  return std::nullopt;
}

void append_frame_head(Bytes& message, FrameType type, size_t payload_bytes) {
  WireWriter out(message);
  out.byte(static_cast<uint8_t>(type));
  out.number(payload_bytes);
}

size_t varint_bytes(uint64_t value) {
  return std::max<size_t>(1, (static_cast<size_t>(std::bit_width(value)) + 6) / 7);
}

}  // namespace

std::optional<uint32_t> negotiate(VersionRange ours, VersionRange theirs) {
  const uint32_t newest = std::min(ours.max, theirs.max);
  if (newest < std::max(ours.min, theirs.min)) return std::nullopt;
  return newest;
}

Result<std::optional<Frame>> take_frame(ByteView& message) {
  while (!message.empty()) {
    WireReader head(message);
    const uint8_t type = head.byte();
    const uint64_t payload_bytes = head.number(kFrameBytesMax);
    const ByteView payload = head.bytes(payload_bytes);
    if (!head.ok()) {
      return fail(Errc::kInvalid, fmt::format("stream: a frame of type {} is cut off", type));
    }
    message = head.rest();
    WireReader in(payload);
    auto frame = take_payload(type, in, payload.size());
    if (!frame && type >= kOptionalTypes) continue;
    if (!frame) return fail(Errc::kInvalid, fmt::format("stream: unknown frame type {}", type));
    if (!in.ok() || !in.at_end()) {
      return fail(Errc::kInvalid, fmt::format("stream: a frame of type {} is malformed", type));
    }
    return frame;
  }
  return std::nullopt;
}

void append_frame(Bytes& message, const Frame& frame) {
  Bytes payload;
  WireWriter out(payload);
  const FrameType type = std::visit(
      [&out](const auto& f) {
        put(out, f);
        return type_of(f);
      },
      frame);
  append_frame_head(message, type, payload.size());
  append(message, payload);
}

void append_transaction_head(Bytes& message, DbIndex db, size_t body_bytes) {
  append_frame_head(message, FrameType::kTransaction, varint_bytes(db) + body_bytes);
  WireWriter(message).number(db);
}

void append_transaction_body(Bytes& body, const TransactionHead& head, Checksum post_apply) {
  WireWriter out(body);
  put(out, head);
  out.fixed64(post_apply.value());
}

std::string_view to_string(ImageReason reason) {
  switch (reason) {
    case ImageReason::kNew:
      return "it is new here";
    case ImageReason::kPastRetention:
      return "what it lacks is no longer in the primary's log";
    case ImageReason::kOtherHistory:
      return "its position is not in the primary's history";
    case ImageReason::kRepair:
      return "a transaction could not be applied";
  }
  return "unknown";
}

std::string_view to_string(EndReason reason) {
  switch (reason) {
    case EndReason::kShutdown:
      return "shutdown";
    case EndReason::kVersion:
      return "no common protocol version";
    case EndReason::kCluster:
      return "another cluster";
    case EndReason::kNotPrimary:
      return "not the primary";
    case EndReason::kStaleEpoch:
      return "stale epoch";
    case EndReason::kProtocol:
      return "protocol error";
    case EndReason::kFailed:
      return "failed";
    case EndReason::kTooMany:
      return "too many streams";
  }
  return "unknown";
}

}  // namespace skerry::replication
