// GET /metrics: figures in Prometheus's text format, asked for at each scrape. LiteFS's names are
// kept (litefs_…); what LiteFS does not have is called skerry_…, what every process has process_….
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace skerry::admin {

enum class MetricType { kCounter, kGauge };

// Collects the figures of one scrape.
class MetricSink {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  MetricSink();
  ~MetricSink();
  MetricSink(const MetricSink&) = delete;
  MetricSink& operator=(const MetricSink&) = delete;

  // Announces a metric, so that it is there with its help also while there is no value.
  void declare(std::string_view name, MetricType type, std::string_view help);
  // A value of the metric that was declared last.
  void add(double value, Labels labels = {});
  void add(uint64_t value, Labels labels = {}) { add(static_cast<double>(value), labels); }
  // Both.
  void one(std::string_view name, MetricType type, std::string_view help, double value) {
    declare(name, type, help);
    add(value);
  }

  [[nodiscard]] std::string text() const;

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

class Metrics {
 public:
  // A source is called for each scrape, on a pool thread.
  using Source = std::function<void(MetricSink&)>;
  void add(Source source) { sources_.push_back(std::move(source)); }  // before the server starts
  [[nodiscard]] std::string text() const;

 private:
  std::vector<Source> sources_;
};

// Memory, time, file descriptors of this process.
void process_metrics(MetricSink& sink);

}  // namespace skerry::admin
