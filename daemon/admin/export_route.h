// GET /export?name=DB: the database as a file. The copy is of one committed state, made while
// writers go on, in a file of the data folder; a slow client keeps that file, and nothing else.
#pragma once

#include "daemon/admin/node_view.h"
#include "daemon/admin/slots.h"
#include "daemon/net/http_message.h"

namespace skerry::admin {

class ExportRoute {
 public:
  static constexpr size_t kExportsMax = 4;  // copies that exist at a time

  explicit ExportRoute(NodeView& node) : node_(node) {}
  // On a pool thread. The response must end before this object.
  [[nodiscard]] net::Response get(net::Request& request);

 private:
  [[nodiscard]] Result<net::Response> copy_of(const std::string& name, const net::Request& request,
                                              Slots::Slot slot);

  NodeView& node_;
  Slots slots_{kExportsMax};
};

}  // namespace skerry::admin
