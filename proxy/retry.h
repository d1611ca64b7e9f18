// What becomes of a request whose upstream connection failed. Pure. The rule behind the table
// (ROUTING.md): nothing is executed twice that could have been executed once.
#pragma once

#include <cstdint>

namespace skerry::proxy {

enum class Delivered : uint8_t {
  // The other side had closed the connection before the request came: its end arrived, in order,
  // and acknowledges nothing of it. Silence or a reset prove nothing: acknowledgements get lost.
  kNo,
  kPerhaps,
};

struct Failure {
  Delivered delivered = Delivered::kPerhaps;
  bool response_began = false;  // the client has seen the beginning of an answer
  bool idempotent = false;      // a safe method
  bool body_kept = true;        // everything that was sent is still here
  unsigned attempts = 1;        // so far
};

enum class AfterFailure : uint8_t {
  kAgain,        // to wherever it belongs by now
  kAnswerLater,  // 503: nobody has read it, but it is not all here any more
  kAnswer,       // 502; a write may have been executed
  kAbort,        // the client's connection is cut: it has half an answer
};

[[nodiscard]] AfterFailure after_failure(const Failure& failure);

}  // namespace skerry::proxy
