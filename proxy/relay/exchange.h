// One request and its response: where it goes, what it waits for, its bytes in both directions.
//
// A state machine that is told nothing: pump() looks at the sockets, the node and the clock, and
// does whatever can be done now. So it does not matter which event called it, or whether two came
// at once. deadline() says when to call it if nothing happens.
//
// Memory: the request's head, at most kReplayBodyBytesMax of its body (until it is answered), and
// what one read brought and the other side did not take.
//
// Threads: its worker's.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "proxy/http/body.h"
#include "proxy/http/head.h"
#include "proxy/io/event_loop.h"
#include "proxy/relay/upstream.h"
#include "proxy/request.h"
#include "proxy/route.h"

namespace skerry::proxy {

class Client;
class NodeCache;
class Worker;

class Exchange {
 public:
  enum class End : uint8_t {
    kNext,   // the connection may serve another request
    kClose,  // it ends, once what was sent has arrived
    kCut,    // it ends at once and with an error: the response is incomplete
  };

  Exchange(Worker& worker, Client& client);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // `head`: the whole head of the request.
  void begin(std::string_view head);
  void pump();

  [[nodiscard]] bool done() const { return phase_ == Phase::kDone; }
  [[nodiscard]] End end() const { return end_; }
  [[nodiscard]] TimePoint deadline() const { return deadline_; }

 private:
  enum class Phase : uint8_t {
    kWaiting,     // for a position or a primary
    kConnecting,  // to the application or the primary's proxy
    kAwaiting,    // the request is being sent, the response awaited
    kGated,       // the response is there; replicas must acknowledge what it tells of
    kResponding,  // the response is being sent
    kTunnel,      // upgraded: bytes in both directions
    kDone,
  };

  // Each returns whether pump() is to go on with the phase that is then.
  [[nodiscard]] bool step();
  [[nodiscard]] bool keep_waiting();
  [[nodiscard]] bool connect();
  [[nodiscard]] bool await();
  [[nodiscard]] bool keep_gate();
  [[nodiscard]] bool respond();
  [[nodiscard]] bool tunnel();

  // --- Where it goes (exchange.cc) ---------------------------------------------------------------
  void decide();
  void act();
  [[nodiscard]] Facts facts(const NodeCache& node) const;
  [[nodiscard]] Role role(const NodeCache& node) const;
  [[nodiscard]] bool is_unreachable(const NodeCache& node) const;
  [[nodiscard]] Consistency consistency(const NodeCache& node) const;
  [[nodiscard]] bool edge_replays(const NodeCache& node) const;
  void wait_for_position();
  void hold();
  void stop_waiting();
  void go_to(Destination& destination);
  void refuse();
  void answer_health();
  void answer_replay();
  // A response of the proxy's own. `fields`: further ones, each with its CR LF.
  void answer(int status, std::string_view why, std::string_view fields = {},
              std::string_view content_type = "text/plain; charset=utf-8");
  void conclude(int status, End end);
  void drop_upstream();
  void count_as_write(bool writes);
  [[nodiscard]] bool expired(TimePoint when) const;

  // --- The request (exchange_request.cc) ---------------------------------------------------------
  void send_request();
  void move_body();
  [[nodiscard]] bool take_body(std::string_view bytes, std::string* with_head);
  void keep_body(std::string_view bytes);
  void connect_failed();
  void try_again_later();
  void upstream_failed(bool closed);

  // --- The response (exchange_response.cc) -------------------------------------------------------
  void take_heads(std::string_view bytes);
  void take_response(const ResponseHead& head, std::string_view bytes, size_t head_bytes);
  void relay_interim(const ResponseHead& head);
  void begin_response(const ResponseHead& head, std::string_view rest);
  void begin_tunnel(const ResponseHead& head, std::string_view rest);
  [[nodiscard]] bool wrote_here(const ResponseHead& head);
  [[nodiscard]] bool gate_closed();
  [[nodiscard]] std::string_view token_for(const ResponseHead& head);
  void bad_response(std::string_view why);
  [[nodiscard]] std::string_view body_of(std::string_view bytes, std::string& unframed);
  void send_body(std::string_view bytes);
  void finish_response();
  [[nodiscard]] bool await_more();
  [[nodiscard]] bool lost_on_its_way();
  [[nodiscard]] bool carry(Stream& from, Stream& to, bool& ended);
  void cut();

  Worker& worker_;
  Client& client_;
  Phase phase_ = Phase::kWaiting;
  End end_ = End::kClose;
  TimePoint deadline_ = TimePoint::max();
  TimePoint started_;
  TimePoint progress_;  // when bytes moved last

  std::string head_;  // the request's, which everything below refers to
  RequestHead request_;
  Request asked_;
  BodyReader body_;
  std::string kept_;        // of the body, as sent
  bool body_gone_ = false;  // more was sent than is kept

  Decision decision_{Action::kRefuse, Reason::kStarting};
  Standing standing_ = Standing::kNone;
  uint64_t seen_version_ = 0;
  uint64_t refused_before_ = 0;  // writes to the mount, when this request went to the application
  bool wrote_here_ = false;
  bool counted_ = false;  // among the writes that are at the application
  TimePoint wait_until_ = TimePoint::max();  // for a position; max: never waited
  TimePoint held_until_ = TimePoint::max();  // for a primary; max: never held
  TimePoint waiting_since_{};
  bool no_room_ = false;
  size_t held_bytes_ = 0;
  bool held_ = false;

  Destination* destination_ = nullptr;
  std::unique_ptr<Upstream> upstream_;
  unsigned attempts_ = 0;
  uint64_t sent_before_ = 0;  // over this connection, before this request
  TimePoint connect_since_ = TimePoint::max();
  TimePoint retry_at_ = TimePoint::max();
  bool unreachable_ = false;  // a primary is known, but its proxy is not answering
  bool arrived_ = false;      // something of the request, at the other node

  Scan response_scan_;
  unsigned interims_ = 0;
  BodyReader response_body_;
  int status_ = 0;
  int upstream_keep_alive_s_ = 0;
  bool upstream_reusable_ = false;
  bool unframe_ = false;  // the client knows no chunks
  bool gate_passed_ = false;
  TimePoint gate_until_{};
  std::vector<DbPosition> gate_goal_;
  bool client_ended_ = false;  // in a tunnel
  bool upstream_ended_ = false;
  uint64_t bytes_out_ = 0;
};

}  // namespace skerry::proxy
