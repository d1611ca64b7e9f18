#include "lease/json_fields.h"

#include "lease/terms.h"

namespace skerry::lease::json {

namespace bj = boost::json;

std::optional<bj::value> parse(std::string_view text) {
  bj::parse_options options;
  options.max_depth = kDepthMax;
  boost::system::error_code failed;
  bj::value value = bj::parse(text, failed, {}, options);
  if (failed) return std::nullopt;
  return value;
}

const bj::object* object_at(const bj::object& object, std::string_view name) {
  const bj::value* value = object.if_contains(name);
  return value != nullptr ? value->if_object() : nullptr;
}

const bj::array* array_at(const bj::object& object, std::string_view name) {
  const bj::value* value = object.if_contains(name);
  return value != nullptr ? value->if_array() : nullptr;
}

std::string text_at(const bj::object& object, std::string_view name) {
  const bj::value* value = object.if_contains(name);
  const bj::string* text = value != nullptr ? value->if_string() : nullptr;
  return text != nullptr ? std::string(*text) : "";
}

std::optional<uint64_t> number_at(const bj::object& object, std::string_view name) {
  const bj::value* value = object.if_contains(name);
  if (value == nullptr) return std::nullopt;
  if (const uint64_t* number = value->if_uint64()) return *number;
  const int64_t* number = value->if_int64();
  if (number == nullptr || *number < 0) return std::nullopt;
  return static_cast<uint64_t>(*number);
}

bool flag_at(const bj::object& object, std::string_view name) {
  const bj::value* value = object.if_contains(name);
  const bool* flag = value != nullptr ? value->if_bool() : nullptr;
  return flag != nullptr && *flag;
}

NodeId node_at(const bj::object& object) {
  return NodeId(parse_hex16(text_at(object, "node")).value_or(0));
}

Epoch epoch_at(const bj::object& object) {
  return Epoch(number_at(object, "epoch").value_or(0));
}

// Nothing over an hour makes sense in this protocol, and sums must not overflow.
Duration ms_at(const bj::object& object, std::string_view name) {
  constexpr uint64_t kMsMax = 3'600'000;
  return std::chrono::milliseconds(std::min(number_at(object, name).value_or(0), kMsMax));
}

Standing standing_at(const bj::object& object, std::string_view name) {
  const bj::object* standing = object_at(object, name);
  if (standing == nullptr) return {};
  return {epoch_at(*standing), number_at(*standing, "transactions").value_or(0)};
}

Peer peer_of(const bj::object& object) {
  return {text_at(object, "hostname"), text_at(object, "advertise-url")};
}

bj::object object_of(const Peer& peer) {
  return {{"hostname", peer.name}, {"advertise-url", peer.url}};
}

bj::object object_of(const Standing& standing) {
  return {{"epoch", standing.epoch.value()}, {"transactions", standing.transactions}};
}

int64_t ms(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

}  // namespace skerry::lease::json
