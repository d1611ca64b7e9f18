// POST /promote, POST /handoff?nodeID=, POST and DELETE /halt: who may write.
#pragma once

#include "daemon/admin/node_view.h"
#include "daemon/net/http_message.h"

namespace skerry::admin {

// On pool threads.
[[nodiscard]] net::Response post_promote(NodeView& node);
[[nodiscard]] net::Response post_handoff(NodeView& node, const net::Request& request);
[[nodiscard]] net::Response refuse_halt(NodeView& node, const net::Request& request);

// 16 hexadecimal digits, upper case, as LiteFS prints node ids.
[[nodiscard]] std::string format_node_id(NodeId id);

}  // namespace skerry::admin
