// The daemon's log: one line per event on stderr, each with a stable key that operators can search
// and alert on, a message for people, and named fields.
//
//   log::warn("commit-refused", "the lease ran out; the application sees an I/O error",
//             {{"db", name}, {"pid", pid}});
//
// Any thread may log at any time, before configure() too. A call formats its line, takes one mutex
// and writes; it waits for a reader that does not read at most 100 ms, once, and then drops lines
// and counts them (line_writer.h). Secrets do not belong into a log: pass URLs through
// redact_url().
//
// This is the one process-wide object that this program allows itself: a log line must be possible
// from everywhere, and stderr is process-wide anyway.
#pragma once

#include <initializer_list>
#include <string_view>

#include "daemon/log/field.h"
#include "daemon/log/format.h"
#include "daemon/log/limiter.h"
#include "daemon/log/redact.h"

namespace skerry::log {

enum class Format : uint8_t { kText, kJson };

struct Options {
  Format format = Format::kText;
  bool timestamp = false;  // in text; JSON lines always carry the time
  bool debug = false;      // lines of level debug, too
  int fd = 2;              // borrowed
};

void configure(const Options& options);

// For callers that would have to compute what a debug line says.
[[nodiscard]] bool enabled(Level level);

using Fields = std::initializer_list<Field>;

void write(Level level, std::string_view key, std::string_view message, Fields fields = {});

inline void debug(std::string_view key, std::string_view message, Fields fields = {}) {
  write(Level::kDebug, key, message, fields);
}
inline void info(std::string_view key, std::string_view message, Fields fields = {}) {
  write(Level::kInfo, key, message, fields);
}
inline void warn(std::string_view key, std::string_view message, Fields fields = {}) {
  write(Level::kWarn, key, message, fields);
}
inline void error(std::string_view key, std::string_view message, Fields fields = {}) {
  write(Level::kError, key, message, fields);
}

// The same at the pace of `limiter`. If lines were suppressed since the last one, a field
// `suppressed` says how many.
void write(Limiter& limiter, Level level, std::string_view key, std::string_view message,
           Fields fields = {});

}  // namespace skerry::log
