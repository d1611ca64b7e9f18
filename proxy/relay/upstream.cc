#include "proxy/relay/upstream.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "proxy/limits.h"

namespace skerry::proxy {
namespace {

constexpr int kKeepaliveIdleS = 5;
constexpr int kKeepaliveIntervalS = 2;
constexpr int kKeepaliveProbes = 3;

os::Fd begin_to_connect(const SocketAddress& address) {
  os::Fd fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fd;
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  // A peer that is cut off while it owes a response is noticed after some ten seconds.
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_KEEPIDLE, &kKeepaliveIdleS, sizeof kKeepaliveIdleS);
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_KEEPINTVL, &kKeepaliveIntervalS,
               sizeof kKeepaliveIntervalS);
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_KEEPCNT, &kKeepaliveProbes, sizeof kKeepaliveProbes);
  if (::connect(fd.get(), address.get(), address.bytes) != 0 && errno != EINPROGRESS) {
    const int error = errno;
    fd.reset();
    errno = error;
  }
  return fd;
}

int pending_error(int fd) {
  int error = 0;
  socklen_t bytes = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes) == 0 ? error : errno;
}

}  // namespace

Upstream::Upstream(EventLoop& loop, Destination& destination, User& user)
    : loop_(loop), destination_(destination), user_(&user) {
  ++destination_.connections_;
}

Upstream::~Upstream() {
  destination_.forget(*this);
}

void Upstream::begin(SocketAddresses addresses) {
  addresses_ = std::move(addresses);
  if (addresses_.empty()) return fail("there is no such host");
  try_next();
}

void Upstream::try_next() {
  while (next_address_ < addresses_.size()) {
    os::Fd fd = begin_to_connect(addresses_[next_address_++]);
    if (fd && loop_.watch(fd.get(), *this)) {
      stream_ = Stream(std::move(fd));
      loop_.set(timer_, loop_.now() + kConnectTimeout);
      return;
    }
    error_ = std::strerror(errno);
  }
  fail(error_);
}

void Upstream::fail(std::string why) {
  error_ = std::move(why);
  state_ = State::kFailed;
  destination_.failed(error_);
  loop_.set(timer_, TimePoint::max());
  stream_.close();
}

void Upstream::finish_connecting() {
  if (const int error = pending_error(stream_.fd()); error != 0) {
    error_ = std::strerror(error);
    stream_.close();
    return try_next();
  }
  state_ = State::kOpen;
  destination_.succeeded();
  SocketAddresses().swap(addresses_);
  loop_.set(timer_, TimePoint::max());
}

void Upstream::on_ready(uint32_t events) {
  if (!stream_.is_open()) return;
  stream_.note(events);
  const bool decided = (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0;
  if (state_ == State::kConnecting) {
    if (!decided) return;
    finish_connecting();
    if (state_ == State::kConnecting) return;
  }
  if (user_ != nullptr) return user_->upstream_moved();
  // Nothing is asked of an idle connection, so nothing may come but its end. The event may be of
  // this round and about what its last user has read.
  if (!stream_.is_quiet()) destination_.drop_idle(*this);
}

void Upstream::on_timer() {
  if (state_ != State::kConnecting) return;
  error_ = "no answer to the attempt to connect";
  stream_.close();
  try_next();
  if (state_ == State::kFailed && user_ != nullptr) user_->upstream_moved();
}

Destination::Destination(EventLoop& loop, Resolver& resolver, Counters& counters,
                         config::Address address)
    : loop_(loop),
      resolver_(resolver),
      counters_(counters),
      address_(std::move(address)),
      name_(address_.host.contains(':') ? fmt::format("[{}]:{}", address_.host, address_.port)
                                        : fmt::format("{}:{}", address_.host, address_.port)),
      fixed_(!known_addresses(address_).empty()),
      addresses_(known_addresses(address_)),
      self_(std::make_shared<Destination*>(this)) {}

Destination::~Destination() {
  *self_ = nullptr;
}

std::unique_ptr<Upstream> Destination::take(Upstream::User& user) {
  while (!idle_.empty()) {
    std::unique_ptr<Upstream> upstream = std::move(idle_.back());
    idle_.pop_back();
    if (upstream->stream_.peer_ended() || loop_.now() >= upstream->idle_until_) {
      upstream->stream_.close();
      loop_.retire(std::move(upstream));
      continue;
    }
    upstream->user_ = &user;
    counters_.upstream_reused.add();
    return upstream;
  }
  counters_.upstream_connections.add();
  probing_ = failed_;
  auto upstream = std::make_unique<Upstream>(loop_, *this, user);
  if (fixed_ || loop_.now() < fresh_until_) {
    upstream->begin(addresses_);
  } else {
    look_up(*upstream);
  }
  return upstream;
}

void Destination::look_up(Upstream& upstream) {
  waiting_.push_back(&upstream);
  if (looking_up_) return;
  looking_up_ = true;
  resolver_.resolve(address_, [&loop = loop_, self = self_](SocketAddresses addresses) {
    loop.post([self, addresses = std::move(addresses)]() mutable {
      if (*self != nullptr) (*self)->found(std::move(addresses));
    });
  });
}

void Destination::found(SocketAddresses addresses) {
  looking_up_ = false;
  if (!addresses.empty()) {  // else the old ones are the best that there is
    addresses_ = std::move(addresses);
    fresh_until_ = loop_.now() + kResolvedFresh;
  }
  std::vector<Upstream*> waiting;
  waiting.swap(waiting_);
  while (!waiting.empty()) {
    Upstream* upstream = waiting.back();
    waiting.pop_back();
    upstream->begin(addresses_);
    if (upstream->state_ == Upstream::State::kFailed) upstream->user_->upstream_moved();
  }
}

void Destination::give_back(std::unique_ptr<Upstream> upstream, int keep_alive_s) {
  const auto said = std::chrono::seconds(std::max(keep_alive_s - 1, 0));
  const auto limit =
      keep_alive_s > 0 ? std::min<Ms>(said, kIdleUpstreamTimeout) : kIdleUpstreamTimeout;
  const bool usable = upstream->in.empty() && upstream->stream_.unsent() == 0 &&
                      !upstream->stream_.peer_ended() && limit > Ms::zero() &&
                      idle_.size() < kIdleUpstreamsMax;
  upstream->user_ = nullptr;
  if (!usable) {
    upstream->stream_.close();
    loop_.retire(std::move(upstream));
    return;
  }
  std::string().swap(upstream->in);
  upstream->reused_ = true;
  upstream->idle_until_ = loop_.now() + limit;
  idle_.push_back(std::move(upstream));
}

void Destination::drop_idle(Upstream& upstream) {
  const auto at = std::ranges::find(idle_, &upstream, &std::unique_ptr<Upstream>::get);
  if (at == idle_.end()) return;
  (*at)->stream_.close();
  loop_.retire(std::move(*at));
  idle_.erase(at);
}

bool Destination::is_down() const {
  return failed_ && (probing_ || loop_.now() < retry_at_);
}

void Destination::failed(std::string why) {
  error_ = std::move(why);
  close_idle();
  failed_ = true;
  probing_ = false;
  retry_at_ = loop_.now() + kConnectRetry;
}

void Destination::succeeded() {
  failed_ = probing_ = false;
}

void Destination::forget(Upstream& upstream) {
  if (upstream.state_ == Upstream::State::kConnecting) probing_ = false;
  std::erase(waiting_, &upstream);
  --connections_;
}

void Destination::close_idle() {
  while (!idle_.empty()) drop_idle(*idle_.back());
}

// Used last, they stand last, so the oldest are in front.
void Destination::close_expired() {
  while (!idle_.empty() && loop_.now() >= idle_.front()->idle_until_) drop_idle(*idle_.front());
}

}  // namespace skerry::proxy
