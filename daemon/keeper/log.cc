#include "daemon/keeper/log.h"

#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <ctime>
#include <string>

namespace skerry::keeper {

static bool as_json = false;

void log_as_json(bool json) {
  as_json = json;
}

static std::string escaped(const char* text) {
  std::string out;
  for (const char* c = text; *c != '\0'; ++c) {
    const auto byte = static_cast<unsigned char>(*c);
    if (byte == '"' || byte == '\\') {
      out.push_back('\\');
      out.push_back(*c);
    } else if (byte < 0x20 || byte >= 0x7f) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", byte);
      out += code;
    } else {
      out.push_back(*c);
    }
  }
  return out;
}

void log_line(const char* key, const char* format, ...) {
  char message[600];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  char line[2000];
  int n = 0;
  if (as_json) {
    char when[40];
    const std::time_t now = std::time(nullptr);
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    std::strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    n = std::snprintf(line, sizeof line,
                      "{\"time\":\"%s\",\"level\":\"INFO\",\"key\":\"%s\",\"msg\":\"%s\"}\n", when,
                      key, escaped(message).c_str());
  } else {
    n = std::snprintf(line, sizeof line, "INFO  %s: %s\n", key, message);
  }
  if (n > 0 && ::write(STDERR_FILENO, line, static_cast<size_t>(n)) < 0) {
    // Nobody listens; there is no better place.
  }
}

}  // namespace skerry::keeper
