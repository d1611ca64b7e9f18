#include "proxy/request.h"

#include "daemon/config/duration.h"
#include "proxy/patterns.h"

namespace skerry::proxy {
namespace {

// What Fly's edge keeps of a body in order to replay it.
constexpr uint64_t kFlyReplayBodyBytesMax = 1'000'000;

Kind kind_of(const RequestHead& head, std::string_view path, const Request& request,
             const Settings& settings) {
  const bool read = is_read(head.method);
  const Kind at_primary = read ? Kind::kPrimaryRead : Kind::kWrite;
  const auto place = place_of(settings.rules, head.method, path, head.fields);
  if (place) return *place == Place::kPrimary ? at_primary : Kind::kRead;
  if (matches_any(settings.always_forward, path)) return at_primary;
  if (!read || request.wish.what == Wish::What::kPrimary) return at_primary;
  if (!head.upgrade.empty() && settings.upgrades == Place::kPrimary) return at_primary;
  return Kind::kRead;
}

// An edge that is not there would hand the client an empty answer in place of its write.
bool edge_replays(const RequestHead& head, const Request& request, const Settings& settings) {
  if (settings.mode == config::ProxyMode::kForward) return false;
  if (settings.mode == config::ProxyMode::kAuto && !settings.on_fly) return false;
  const bool in_front = find_field(head.fields, FieldId::kFlyRequestId) != nullptr;
  const bool replayed = find_field(head.fields, FieldId::kFlyReplaySrc) != nullptr;
  const bool body_fits =
      head.body.kind == BodyKind::kNone ||
      (head.body.kind == BodyKind::kLength && head.body.length <= kFlyReplayBodyBytesMax);
  return in_front && !replayed && body_fits && request.mark.hops == 0;
}

Wish wish_of(const RequestHead& head) {
  const Field* field = find_field(head.fields, FieldId::kReadConsistency);
  if (field == nullptr) return {};
  return parse_wish(field->value).value_or(Wish());
}

ForwardMark mark_of(const RequestHead& head, const Settings& settings) {
  const Field* field = find_field(head.fields, FieldId::kSkerryForwarded);
  if (field == nullptr) return {};
  return parse_mark(field->value, head.method, head.target, settings.secret)
      .value_or(ForwardMark());
}

}  // namespace

std::optional<Wish> parse_wish(std::string_view text) {
  constexpr std::string_view kBounded = "bounded=";
  if (text == "session") return Wish();
  if (text == "any") return Wish{Wish::What::kAny, {}};
  if (text == "primary") return Wish{Wish::What::kPrimary, {}};
  if (!text.starts_with(kBounded)) return std::nullopt;
  const auto bound = config::parse_duration(text.substr(kBounded.size()));
  if (!bound || *bound < config::Duration::zero()) return std::nullopt;
  return Wish{Wish::What::kBounded, std::chrono::floor<Ms>(*bound)};
}

Request read_request(const RequestHead& head, const Settings& settings) {
  Request request;
  std::string storage;
  const std::string_view path = decoded_path(head.path, storage);
  request.idempotent = is_read(head.method);
  request.replayable = head.method == "GET" || head.method == "HEAD";
  request.passthrough = matches_any(settings.passthrough, path);
  if (!request.passthrough && request.replayable) request.health = health_path(path);
  request.wish = wish_of(head);
  request.kind = kind_of(head, path, request, settings);
  request.token_text = token_text(head.fields);
  if (!request.token_text.empty()) {
    request.token = decode(request.token_text, settings.secret, settings.plain_database);
  }
  request.mark = mark_of(head, settings);
  request.edge_replays = edge_replays(head, request, settings);
  return request;
}

}  // namespace skerry::proxy
