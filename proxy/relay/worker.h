// One of the proxy's threads: an event loop, the clients that it serves, and the connections that
// their requests go over. Nothing here is shared with the other threads but what is said to be.
//
// Threads: start(), adopt(), close_idle_upstreams(), begin_drain(), stop() from any; everything
// else from the worker's own.
#pragma once

#include <array>
#include <atomic>
#include <boost/intrusive/list.hpp>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "daemon/log/limiter.h"
#include "proxy/metrics.h"
#include "proxy/node_view.h"
#include "proxy/relay/client.h"
#include "proxy/relay/hold_budget.h"
#include "proxy/relay/node_cache.h"
#include "proxy/relay/upstream.h"
#include "proxy/settings.h"

namespace skerry::proxy {

// What the workers share; outlives them.
struct Shared {
  const Settings& settings;
  NodeView& node;
  Resolver& resolver;
  HoldBudget& holds;
  std::function<void()> client_gone;  // any thread: a connection has ended
};

class Worker final : private EventLoop::Handler {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Worker>> open(const Shared& shared);
  ~Worker() override;

  void start(const std::string& thread_name);
  // A client's connection, from its acceptance on.
  void adopt(os::Fd fd, std::string address);
  // Connections to the application that nobody uses: it may be waiting for their end in order to
  // end itself. From then on none is kept.
  void close_idle_upstreams();
  // Idle clients' connections are closed, the others' after their response.
  void begin_drain();
  // Cuts what is left and ends the thread.
  void stop();

  [[nodiscard]] EventLoop& loop() { return *loop_; }
  [[nodiscard]] size_t client_count() const {
    return client_count_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] const Counters& counters() const { return counters_; }

  // --- For clients and their exchanges -----------------------------------------------------------

  [[nodiscard]] const Settings& settings() const { return shared_.settings; }
  [[nodiscard]] NodeView& node_view() { return shared_.node; }
  [[nodiscard]] NodeCache& node() { return node_; }
  [[nodiscard]] HoldBudget& holds() { return shared_.holds; }
  [[nodiscard]] Counters& count() { return counters_; }
  [[nodiscard]] Destination& application() { return application_; }
  [[nodiscard]] Destination& other_proxy(const config::Address& address);
  [[nodiscard]] TimePoint now() const { return loop_->now(); }
  [[nodiscard]] bool draining() const { return draining_; }
  [[nodiscard]] bool keeps_upstreams() const { return keeps_upstreams_; }

  // For reads; whoever fills it uses it up before anybody else's turn.
  [[nodiscard]] std::array<char, kScratchBytes>& scratch() { return *scratch_; }
  // For heads that are being written; the same.
  [[nodiscard]] std::string& text() { return text_; }

  // Paces for the log.
  [[nodiscard]] log::Limiter& trouble() { return trouble_; }
  [[nodiscard]] log::Limiter& rule_advice() { return rule_advice_; }

  // The client is called when the node changes, until it is removed from the list.
  void wait_for_node(Client& client);
  void gone(Client& client);

 private:
  Worker(const Shared& shared, std::shared_ptr<EventLoop> loop);
  void on_ready(uint32_t) override {}
  void on_timer() override;  // housekeeping
  void listen_to_node();
  void node_changed();
  void cut_all();

  using Clients = boost::intrusive::list<Client, boost::intrusive::base_hook<AllClientsHook>,
                                         boost::intrusive::constant_time_size<false>>;
  using Waiting = boost::intrusive::list<Client, boost::intrusive::base_hook<WaitingClientsHook>,
                                         boost::intrusive::constant_time_size<false>>;

  const Shared& shared_;
  const std::shared_ptr<EventLoop> loop_;
  Counters counters_;
  NodeCache node_;
  Destination application_;
  std::map<std::string, std::unique_ptr<Destination>> other_proxies_;
  std::unique_ptr<std::array<char, kScratchBytes>> scratch_;
  std::string text_;
  Clients clients_;
  Waiting waiting_;
  bool listening_to_node_ = false;
  bool draining_ = false;
  bool keeps_upstreams_ = true;
  std::atomic<size_t> client_count_{0};
  EventLoop::Timer housekeeping_{*this};
  log::Limiter trouble_{std::chrono::seconds(1)};
  log::Limiter rule_advice_{std::chrono::seconds(10)};
  std::thread thread_;
};

}  // namespace skerry::proxy
