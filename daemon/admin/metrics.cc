#include "daemon/admin/metrics.h"

#include <dirent.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>

#include "daemon/log/escape.h"

namespace skerry::admin {

struct MetricSink::Families {
  std::vector<prometheus::MetricFamily> list;
};

MetricSink::MetricSink() : families_(std::make_unique<Families>()) {}
MetricSink::~MetricSink() = default;

void MetricSink::declare(std::string_view name, MetricType type, std::string_view help) {
  prometheus::MetricFamily& family = families_->list.emplace_back();
  family.name = name;
  family.help = help;
  family.type = type == MetricType::kCounter ? prometheus::MetricType::Counter
                                             : prometheus::MetricType::Gauge;
}

void MetricSink::add(double value, Labels labels) {
  prometheus::ClientMetric& metric = families_->list.back().metric.emplace_back();
  metric.counter.value = value;
  metric.gauge.value = value;
  for (const auto& [name, text] : labels) {
    prometheus::ClientMetric::Label& label = metric.label.emplace_back();
    label.name = name;
    log::append_utf8(label.value, text, SIZE_MAX);
  }
}

std::string MetricSink::text() const {
  return prometheus::TextSerializer().Serialize(families_->list);
}

std::string Metrics::text() const {
  MetricSink sink;
  for (const Source& source : sources_) source(sink);
  return sink.text();
}

namespace {

double resident_bytes() {
  unsigned long total = 0;
  unsigned long resident = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  const bool read = std::fscanf(file, "%lu %lu", &total, &resident) == 2;
  (void)std::fclose(file);
  return read ? static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE)) : 0;
}

double open_descriptors() {
  DIR* dir = ::opendir("/proc/self/fd");
  if (dir == nullptr) return 0;
  int count = 0;
  while (::readdir(dir) != nullptr) ++count;
  ::closedir(dir);
  return count - 3;  // ".", "..", and the folder's own
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

void process_metrics(MetricSink& sink) {
  sink.one("process_resident_memory_bytes", MetricType::kGauge, "Resident memory size in bytes.",
           resident_bytes());
  sink.one("process_cpu_seconds_total", MetricType::kCounter,
           "Total user and system CPU time spent in seconds.", cpu_seconds());
  sink.one("process_open_fds", MetricType::kGauge, "Number of open file descriptors.",
           open_descriptors());
}

}  // namespace skerry::admin
