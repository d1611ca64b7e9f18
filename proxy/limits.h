// Every bound of the proxy, by name. Those that a configuration key sets are in settings.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace skerry::proxy {

// --- What a message may be -----------------------------------------------------------------------

inline constexpr size_t kHeadBytesMax = 64 * 1024;           // 431 past it
inline constexpr size_t kRequestTargetBytesMax = 16 * 1024;  // 414
inline constexpr size_t kFieldsMax = 200;                    // 431
inline constexpr size_t kMethodBytesMax = 32;                // 501
inline constexpr size_t kEmptyLinesMax = 4;                  // before a request line
inline constexpr size_t kChunkExtensionBytesMax = 1024;      // of one chunk
inline constexpr size_t kTrailerBytesMax = 8 * 1024;
inline constexpr size_t kInterimResponsesMax = 32;  // 1xx before the response

// --- Tokens --------------------------------------------------------------------------------------

inline constexpr size_t kTokenDatabasesMax = 64;
inline constexpr size_t kTokenTextBytesMax = 2048;

// --- Memory --------------------------------------------------------------------------------------

inline constexpr size_t kScratchBytes = 128 * 1024;  // one per thread: what a read takes at once
inline constexpr size_t kBurstBytes = 1024 * 1024;   // of one connection before others' turn
inline constexpr size_t kReplayBodyBytesMax = 64 * 1024;  // of a request kept until it is answered
inline constexpr size_t kClientsMax = 16 * 1024;          // connections; others wait in the backlog
inline constexpr size_t kIdleUpstreamsMax = 256;          // per thread and destination
inline constexpr size_t kHeldRequestsMax = 4096;          // while no primary is known
inline constexpr size_t kHeldBytesMax = 64 * 1024 * 1024;
inline constexpr size_t kLingerBytesMax = 1024 * 1024;  // read and dropped after a final answer
inline constexpr size_t kResolvingMax = 64;             // names being looked up
inline constexpr unsigned kThreadsMax = 32;

// --- Time ----------------------------------------------------------------------------------------

using Ms = std::chrono::milliseconds;

inline constexpr Ms kConnectRetry{100};          // while a destination refuses connections
inline constexpr Ms kConnectRetryTotal{30'000};  // then 502
inline constexpr Ms kConnectTimeout{3'000};      // of one attempt
inline constexpr Ms kDeliverTimeout{5'000};  // for another node to acknowledge a request's arrival
inline constexpr Ms kStallTimeout{60'000};   // of a body, in either direction, without progress
inline constexpr Ms kSilenceTimeout{3'600'000};  // of an event stream or a tunnel
inline constexpr Ms kIdleUpstreamTimeout{60'000};
inline constexpr Ms kLingerTimeout{2'000};
inline constexpr Ms kAcceptPause{100};      // after running out of descriptors
inline constexpr Ms kResolvedFresh{5'000};  // for how long a looked-up address is good
inline constexpr Ms kTokenLife{300'000};    // of the cookie, as LiteFS's

inline constexpr unsigned kAttemptsMax = 3;  // to have an idempotent request answered
inline constexpr unsigned kHopsMax = 3;      // from proxy to proxy

}  // namespace skerry::proxy
