// What the proxy is told to do: the configuration, checked and in the forms that it works with.
// Values; read-only once the proxy runs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/config/address.h"
#include "daemon/config/config.h"
#include "ltx/base/result.h"
#include "proxy/limits.h"
#include "proxy/route.h"
#include "proxy/rules.h"
#include "proxy/session_token.h"

namespace skerry::proxy {

struct Settings {
  config::Address target;  // the application
  uint16_t own_port = 0;   // where the others' proxies are thought to listen, too
  config::ProxyMode mode = config::ProxyMode::kAuto;
  bool on_fly = false;      // this machine is one of Fly.io's
  std::string forward_url;  // of the primary's proxy, where it cannot be derived
  std::string node_name;    // of this node, for Skerry-Forwarded
  std::string secret;       // the cluster's; empty: none

  Tracked tracked;
  std::vector<std::string> databases;  // by name; empty: all
  DbKey plain_database;                // which LiteFS's cookie means

  std::vector<std::string> passthrough;
  std::vector<std::string> always_forward;
  std::vector<Rule> rules;
  Place upgrades = Place::kLocal;  // WebSocket and the like

  OnTimeout on_timeout = OnTimeout::kForward;
  Ms wait_timeout{5'000};  // of a read for its position
  Ms hold_timeout{5'000};  // of a request for a primary
  Ms max_lag{10'000};      // 0: health says nothing about lag

  unsigned durability = 0;  // replicas that must have what a response tells of
  Ms durability_timeout{5'000};

  uint64_t body_bytes_max = 0;  // 0: no limit
  Ms head_timeout{10'000};
  Ms idle_timeout{30'000};
  Ms request_timeout{0};   // of a whole request; 0: none
  Ms response_timeout{0};  // from the end of the request's head to the end of the response; 0: none
  Ms answer_timeout{0};    // for the application to begin its response; 0: none

  unsigned threads = 1;
  bool access_log = false;
  bool debug = false;
};

// An error names the key and what to write. `warnings` gets what is probably not meant.
[[nodiscard]] Result<Settings> settings_from(const config::Config& config, bool on_fly,
                                             std::string_view node_name,
                                             std::vector<std::string>& warnings);

}  // namespace skerry::proxy
