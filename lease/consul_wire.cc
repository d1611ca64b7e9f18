#include "lease/consul_wire.h"

#include <fmt/format.h>

#include <charconv>

#include "lease/base64.h"
#include "lease/json_fields.h"

namespace skerry::lease {

namespace bj = boost::json;

static constexpr std::string_view kSessionName = "litefs";
static constexpr std::string_view kUnreserved =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";

static std::string percent_encode(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    if (kUnreserved.contains(c)) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

static std::string percent_decode(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    if (text[i] == '%' && i + 2 < text.size() + 0 &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16).ptr ==
            text.data() + i + 3) {
      decoded += static_cast<char>(value);
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

static std::string_view without_slashes(std::string_view text) {
  while (text.starts_with('/')) text.remove_prefix(1);
  while (text.ends_with('/')) text.remove_suffix(1);
  return text;
}

Result<ConsulPlace> parse_consul_url(std::string_view url, std::string_view key) {
  if (url.empty()) {
    return fail(Errc::kInvalid,
                "lease.consul.url is empty: give Consul's URL (on Fly: `fly consul attach` sets "
                "FLY_CONSUL_URL)");
  }
  const size_t scheme_end = url.find("://");
  const std::string_view scheme = url.substr(0, std::min(scheme_end, url.size()));
  if (scheme_end == std::string_view::npos || (scheme != "http" && scheme != "https")) {
    return fail(Errc::kInvalid, "lease.consul.url does not begin with http:// or https://");
  }
  std::string_view rest = url.substr(scheme_end + 3);
  rest = rest.substr(0, rest.find_first_of("?#"));
  // A password may hold slashes that it should not: the last @ before a path that has none.
  const size_t at = rest.rfind('@');
  std::string token;
  if (at != std::string_view::npos) {
    const std::string_view user = rest.substr(0, at);
    const size_t colon = user.find(':');
    if (colon != std::string_view::npos) token = percent_decode(user.substr(colon + 1));
    rest = rest.substr(at + 1);
  }
  const size_t slash = rest.find('/');
  const std::string_view host = rest.substr(0, slash);
  if (host.empty()) return fail(Errc::kInvalid, "lease.consul.url names no host");
  const std::string prefix(slash == std::string_view::npos ? ""
                                                           : without_slashes(rest.substr(slash)));
  const std::string_view name = without_slashes(key);
  if (name.empty()) return fail(Errc::kInvalid, "lease.consul.key is empty");
  ConsulPlace place;
  place.base_url = fmt::format("{}://{}", scheme, host);
  place.token = std::move(token);
  place.key = prefix.empty() ? std::string(name) : fmt::format("{}/{}", prefix, name);
  if (!prefix.empty()) place.node = fmt::format("{}/{}", prefix, kSessionName);
  return place;
}

static std::string seconds(Duration duration) {
  return fmt::format("{}ms", json::ms(duration));
}

HttpRequest look_request(const ConsulPlace& place, uint64_t after_index, Duration wait) {
  std::string path = fmt::format("/v1/kv/{}?recurse=true", percent_encode(place.key));
  if (after_index != 0) path += fmt::format("&index={}&wait={}", after_index, seconds(wait));
  return {"GET", std::move(path), ""};
}

HttpRequest make_session_request(const ConsulPlace& place, Duration ttl, Duration lock_delay) {
  bj::object body{{"Name", kSessionName},  {"Behavior", "delete"},
                  {"TTL", seconds(ttl)},   {"LockDelay", seconds(lock_delay)},
                  {"Checks", bj::array{}}, {"NodeChecks", bj::array{}}};
  if (!place.node.empty()) body["Node"] = place.node;
  return {"PUT", "/v1/session/create", bj::serialize(body)};
}

HttpRequest renew_session_request(std::string_view session) {
  return {"PUT", "/v1/session/renew/" + percent_encode(session), ""};
}

HttpRequest destroy_session_request(std::string_view session) {
  return {"PUT", "/v1/session/destroy/" + percent_encode(session), ""};
}

HttpRequest register_node_request(const ConsulPlace& place) {
  return {"PUT", "/v1/catalog/register",
          bj::serialize(bj::object{{"Node", place.node}, {"Address", "localhost"}})};
}

static std::string key_of(const ConsulPlace& place, const Op& op) {
  switch (op.place) {
    case Op::Place::kLease:
      return place.key;
    case Op::Place::kRecord:
      return place.key + "/record";
    case Op::Place::kClusterId:
      return place.key + "/clusterid";
    case Op::Place::kNode:
      return place.key + "/nodes/" + op.name;
  }
  return place.key;
}

HttpRequest write_request(const ConsulPlace& place, const Ops& ops) {
  static constexpr std::string_view kVerbs[] = {
      "set",        "cas",         "lock",          "delete",
      "delete-cas", "check-index", "check-session", "check-not-exists"};
  bj::array body;
  for (const Op& op : ops) {
    bj::object kv{{"Verb", kVerbs[static_cast<size_t>(op.verb)]}, {"Key", key_of(place, op)}};
    const bool has_value =
        op.verb == Op::Verb::kSet || op.verb == Op::Verb::kCas || op.verb == Op::Verb::kLock;
    if (has_value) kv["Value"] = base64_encode(encode_value(op.value));
    if (op.index != 0 || op.verb == Op::Verb::kCas) kv["Index"] = op.index;
    if (!op.session.empty()) kv["Session"] = op.session;
    body.push_back(bj::object{{"KV", std::move(kv)}});
  }
  return {"PUT", "/v1/txn", bj::serialize(body)};
}

// What Consul says when it fails, short enough for a log line.
static Error trouble(const HttpResponse& response) {
  constexpr size_t kShown = 200;
  std::string said = response.body.substr(0, kShown);
  while (!said.empty() && (said.back() == '\n' || said.back() == ' ')) said.pop_back();
  if (response.status == 403) {
    return {Errc::kDenied,
            "Consul denies access: the token (the password in lease.consul.url) must allow "
            "key:write, session:write and, with a path in the URL, node:write"};
  }
  return {Errc::kUnavailable, fmt::format("Consul answers {}: {}", response.status, said)};
}

static void take_pair(const ConsulPlace& place, const bj::object& pair, View& view) {
  const std::string key = json::text_at(pair, "Key");
  const std::string value = base64_decode(json::text_at(pair, "Value")).value_or("");
  const uint64_t index = json::number_at(pair, "ModifyIndex").value_or(0);
  const std::string_view beside =
      std::string_view(key).substr(std::min(place.key.size(), key.size()));
  if (key == place.key) {
    view.key = View::Key{decode_holder(value), json::text_at(pair, "Session"), index};
  } else if (beside == "/record") {
    // What cannot be read was written by nobody who keeps the rules: as good as none.
    view.beside = View::Beside{decode_record(value).value_or(Record{}), index};
  } else if (beside == "/clusterid") {
    view.cluster_id = value.substr(0, value.find_last_not_of(" \r\n") + 1);
  } else if (beside.starts_with("/nodes/")) {
    if (auto entry = decode_node_entry(value)) view.nodes.push_back({*std::move(entry), index});
  }
}

Result<View> parse_view(const ConsulPlace& place, const HttpResponse& response) {
  if (response.status != 200 && response.status != 404) {
    return std::unexpected(trouble(response));
  }
  View view;
  const std::string& index = response.consul_index;
  std::from_chars(index.data(), index.data() + index.size(), view.index);
  if (response.status == 404) return view;  // there are no keys
  const auto value = json::parse(response.body);
  const bj::array* pairs = value ? value->if_array() : nullptr;
  if (pairs == nullptr) return fail(Errc::kCorrupt, "Consul's answer is not a list of keys");
  for (const bj::value& pair : *pairs) {
    if (const bj::object* object = pair.if_object()) take_pair(place, *object, view);
  }
  return view;
}

Result<std::string> parse_session(const HttpResponse& response) {
  if (response.status != 200) return std::unexpected(trouble(response));
  const auto value = json::parse(response.body);
  const bj::object* object = value ? value->if_object() : nullptr;
  std::string id = object != nullptr ? json::text_at(*object, "ID") : "";
  if (id.empty()) return fail(Errc::kCorrupt, "Consul's answer holds no session id");
  return id;
}

Result<bool> parse_renewal(const HttpResponse& response) {
  if (response.status == 404) return false;
  if (response.status != 200) return std::unexpected(trouble(response));
  return true;
}

Status parse_done(const HttpResponse& response) {
  if (response.status != 200) return std::unexpected(trouble(response));
  return {};
}

static event::Wrote refused(const bj::object* answer, const HttpResponse& response) {
  event::Wrote wrote;
  wrote.verdict = Verdict::kUnknown;
  const bj::array* errors = answer != nullptr ? json::array_at(*answer, "Errors") : nullptr;
  if (errors == nullptr || errors->empty()) {
    wrote.why = trouble(response).message();
    return wrote;
  }
  const bj::object* first = errors->front().if_object();
  wrote.why = first != nullptr ? json::text_at(*first, "What") : "";
  wrote.verdict = wrote.why.contains("lock delay")        ? Verdict::kDelayed
                  : wrote.why.contains("invalid session") ? Verdict::kNoSession
                                                          : Verdict::kRefused;
  return wrote;
}

event::Wrote parse_write(const HttpResponse& response) {
  const auto value = json::parse(response.body);
  const bj::object* answer = value ? value->if_object() : nullptr;
  if (response.status == 409) return refused(answer, response);
  event::Wrote wrote;
  const bj::array* results = answer != nullptr ? json::array_at(*answer, "Results") : nullptr;
  if (response.status != 200 || results == nullptr) {
    wrote.why = trouble(response).message();
    return wrote;
  }
  wrote.verdict = Verdict::kApplied;
  // What was changed has the transaction's index, what was only checked an older one.
  for (const bj::value& result : *results) {
    const bj::object* object = result.if_object();
    const bj::object* kv = object != nullptr ? json::object_at(*object, "KV") : nullptr;
    if (kv == nullptr) continue;
    wrote.index = std::max(wrote.index, json::number_at(*kv, "ModifyIndex").value_or(0));
  }
  return wrote;
}

}  // namespace skerry::lease
