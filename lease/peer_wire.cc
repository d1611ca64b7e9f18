#include "lease/peer_wire.h"

#include "lease/json_fields.h"

namespace skerry::lease {

namespace bj = boost::json;

std::string encode_report(const PeerReport& report) {
  bj::object object = json::object_of(report.peer);
  object["node"] = hex16(report.node.value());
  object["candidate"] = report.candidate;
  object["primary"] = report.is_primary;
  object["epoch"] = report.epoch.value();
  object["standing"] = json::object_of(report.standing);
  return bj::serialize(object);
}

static Result<bj::object> parse_object(std::string_view text, const char* what) {
  const auto value = json::parse(text);
  if (!value || !value->is_object()) {
    return fail(Errc::kInvalid, std::string(what) + " is not a JSON object");
  }
  return value->get_object();
}

Result<PeerReport> decode_report(std::string_view text) {
  TRY_ASSIGN(const bj::object object, parse_object(text, "a peer's answer"));
  return PeerReport{json::peer_of(object),
                    json::node_at(object),
                    json::flag_at(object, "candidate"),
                    json::flag_at(object, "primary"),
                    json::epoch_at(object),
                    json::standing_at(object, "standing")};
}

std::string encode_promise_request(const PromiseRequest& request) {
  bj::object object = json::object_of(request.peer);
  object["node"] = hex16(request.node.value());
  object["epoch"] = request.epoch.value();
  object["round"] = request.round;
  object["length-ms"] = json::ms(request.length);
  return bj::serialize(object);
}

Result<PromiseRequest> decode_promise_request(std::string_view text) {
  TRY_ASSIGN(const bj::object object, parse_object(text, "the request for a promise"));
  if (!json::number_at(object, "length-ms") || json::epoch_at(object) == Epoch(0)) {
    return fail(Errc::kInvalid, "the request for a promise lacks its epoch or its length");
  }
  return PromiseRequest{json::peer_of(object), json::node_at(object), json::epoch_at(object),
                        json::number_at(object, "round").value_or(0),
                        json::ms_at(object, "length-ms")};
}

std::string encode_promise(bool promised) {
  return bj::serialize(bj::object{{"promised", promised}});
}

bool decode_promise(std::string_view text) {
  const auto value = json::parse(text);
  const bj::object* object = value ? value->if_object() : nullptr;
  return object != nullptr && json::flag_at(*object, "promised");
}

}  // namespace skerry::lease
