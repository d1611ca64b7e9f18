#include "daemon/admin/lease_routes.h"

#include <fmt/format.h>

#include "daemon/log/log.h"

namespace skerry::admin {

std::string format_node_id(NodeId id) {
  return fmt::format("{:016X}", id.value());
}

net::Response post_promote(NodeView& node) {
  if (!node.identity().candidate) {
    return net::text_response(
        409, "node is not eligible to become primary; set lease.candidate: true\n");
  }
  if (node.role().is_primary) return {200, {}, ""};
  if (!node.role().primary_known) {
    return net::text_response(
        500, "no primary is currently known that could hand over; try again later\n");
  }
  const Status promoted = node.promote();
  if (!promoted) {
    log::warn("promote-failed", promoted.error().message());
    return net::error_response(promoted.error());
  }
  return {200, {}, ""};
}

net::Response post_handoff(NodeView& node, const net::Request& request) {
  const auto id = parse_hex16(request.query.get("nodeID"));
  if (!id) return net::text_response(400, "invalid node id; write 16 hexadecimal digits\n");
  if (!node.role().is_primary) {
    return net::text_response(503, "this node is not the primary; ask the primary\n");
  }
  const Status done = node.hand_off_to(NodeId(*id));
  if (done) return {200, {}, ""};
  log::warn("handoff-failed", done.error().message());
  return net::error_response(done.error());
}

net::Response refuse_halt(NodeView& node, const net::Request& request) {
  const std::string* from = request.headers.find("Litefs-Id");
  if (from != nullptr && *from == format_node_id(node.identity().id)) {
    return net::text_response(400, "cannot remotely halt self: this node is the primary\n");
  }
  return net::text_response(501,
                            "halt locks for other nodes are not served by this version; run what "
                            "writes on the primary\n");
}

}  // namespace skerry::admin
