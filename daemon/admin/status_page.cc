#include "daemon/admin/status_page.h"

#include <fmt/format.h>

#include "daemon/admin/human.h"
#include "daemon/admin/lease_routes.h"
#include "daemon/log/escape.h"

extern "C" const char skerry_page_css[];
extern "C" const char skerry_page_css_end[];
extern "C" const char skerry_page_js[];
extern "C" const char skerry_page_js_end[];

namespace skerry::admin {
namespace {

std::string escaped(std::string_view text) {
  std::string clean;
  log::append_utf8(clean, text, SIZE_MAX);
  std::string html;
  for (const char c : clean) {
    switch (c) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      case '"':
        html += "&quot;";
        break;
      default:
        html += c;
    }
  }
  return html;
}

std::string lag_of(std::optional<int64_t> lag_ms) {
  return lag_ms ? fmt::format("{} ms", *lag_ms) : "not in sync yet";
}

struct Column {
  const char* name;
  bool number = false;
};

// A table that is hidden while it is empty.
struct Table {
  const char* id;
  const char* title;
  std::vector<Column> columns;
  std::vector<std::vector<std::string>> rows;  // HTML
};

std::string html_of(const Table& table) {
  std::string html = fmt::format(
      "<section id=\"{0}-section\"{1}>\n<h2>{2}</h2>\n<div class=\"table\"><table>"
      "<thead><tr>",
      table.id, table.rows.empty() ? " hidden" : "", table.title);
  for (const Column& column : table.columns) {
    html += fmt::format("<th{}>{}</th>", column.number ? " class=\"number\"" : "", column.name);
  }
  html += fmt::format("</tr></thead>\n<tbody id=\"{}\">\n", table.id);
  for (const auto& row : table.rows) {
    html += "<tr>";
    for (size_t i = 0; i < row.size(); ++i) {
      html +=
          fmt::format("<td{}>{}</td>", table.columns[i].number ? " class=\"number\"" : "", row[i]);
    }
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n</section>\n";
}

std::string databases_html(const NodeView& node, int64_t now_ms) {
  Table table{"databases",
              "Databases",
              {{"name"}, {"position"}, {"size", true}, {"WAL frames", true}, {"last commit", true}},
              {}};
  for (const auto& database : node.databases()) {
    const db::Database::Info info = database->info();
    table.rows.push_back(
        {escaped(database->name()), fmt::format("<code>{}</code>", to_string(info.position)),
         human_size(uint64_t{info.commit} * info.page_bytes), std::to_string(info.wal_frames),
         info.timestamp_ms == 0 ? "never"
                                : human_span((now_ms - info.timestamp_ms) / 1000) + " ago"});
  }
  return html_of(table);
}

std::string broken_html(const NodeView& node) {
  Table table{"broken", "Databases that could not be opened", {{"name"}, {"cause"}}, {}};
  for (const BrokenDatabase& broken : node.broken_databases()) {
    table.rows.push_back({escaped(broken.name), escaped(broken.error)});
  }
  return html_of(table);
}

std::string streams_html(const NodeView& node) {
  Table table{"streams",
              "Streams",
              {{""},
               {"peer"},
               {"region"},
               {"lag", true},
               {"on the wire", true},
               {"for pages", true},
               {"transactions", true}},
              {}};
  for (const Stream& stream : node.streams()) {
    table.rows.push_back({stream.direction == Stream::Direction::kToReplica ? "to" : "from",
                          escaped(stream.peer), escaped(stream.region), lag_of(stream.lag_ms),
                          human_size(stream.wire_bytes), human_size(stream.page_bytes),
                          std::to_string(stream.transactions)});
  }
  return html_of(table);
}

// Filled by the script.
std::string obstacles_html() {
  return html_of({"obstacles",
                  "Held up by local processes",
                  {{"database"}, {"program"}, {"process", true}, {"as"}, {"since", true}},
                  {}});
}

std::string card(const char* name, const char* id, const std::string& figure,
                 const char* plot = nullptr) {
  std::string html = fmt::format(
      "<div class=\"card\"><div class=\"name\">{}</div><div class=\"figure\" id=\"{}\">{}</div>",
      name, id, figure);
  if (plot != nullptr) {
    html += fmt::format(
        "<svg viewBox=\"0 0 100 36\" preserveAspectRatio=\"none\" aria-hidden="
        "\"true\"><polyline id=\"{}\"/></svg>",
        plot);
  }
  return html + "</div>\n";
}

std::string cards_html(const NodeView& node, const Identity& identity, const Role& role,
                       int64_t now_ms) {
  std::string primary = "none is known";
  if (role.primary_known) {
    primary = escaped(role.primary_hostname.empty() ? role.primary_url : role.primary_hostname);
  }
  return "<div class=\"cards\">\n" + card("Primary", "primary", primary) +
         card("Lag", "lag", lag_of(node.lag_ms()), "lag-plot") +
         card("Commits", "rate", "–", "rate-plot") +
         card("Up", "up", human_span((now_ms - identity.started_ms) / 1000)) + "</div>\n";
}

std::string header_html(const NodeView& node, const Identity& identity, const Role& role) {
  const Status ready = node.ready();
  return fmt::format(
      "<header><h1>{}</h1><span class=\"badge\" id=\"role\">{}</span><span id=\"epoch\">epoch "
      "{}</span><span class=\"{}\" id=\"ready\">{}</span><span class=\"dim\">{}</span></header>\n",
      escaped(identity.hostname.empty() ? format_node_id(identity.id) : identity.hostname),
      role.is_primary ? "primary" : "replica", role.epoch.value(), ready ? "good" : "bad",
      ready ? "ready" : escaped(ready.error().message()), escaped(identity.region));
}

std::string footer_html(const Identity& identity) {
  return fmt::format(
      "<footer>Skerry {} · node {} · cluster {} · {} lease · <span id=\"contact\">as of the page's "
      "loading</span></footer>\n",
      escaped(identity.version), format_node_id(identity.id),
      identity.cluster_id.empty() ? "not known yet" : escaped(identity.cluster_id),
      identity.static_lease ? "static" : "Consul");
}

}  // namespace

net::Response status_page(NodeView& node, int64_t now_ms) {
  const Identity identity = node.identity();
  const Role role = node.role();
  std::string html =
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta "
      "name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<link rel=\"icon\" "
      "href=\"data:,\">\n";
  html += fmt::format("<title>{} – Skerry</title>\n<style>\n", escaped(identity.hostname));
  html += std::string_view(skerry_page_css, skerry_page_css_end);
  html += "</style>\n</head>\n<body>\n<main>\n";
  html += header_html(node, identity, role) + cards_html(node, identity, role, now_ms);
  html += databases_html(node, now_ms) + broken_html(node) + streams_html(node) + obstacles_html();
  html +=
      "<section id=\"events-section\" hidden>\n<h2>Events</h2>\n<ul id=\"events\"></ul>\n"
      "</section>\n";
  html += footer_html(identity) + "</main>\n<script>\n";
  html += std::string_view(skerry_page_js, skerry_page_js_end);
  html += "</script>\n</body>\n</html>\n";
  return {
      200,
      {{"Content-Type", "text/html; charset=utf-8"},
       {"Cache-Control", "no-store"},
       {"X-Content-Type-Options", "nosniff"},
       {"X-Frame-Options", "DENY"},
       {"Content-Security-Policy",
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src "
        "'self'; img-src data:; form-action 'none'; base-uri 'none'"}},
      std::move(html)};
}

}  // namespace skerry::admin
