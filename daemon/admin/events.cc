#include "daemon/admin/events.h"

#include <algorithm>

#include "daemon/admin/json.h"

namespace skerry::admin {

class EventHub::Subscription final : public net::LiveBody {
 public:
  explicit Subscription(EventHub& hub) : hub_(hub) {}

  ~Subscription() override {
    const std::lock_guard lock(hub_.mutex_);
    std::erase(hub_.subscriptions_, this);
    hub_.count_ = hub_.subscriptions_.size();
    if (!hub_.subscriptions_.empty()) return;
    hub_.recent_.clear();
    hub_.newest_.clear();
  }

  void start(std::function<void()> wake) override {
    const std::lock_guard lock(hub_.mutex_);
    wake_ = std::move(wake);
  }

  std::string take() override {
    std::vector<Event> events;
    Role role;
    const char* role_type = nullptr;
    {
      const std::lock_guard lock(hub_.mutex_);
      events = hub_.events_after(sequence_);
      if (!events.empty()) sequence_ = events.back().sequence;
      if (!greeted_ || role_sequence_ != hub_.role_sequence_) {
        role = hub_.role_;
        role_type = greeted_ ? "primaryChange" : "init";
        greeted_ = true;
        role_sequence_ = hub_.role_sequence_;
      }
      waits_ = events.empty() && role_type == nullptr;
    }
    std::string text;
    if (role_type != nullptr) write(text, role_type, role);
    for (const Event& event : events) write(text, event);
    return text;
  }

 private:
  friend class EventHub;
  EventHub& hub_;
  std::function<void()> wake_;  // guarded by the hub's mutex, as the rest
  uint64_t sequence_ = 0;       // of the last event that was taken
  uint64_t role_sequence_ = 0;
  bool greeted_ = false;
  bool waits_ = false;
};

std::unique_ptr<net::LiveBody> EventHub::subscribe() {
  auto subscription = std::make_unique<Subscription>(*this);
  const std::lock_guard lock(mutex_);
  if (subscriptions_.size() >= kSubscribersMax) return nullptr;
  subscription->sequence_ = sequence_;
  subscriptions_.push_back(subscription.get());
  count_ = subscriptions_.size();
  return subscription;
}

void EventHub::committed(db::Database& database, const db::Transaction& transaction) {
  if (count_.load(std::memory_order_relaxed) == 0) return;
  const std::lock_guard lock(mutex_);
  if (subscriptions_.empty()) return;
  publish({++sequence_, database.name(), transaction.position(),
           transaction.header.page_size.bytes(), transaction.header.commit,
           transaction.header.timestamp_ms});
}

void EventHub::orphan_kept(const OrphanNote& orphan) {
  JsonWriter json;
  json.begin_object();
  json.key("type").value("orphan");
  json.key("db").value(orphan.database);
  json.key("data").begin_object();
  json.key("id").value(orphan.id);
  if (orphan.fork) json.key("fork").value(to_string(*orphan.fork));
  json.key("end").value(to_string(orphan.end));
  json.key("transactions").value(orphan.transactions);
  json.end_object();
  json.end_object();
  const std::lock_guard lock(mutex_);
  if (subscriptions_.empty()) return;
  Event event;
  event.sequence = ++sequence_;
  event.database = "orphan " + orphan.database;  // beside its newest transaction
  event.line = json.take() + '\n';
  publish(std::move(event));
}

void EventHub::publish(Event event) {
  newest_.insert_or_assign(event.database, event);
  if (recent_.size() == kRecentMax) recent_.pop_front();
  recent_.push_back(std::move(event));
  wake_all();
}

void EventHub::role_is(const Role& role) {
  const std::lock_guard lock(mutex_);
  if (role == role_) return;
  role_ = role;
  ++role_sequence_;
  wake_all();
}

void EventHub::wake_all() {
  for (Subscription* subscription : subscriptions_) {
    if (std::exchange(subscription->waits_, false)) subscription->wake_();
  }
}

std::vector<EventHub::Event> EventHub::events_after(uint64_t sequence) const {
  std::vector<Event> events;
  if (recent_.empty() || sequence >= sequence_) return events;
  const uint64_t oldest = recent_.front().sequence;
  if (sequence + 1 >= oldest) {
    const auto from = recent_.begin() + static_cast<ptrdiff_t>(sequence + 1 - oldest);
    std::copy_n(from, std::min<size_t>(kBatchMax, static_cast<size_t>(recent_.end() - from)),
                std::back_inserter(events));
    return events;
  }
  for (const auto& [name, event] : newest_) {
    if (event.sequence > sequence) events.push_back(event);
  }
  std::ranges::sort(events, {}, &Event::sequence);
  if (events.size() > kBatchMax) events.resize(kBatchMax);
  return events;
}

void EventHub::write(std::string& to, const Event& event) {
  if (!event.line.empty()) {
    to += event.line;
    return;
  }
  JsonWriter json;
  json.begin_object();
  json.key("type").value("tx");
  json.key("db").value(event.database);
  json.key("data").begin_object();
  json.key("txID").value(to_string(event.position.txid));
  json.key("postApplyChecksum").value(to_string(event.position.checksum));
  json.key("pageSize").value(event.page_bytes);
  json.key("commit").value(event.commit);
  json.key("timestamp").value(rfc3339(event.timestamp_ms));
  json.end_object();
  json.end_object();
  to += json.take() + '\n';
}

// As LiteFS: the host is named where it is another one.
void EventHub::write(std::string& to, const char* type, const Role& role) {
  JsonWriter json;
  json.begin_object();
  json.key("type").value(type);
  json.key("data").begin_object();
  json.key("isPrimary").value(role.is_primary);
  if (!role.is_primary && !role.primary_hostname.empty()) {
    json.key("hostname").value(role.primary_hostname);
  }
  json.end_object();
  json.end_object();
  to += json.take() + '\n';
}

}  // namespace skerry::admin
