// The frames of a stream as values (PROTOCOL.md draws them). A WebSocket message holds one or more
// frames; texts and pages in a decoded frame are borrowed from the message.
//
// Pure: no I/O, no clock. Errors are kInvalid: the peer is at fault, and the stream ends.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "daemon/replication/limits.h"
#include "ltx/base/bytes.h"
#include "ltx/base/result.h"
#include "ltx/base/types.h"

namespace skerry::replication {

struct VersionRange {
  uint32_t min = 0;
  uint32_t max = 0;
  friend bool operator==(VersionRange, VersionRange) = default;
};

// A program speaks its own version and the one before it.
inline constexpr VersionRange kVersions{1, 1};

// The newest version that both speak.
[[nodiscard]] std::optional<uint32_t> negotiate(VersionRange ours, VersionRange theirs);

// From 0x80 on a type may be unknown to the receiver, which then skips the frame.
inline constexpr uint8_t kOptionalTypes = 0x80;

enum class FrameType : uint8_t {
  // from the replica
  kHello = 1,
  kAck = 2,
  kChecksums = 3,
  kRepair = 4,
  // from the primary
  kWelcome = 16,
  kDatabase = 17,
  kTransaction = 18,
  kBegin = 19,
  kPages = 20,
  kCommit = 21,
  kImageBegin = 22,
  kChecksumsWanted = 23,
  kImageEnd = 24,
  kHeartbeat = 25,
  kRole = 26,
  // from both
  kEnd = 32,
  // may be unknown
  kPast = 128,
};

// A database's place in the stream; the primary numbers them from 0 as they first come.
using DbIndex = uint32_t;

struct Hello {
  struct Held {
    std::string_view name;
    Position position;
    bool has_staged_pages = false;  // an image of it was interrupted and can be gone on with
    friend bool operator==(const Held&, const Held&) = default;
  };
  VersionRange versions;
  NodeId node;
  Epoch epoch;  // the highest that the replica saw
  std::string_view hostname;
  std::string_view region;
  std::string_view cluster;              // empty: not yet of one
  std::vector<std::string_view> filter;  // empty: all databases
  std::vector<Held> databases;
  bool catches_up = false;  // wants what a node has that is no primary, before it stands itself
  friend bool operator==(const Hello&, const Hello&) = default;
};

struct Ack {
  struct Entry {
    DbIndex db = 0;
    Txid received;  // applied: readers find it
    Txid durable;   // survives a power cut
    friend bool operator==(Entry, Entry) = default;
  };
  std::vector<Entry> entries;
  friend bool operator==(const Ack&, const Ack&) = default;
};

// Answers ChecksumsWanted: what the replica has of those pages; 0 for one that it does not have.
struct Checksums {
  DbIndex db = 0;
  PageNo first;
  ByteView values;  // 8 bytes each, big-endian
  [[nodiscard]] size_t count() const { return values.size() / 8; }
  [[nodiscard]] Checksum at(size_t i) const { return Checksum(load_be64(&values[i * 8])); }
};

// The replica could not apply what came; it waits for an image.
struct Repair {
  DbIndex db = 0;
  bool whole = false;  // its checksums are not to be relied on: send every page
  friend bool operator==(Repair, Repair) = default;
};

struct Welcome {
  uint32_t version = 0;
  NodeId node;
  Epoch epoch;
  int64_t clock_base_ms = 0;  // since the Unix epoch: what the stream's times count from
  std::string_view hostname;
  std::string_view cluster;
  friend bool operator==(const Welcome&, const Welcome&) = default;
};

struct NamedDatabase {
  DbIndex db = 0;
  std::string_view name;
  friend bool operator==(const NamedDatabase&, const NamedDatabase&) = default;
};

struct Origin {
  NodeId node;
  Epoch epoch;
  friend bool operator==(Origin, Origin) = default;
};

// What a transaction is, before its pages. It follows the replica's position: its first txid is the
// next one, its pre-apply checksum the one that the replica stands at.
struct TransactionHead {
  uint32_t further_txids = 0;         // merged into it
  std::optional<Origin> origin;       // if not the one in Welcome
  std::optional<PageSize> page_size;  // if not the database's
  std::optional<uint32_t> commit;     // pages of the database after it, if not as before
  int64_t clock_ms = 0;               // its timestamp, since Welcome's clock base
  friend bool operator==(const TransactionHead&, const TransactionHead&) = default;
};

// A whole transaction; `block` as page_codec.h has it.
struct TransactionFrame {
  DbIndex db = 0;
  TransactionHead head;
  Checksum post_apply;
  ByteView block;
};

// One too large for a frame: Begin, Pages …, Commit.
struct Begin {
  DbIndex db = 0;
  TransactionHead head;
  friend bool operator==(const Begin&, const Begin&) = default;
};
struct Pages {
  ByteView block;
};
struct Commit {
  Checksum post_apply;
  friend bool operator==(Commit, Commit) = default;
};

enum class ImageReason : uint8_t {
  kNew = 0,            // the replica does not have the database
  kPastRetention = 1,  // what it lacks is no longer in the log
  kOtherHistory = 2,   // its position is none of the primary's history
  kRepair = 3,         // it asked
};
[[nodiscard]] std::string_view to_string(ImageReason reason);

// The whole database, of which only those pages come that the replica does not have: ImageBegin,
// Pages … (a page may come again; ChecksumsWanted in between), ImageEnd.
struct ImageBegin {
  DbIndex db = 0;
  ImageReason reason = ImageReason::kNew;
  PageSize page_size = *PageSize::of(4096);
  uint32_t commit = 0;  // pages at the beginning
  friend bool operator==(const ImageBegin&, const ImageBegin&) = default;
};
// Before ImageBegin: positions of the primary's history, newest first, none after the replica's
// txid. The first that the replica had too is where their histories part.
struct Past {
  DbIndex db = 0;
  std::vector<Position> positions;
  friend bool operator==(const Past&, const Past&) = default;
};
struct ChecksumsWanted {
  DbIndex db = 0;
  PageNo first;
  uint32_t count = 0;
  friend bool operator==(ChecksumsWanted, ChecksumsWanted) = default;
};
struct ImageEnd {
  Position position;
  Origin origin;
  uint32_t commit = 0;
  int64_t clock_ms = 0;
  friend bool operator==(const ImageEnd&, const ImageEnd&) = default;
};

// Each second, in the stream's order: all that was committed before has been sent, unless
// `catching_up`.
struct Heartbeat {
  struct Entry {
    DbIndex db = 0;
    Position position;
    friend bool operator==(Entry, Entry) = default;
  };
  int64_t clock_ms = 0;  // the primary's wall clock
  bool catching_up = false;
  std::vector<Entry> moved;  // where databases stand that moved since the last one
  friend bool operator==(const Heartbeat&, const Heartbeat&) = default;
};

// The sender's role changed. Where the primary is now, if it knows.
struct RoleChange {
  bool is_primary = false;
  Epoch epoch;
  std::string_view hostname;
  std::string_view advertise_url;
  friend bool operator==(const RoleChange&, const RoleChange&) = default;
};

enum class EndReason : uint8_t {
  kShutdown = 0,    // come back soon
  kVersion = 1,     // no common version
  kCluster = 2,     // another cluster's node
  kNotPrimary = 3,  // ask for the primary anew
  kStaleEpoch = 4,  // the other side saw a later lease
  kProtocol = 5,    // what came was not understood
  kFailed = 6,      // an error of the sender's own
  kTooMany = 7,     // streams
};
[[nodiscard]] std::string_view to_string(EndReason reason);

struct End {
  EndReason reason = EndReason::kShutdown;
  std::string_view text;
  friend bool operator==(const End&, const End&) = default;
};

using Frame =
    std::variant<Hello, Ack, Checksums, Repair, Welcome, NamedDatabase, TransactionFrame, Begin,
                 Pages, Commit, ImageBegin, Past, ChecksumsWanted, ImageEnd, Heartbeat, RoleChange,
                 End>;

// Takes the next frame that must be understood off the front of a message; nothing at its end.
[[nodiscard]] Result<std::optional<Frame>> take_frame(ByteView& message);

// Appends the frame to a message.
void append_frame(Bytes& message, const Frame& frame);

// A transaction's frame in two parts, so that the second, larger one serves many streams.
void append_transaction_head(Bytes& message, DbIndex db, size_t body_bytes);
void append_transaction_body(Bytes& body, const TransactionHead& head, Checksum post_apply);

}  // namespace skerry::replication
