#include "proxy/proxy.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>

#include "proxy/relay/acceptor.h"
#include "proxy/relay/worker.h"

namespace skerry::proxy {
namespace {

// Runs `task` on the loop and waits until it has run.
void run_on(EventLoop& loop, const std::function<void()>& task) {
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  loop.post([&] {
    task();
    const std::lock_guard lock(mutex);
    done = true;
    changed.notify_one();
  });
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return done; });
}

}  // namespace

Result<std::unique_ptr<Proxy>> Proxy::start(Settings settings, NodeView& node, int listener) {
  std::unique_ptr<Proxy> proxy(new Proxy(std::move(settings), node));
  TRY(proxy->open(listener));
  return proxy;
}

Proxy::Proxy(Settings settings, NodeView& node)
    : settings_(std::move(settings)),
      resolver_(std::make_unique<Resolver>()),
      holds_(std::make_unique<HoldBudget>()),
      shared_(new Shared{settings_, node, *resolver_, *holds_, [this] { client_gone(); }}) {}

Proxy::~Proxy() {
  stop();
}

Status Proxy::open(int listener) {
  for (unsigned i = 0; i < settings_.threads; ++i) {
    TRY_ASSIGN(auto worker, Worker::open(*shared_));
    workers_.push_back(std::move(worker));
  }
  Acceptor::Calls calls{
      [this] { return clients_.load(std::memory_order_relaxed) < kClientsMax; },
      [this](os::Fd fd, std::string address) { adopt(std::move(fd), std::move(address)); }};
  TRY_ASSIGN(acceptor_, Acceptor::open(workers_.front()->loop(), listener, std::move(calls)));
  for (size_t i = 0; i < workers_.size(); ++i) workers_[i]->start(fmt::format("proxy-{}", i));
  return {};
}

void Proxy::adopt(os::Fd fd, std::string address) {
  clients_.fetch_add(1, std::memory_order_relaxed);
  const auto least = std::ranges::min_element(workers_, {}, &Worker::client_count);
  (*least)->adopt(std::move(fd), std::move(address));
}

void Proxy::client_gone() {
  const size_t before = clients_.fetch_sub(1, std::memory_order_relaxed);
  if (before == kClientsMax) workers_.front()->loop().post([this] { acceptor_->go_on(); });
  if (before == 1) {
    const std::lock_guard lock(mutex_);
    no_clients_.notify_all();
  }
}

void Proxy::application_stops() {
  for (const auto& worker : workers_) worker->close_idle_upstreams();
}

void Proxy::drain(Ms limit) {
  run_on(workers_.front()->loop(), [this] { acceptor_->close(); });
  for (const auto& worker : workers_) worker->begin_drain();
  std::unique_lock lock(mutex_);
  no_clients_.wait_for(lock, limit, [this] { return clients_.load() == 0; });
}

// The first worker's loop runs the acceptor, which hands clients to the others: it ends first.
void Proxy::stop() {
  if (!stopped_ && acceptor_) run_on(workers_.front()->loop(), [this] { acceptor_->close(); });
  stopped_ = true;
  for (const auto& worker : workers_) worker->stop();
}

uint64_t Proxy::writes_under_way() const {
  uint64_t writes = 0;
  for (const auto& worker : workers_) {
    run_on(worker->loop(), [&] { writes += worker->counters().writing.value(); });
  }
  return writes;
}

Metrics Proxy::metrics() const {
  Metrics sum;
  for (const auto& worker : workers_) add(sum, worker->counters());
  return sum;
}

}  // namespace skerry::proxy
