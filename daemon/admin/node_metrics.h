// The node's own figures, under LiteFS's names and ours.
#pragma once

#include "daemon/admin/events.h"
#include "daemon/admin/metrics.h"
#include "daemon/admin/node_view.h"

namespace skerry::admin {

// Both outlive the metrics' use.
void node_metrics(MetricSink& sink, NodeView& node, const EventHub& events);

}  // namespace skerry::admin
