// The node API: which path leads where.
#pragma once

#include "daemon/admin/events.h"
#include "daemon/admin/export_route.h"
#include "daemon/admin/import_route.h"
#include "daemon/admin/metrics.h"
#include "daemon/admin/node_view.h"
#include "daemon/net/change_guard.h"
#include "daemon/net/server.h"

namespace skerry::admin {

class Api {
 public:
  // Both outlive the API, and the API the server that it is added to.
  Api(NodeView& node, EventHub& events);

  // Figures of other parts, before the server starts.
  [[nodiscard]] Metrics& metrics() { return metrics_; }

  // Who may change something, and follow streams; outlives the server. Without one: anybody. Before
  // add_to().
  void guard_by(net::ChangeGuard& guard) { guard_ = &guard; }

  // Routes, headers of every reply, and the server's own figures.
  void add_to(net::Server& server);

 private:
  [[nodiscard]] static std::optional<net::Response> refuse_other_sites(const net::Request& request);
  [[nodiscard]] std::optional<net::Response> refuse(const net::Request& request) const;
  void add_litefs_routes(net::Router& router);
  void add_skerry_routes(net::Router& router);
  [[nodiscard]] net::Response events();

  NodeView& node_;
  net::ChangeGuard* guard_ = nullptr;
  EventHub& events_;
  Metrics metrics_;
  ExportRoute export_{node_};
  ImportRoute import_{node_};
};

}  // namespace skerry::admin
