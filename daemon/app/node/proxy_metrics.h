// What the proxy counts, as figures of GET /metrics.
#pragma once

#include "daemon/admin/metrics.h"
#include "proxy/metrics.h"

namespace skerry::app {

// Requests only by those decisions and reasons that there were.
void proxy_metrics(admin::MetricSink& sink, const proxy::Metrics& counted);

}  // namespace skerry::app
