// How a log record looks as one line. Pure: a record in, a line (with its line end) out.
//
//   text  2026-03-01T12:00:00.250Z INFO  commit-refused: message for people db=app.db pid=17
//   JSON  {"time":"…","level":"INFO","key":"commit-refused","msg":"…","db":"app.db","pid":17}
//
// Text leaves out the time unless asked, for most supervisors add their own. In JSON the fields
// stand beside the four fixed names; a field of such a name gets an underscore after it.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "daemon/log/field.h"

namespace skerry::log {

enum class Level : uint8_t { kDebug, kInfo, kWarn, kError };

[[nodiscard]] std::string_view to_string(Level level);  // "DEBUG", "INFO", "WARN", "ERROR"

// A message or a value that is longer is cut: a line has to stay readable.
inline constexpr size_t kTextBytesMax = 4096;

struct Record {
  Level level = Level::kInfo;
  std::string_view key;
  std::string_view message;
  std::span<const Field> fields;
  std::optional<std::chrono::system_clock::time_point> time;
};

[[nodiscard]] std::string format_text(const Record& record);
[[nodiscard]] std::string format_json(const Record& record);

}  // namespace skerry::log
