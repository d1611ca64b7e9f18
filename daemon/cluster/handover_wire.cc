#include "daemon/cluster/handover_wire.h"

#include <boost/json.hpp>

#include "lease/json_fields.h"

namespace skerry::cluster {

namespace bj = boost::json;
namespace json = lease::json;

static Result<bj::object> parse_object(std::string_view text) {
  const auto value = json::parse(text);
  if (!value || !value->is_object()) {
    return fail(Errc::kInvalid, "what another node said about a hand-over is not a JSON object");
  }
  return value->get_object();
}

std::string encode(const HandoverRequest& request) {
  bj::object object = json::object_of(request.from);
  object["kind"] = request.kind == HandoverRequest::Kind::kProve ? "prove" : "prepare";
  object["epoch"] = request.epoch.value();
  object["cluster"] = request.cluster;
  object["wait-ms"] = json::ms(request.wait);
  bj::array& databases = object["databases"].emplace_array();
  for (const auto& [name, position] : request.positions) {
    databases.push_back(bj::object{{"name", name},
                                   {"txid", to_string(position.txid)},
                                   {"checksum", to_string(position.checksum)}});
  }
  return bj::serialize(object);
}

static Result<Positions> positions_at(const bj::object& object) {
  const bj::array* databases = json::array_at(object, "databases");
  if (databases == nullptr) return fail(Errc::kInvalid, "the hand-over names no databases");
  Positions positions;
  for (const bj::value& value : *databases) {
    const bj::object* database = value.if_object();
    if (database == nullptr) return fail(Errc::kInvalid, "a database of the hand-over is malformed");
    const std::string name = json::text_at(*database, "name");
    const auto txid = parse_hex16(json::text_at(*database, "txid"));
    const auto checksum = parse_hex16(json::text_at(*database, "checksum"));
    if (name.empty() || !txid || !checksum) {
      return fail(Errc::kInvalid, "a position in the hand-over is malformed");
    }
    positions[name] = {Txid(*txid), Checksum(*checksum)};
  }
  return positions;
}

Result<HandoverRequest> decode_handover(std::string_view text) {
  TRY_ASSIGN(const bj::object object, parse_object(text));
  HandoverRequest request;
  const std::string kind = json::text_at(object, "kind");
  if (kind != "prove" && kind != "prepare") {
    return fail(Errc::kInvalid, "the hand-over's kind is neither \"prepare\" nor \"prove\"");
  }
  if (kind == "prove") request.kind = HandoverRequest::Kind::kProve;
  request.from = json::peer_of(object);
  request.epoch = json::epoch_at(object);
  request.cluster = json::text_at(object, "cluster");
  request.wait = json::ms_at(object, "wait-ms");
  TRY_ASSIGN(request.positions, positions_at(object));
  return request;
}

std::string encode(const GrantRequest& request) {
  bj::object object = json::object_of(request.from);
  object["epoch"] = request.epoch.value();
  object["key-index"] = request.key_index;
  object["record-index"] = request.record_index;
  object["wait-ms"] = json::ms(request.wait);
  return bj::serialize(object);
}

Result<GrantRequest> decode_grant(std::string_view text) {
  TRY_ASSIGN(const bj::object object, parse_object(text));
  GrantRequest request{json::peer_of(object), json::epoch_at(object),
                       json::number_at(object, "key-index").value_or(0),
                       json::number_at(object, "record-index").value_or(0),
                       json::ms_at(object, "wait-ms")};
  if (request.key_index == 0 || request.record_index == 0) {
    return fail(Errc::kInvalid, "the grant lacks the indices at which the lease may be taken");
  }
  return request;
}

std::string encode(const HandoverAnswer& answer) {
  return bj::serialize(bj::object{{"ok", answer.ok}, {"why", answer.why}});
}

Result<HandoverAnswer> decode_answer(std::string_view text) {
  TRY_ASSIGN(const bj::object object, parse_object(text));
  return HandoverAnswer{json::flag_at(object, "ok"), json::text_at(object, "why")};
}

}  // namespace skerry::cluster
