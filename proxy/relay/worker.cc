#include "proxy/relay/worker.h"

#include <fmt/format.h>
#include <pthread.h>

namespace skerry::proxy {
namespace {

constexpr Ms kHousekeeping{1'000};
constexpr size_t kOtherProxiesMax = 16;

}  // namespace

Result<std::unique_ptr<Worker>> Worker::open(const Shared& shared) {
  TRY_ASSIGN(std::shared_ptr<EventLoop> loop, EventLoop::open());
  return std::unique_ptr<Worker>(new Worker(shared, std::move(loop)));
}

Worker::Worker(const Shared& shared, std::shared_ptr<EventLoop> loop)
    : shared_(shared),
      loop_(std::move(loop)),
      node_(shared.node, shared.settings),
      application_(*loop_, shared.resolver, counters_, shared.settings.target),
      scratch_(std::make_unique<std::array<char, kScratchBytes>>()) {}

Worker::~Worker() {
  stop();
}

void Worker::start(const std::string& thread_name) {
  loop_->set(housekeeping_, loop_->now() + kHousekeeping);
  thread_ = std::thread([this, thread_name] {
    ::pthread_setname_np(::pthread_self(), thread_name.c_str());
    loop_->run();
  });
}

void Worker::stop() {
  if (!thread_.joinable()) return;
  loop_->post([this] {
    cut_all();
    loop_->post([this] { loop_->stop(); });  // the round after: what was cut is freed by then
  });
  thread_.join();
}

void Worker::cut_all() {
  draining_ = true;
  keeps_upstreams_ = false;
  while (!clients_.empty()) clients_.front().cut();
  application_.close_idle();
  for (const auto& [name, destination] : other_proxies_) destination->close_idle();
}

void Worker::adopt(os::Fd fd, std::string address) {
  client_count_.fetch_add(1, std::memory_order_relaxed);
  auto client = std::make_unique<Client>(*this, std::move(fd), std::move(address));
  loop_->post([this, client = std::move(client)]() mutable {
    clients_.push_back(*client);
    counters_.clients.add();
    counters_.connections.add();
    client.release()->begin();
  });
}

void Worker::gone(Client& client) {
  client_count_.fetch_sub(1, std::memory_order_relaxed);
  counters_.clients.subtract();
  loop_->retire(std::unique_ptr<Handler>(&client));
  shared_.client_gone();
}

void Worker::close_idle_upstreams() {
  loop_->post([this] {
    keeps_upstreams_ = false;
    application_.close_idle();
  });
}

void Worker::begin_drain() {
  loop_->post([this] {
    draining_ = true;
    for (auto next = clients_.begin(); next != clients_.end();) (next++)->drain();
  });
}

Destination& Worker::other_proxy(const config::Address& address) {
  const std::string name = fmt::format("{}|{}", address.host, address.port);
  if (const auto found = other_proxies_.find(name); found != other_proxies_.end()) {
    return *found->second;
  }
  if (other_proxies_.size() >= kOtherProxiesMax) {
    std::erase_if(other_proxies_, [](const auto& entry) { return entry.second->unused(); });
  }
  auto destination = std::make_unique<Destination>(*loop_, shared_.resolver, counters_, address);
  return *other_proxies_.emplace(name, std::move(destination)).first->second;
}

void Worker::wait_for_node(Client& client) {
  if (!client.WaitingClientsHook::is_linked()) waiting_.push_back(client);
  listen_to_node();
}

// The node may call after this worker's end: then there is no loop, or none that runs the task.
void Worker::listen_to_node() {
  if (listening_to_node_) return;
  listening_to_node_ = true;
  shared_.node.notify_once([this, weak = std::weak_ptr(loop_)] {
    if (const auto loop = weak.lock()) loop->post([this] { node_changed(); });
  });
}

void Worker::node_changed() {
  listening_to_node_ = false;
  if (waiting_.empty()) return;
  listen_to_node();  // before they look, so that nothing is missed
  Waiting waiting;
  waiting.swap(waiting_);
  while (!waiting.empty()) {
    Client& client = waiting.front();
    waiting.pop_front();
    waiting_.push_back(client);
    client.run();
  }
}

void Worker::on_timer() {
  application_.close_expired();
  for (const auto& [name, destination] : other_proxies_) destination->close_expired();
  loop_->set(housekeeping_, loop_->now() + kHousekeeping);
}

}  // namespace skerry::proxy
