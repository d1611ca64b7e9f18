// A client's connection: one request after the other, each an Exchange. Between requests it holds a
// few hundred bytes and no buffer.
//
// Threads: its worker's.
#pragma once

#include <boost/intrusive/list.hpp>
#include <memory>
#include <string>

#include "proxy/http/head.h"
#include "proxy/io/event_loop.h"
#include "proxy/io/stream.h"
#include "proxy/relay/upstream.h"

namespace skerry::proxy {

class Exchange;
class Worker;

using AllClientsHook =
    boost::intrusive::list_base_hook<boost::intrusive::tag<struct AllClientsTag>,
                                     boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
using WaitingClientsHook =
    boost::intrusive::list_base_hook<boost::intrusive::tag<struct WaitingClientsTag>,
                                     boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

class Client final : public EventLoop::Handler,
                     public Upstream::User,
                     public AllClientsHook,
                     public WaitingClientsHook {
 public:
  // May be constructed on another thread.
  Client(Worker& worker, os::Fd fd, std::string address);
  ~Client() override;

  void begin();
  // Does whatever can be done now. Everything that happens leads here.
  void run();
  // No more requests: closes now if none is under way, else after its response.
  void drain();
  // Closes now, whatever is under way.
  void cut();

  void on_ready(uint32_t events) override;
  void on_timer() override;
  void upstream_moved() override { run(); }

  // --- For the exchange --------------------------------------------------------------------------

  [[nodiscard]] Stream& stream() { return stream_; }
  [[nodiscard]] const std::string& address() const { return address_; }
  // What was received behind the request's head; the exchange takes its body from the front.
  [[nodiscard]] std::string& received() { return in_; }

 private:
  enum class Phase : uint8_t {
    kHead,       // a request's head is awaited, or comes
    kExchange,   // a request is under way
    kFlushing,   // the last response is being sent
    kLingering,  // it is sent; what the client still sends is dropped, so that no reset overtakes
                 // it
    kClosed,
  };

  [[nodiscard]] bool step();  // false: nothing more can be done now
  [[nodiscard]] bool read_head();
  [[nodiscard]] bool head_received(std::string_view text);
  void begin_exchange(std::string_view head);
  [[nodiscard]] bool end_exchange();
  void refuse(int status, std::string_view why);
  void close_after_response();
  [[nodiscard]] bool linger();
  void close();
  void set_timer();
  [[nodiscard]] bool timed_out();

  Worker& worker_;
  Stream stream_;
  const std::string address_;
  std::string in_;
  Scan scan_;
  Phase phase_ = Phase::kHead;
  bool running_ = false;
  bool last_ = false;  // the connection ends with the response that is under way
  TimePoint deadline_ = TimePoint::max();
  size_t lingered_bytes_ = 0;
  std::unique_ptr<Exchange> exchange_;
  EventLoop::Timer timer_{*this};
};

}  // namespace skerry::proxy
