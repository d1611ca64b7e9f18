#include "daemon/log/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "daemon/log/line_writer.h"

namespace skerry::log {
namespace {

std::string lost_line(uint64_t count);

// Lines come finished: spdlog holds the lock and the level, and formats nothing.
class StderrSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  void redirect(int fd) {
    const std::lock_guard lock(mutex_);
    writer_.redirect(fd);
  }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    // Dropped lines are counted by the writer, there is nobody else to tell.
    (void)writer_.write({message.payload.data(), message.payload.size()});
  }
  void flush_() override {}

  LineWriter writer_{2, lost_line};
};

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarn:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

struct Journal {
  std::shared_ptr<StderrSink> sink = std::make_shared<StderrSink>();
  spdlog::logger logger{"skerry", sink};
  std::atomic<Format> format{Format::kText};
  std::atomic<bool> timestamp{false};
};

// Never destroyed, so that threads and destructors that outlive main() can still log.
Journal& journal() {
  static Journal& instance = *new Journal;
  return instance;
}

std::string line_of(Level level, std::string_view key, std::string_view message,
                    std::span<const Field> fields) {
  const bool json = journal().format == Format::kJson;
  Record record{level, key, message, fields, std::nullopt};
  if (json || journal().timestamp) record.time = std::chrono::system_clock::now();
  return json ? format_json(record) : format_text(record);
}

std::string lost_line(uint64_t count) {
  const Field fields[] = {{"count", count}};
  return line_of(Level::kWarn, "log-lines-dropped", "nobody read this log for a while", fields);
}

void emit(Level level, std::string_view key, std::string_view message,
          std::span<const Field> fields) {
  const std::string line = line_of(level, key, message, fields);
  journal().logger.log(spdlog_level(level), spdlog::string_view_t(line));
}

}  // namespace

void configure(const Options& options) {
  Journal& to = journal();
  to.format = options.format;
  to.timestamp = options.timestamp;
  to.sink->redirect(options.fd);
  to.logger.set_level(options.debug ? spdlog::level::debug : spdlog::level::info);
}

bool enabled(Level level) {
  return journal().logger.should_log(spdlog_level(level));
}

void write(Level level, std::string_view key, std::string_view message, Fields fields) {
  if (enabled(level)) emit(level, key, message, {fields.begin(), fields.size()});
}

void write(Limiter& limiter, Level level, std::string_view key, std::string_view message,
           Fields fields) {
  if (!enabled(level)) return;
  const std::optional<uint64_t> suppressed = limiter.admit();
  if (!suppressed) return;
  std::vector<Field> all(fields);
  if (*suppressed > 0) all.push_back({"suppressed", *suppressed});
  emit(level, key, message, all);
}

}  // namespace skerry::log
