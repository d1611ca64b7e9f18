// Consul's HTTP API as values: which requests say what a node wants, and what the answers mean
// (PROTOCOL.md). No socket, no clock.
#pragma once

#include <string>
#include <string_view>

#include "lease/election_io.h"
#include "ltx/base/result.h"

namespace skerry::lease {

// Where Consul is and under which names it keeps this cluster.
struct ConsulPlace {
  std::string base_url;  // scheme://host:port
  std::string token;     // secret; empty: none
  std::string key;       // of the lease, with the prefix of the URL's path
  std::string node;      // to register in the catalog; empty: the agent's own
};

// `url` is lease.consul.url: its password is the token, its path the prefix. The error never quotes
// it whole.
[[nodiscard]] Result<ConsulPlace> parse_consul_url(std::string_view url, std::string_view key);

struct HttpRequest {
  std::string method;
  std::string path;  // with the query
  std::string body;
};

[[nodiscard]] HttpRequest look_request(const ConsulPlace& place, uint64_t after_index,
                                       Duration wait);
[[nodiscard]] HttpRequest make_session_request(const ConsulPlace& place, Duration ttl,
                                               Duration lock_delay);
[[nodiscard]] HttpRequest renew_session_request(std::string_view session);
[[nodiscard]] HttpRequest destroy_session_request(std::string_view session);
[[nodiscard]] HttpRequest write_request(const ConsulPlace& place, const Ops& ops);
[[nodiscard]] HttpRequest register_node_request(const ConsulPlace& place);

struct HttpResponse {
  int status = 0;
  std::string body;
  std::string consul_index;  // header X-Consul-Index
};

[[nodiscard]] Result<View> parse_view(const ConsulPlace& place, const HttpResponse& response);
[[nodiscard]] Result<std::string> parse_session(const HttpResponse& response);
// False: Consul knows no such session.
[[nodiscard]] Result<bool> parse_renewal(const HttpResponse& response);
// Everything but the number of the write.
[[nodiscard]] event::Wrote parse_write(const HttpResponse& response);
// Of requests whose answer says nothing more.
[[nodiscard]] Status parse_done(const HttpResponse& response);

// Values of keys (JSON). What cannot be read as a Holder is one that does not fence itself.
[[nodiscard]] std::string encode_value(const Op::Value& value);
[[nodiscard]] Holder decode_holder(std::string_view text);
[[nodiscard]] Result<Record> decode_record(std::string_view text);
[[nodiscard]] Result<NodeEntry> decode_node_entry(std::string_view text);

}  // namespace skerry::lease
