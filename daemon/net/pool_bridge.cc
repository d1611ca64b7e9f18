#include "daemon/net/pool_bridge.h"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace skerry::net {

namespace asio = boost::asio;

asio::awaitable<bool> is_stopping() {
  const auto state = co_await asio::this_coro::cancellation_state;
  co_return state.cancelled() != asio::cancellation_type::none;
}

asio::awaitable<bool> PoolBridge::run(const std::function<void()>& work) {
  done_ = false;
  const bool accepted = pool_.submit([this, &work] {
    work();
    asio::post(stream_.get_executor(), [this] {
      done_ = true;
      wake_.cancel();
    });
  });
  if (!accepted) co_return false;
  while (!done_) {
    wake_.expires_at(asio::steady_timer::time_point::max());
    boost::system::error_code cancelled;
    co_await wake_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    if (!done_) stream_.close();
  }
  co_return true;
}

}  // namespace skerry::net
