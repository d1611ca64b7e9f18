// Bounds of the stream between two nodes. Each is checked before anything is allocated for what it
// bounds (PROTOCOL.md).
#pragma once

#include <chrono>
#include <cstddef>

namespace skerry::replication {

inline constexpr size_t kFrameBytesMax = size_t{4} << 20;    // payload of one frame
inline constexpr size_t kMessageBytesMax = size_t{5} << 20;  // all frames of one message
inline constexpr size_t kNameBytesMax = 255;                 // databases, hosts, regions, clusters
inline constexpr size_t kUrlBytesMax = 2048;
inline constexpr size_t kTextBytesMax = 1024;  // why a stream ends
inline constexpr size_t kDatabasesMax = 8192;  // in one stream
inline constexpr size_t kBlockPagesMax = 2048;
inline constexpr size_t kBlockBytesMax = size_t{1} << 20;  // pages of one block, unpacked
inline constexpr size_t kChecksumsMax = 8192;              // asked for, and sent, at once
inline constexpr size_t kPastPositionsMax = 16384;         // of the primary's history

// What is coded against its previous version and kept for all replicas in step. Larger transactions
// come out of the commit log.
inline constexpr size_t kImagesPagesMax = 128;
inline constexpr size_t kImagesBytesMax = size_t{512} << 10;  // of the pages after the transaction

inline constexpr std::chrono::seconds kHeartbeatEvery{1};
inline constexpr int kHeartbeatsMissedMax = 3;
// A peer that takes or sends nothing for so long is disconnected.
inline constexpr std::chrono::seconds kSendDeadline{15};
inline constexpr std::chrono::seconds kHandshakeDeadline{10};

}  // namespace skerry::replication
