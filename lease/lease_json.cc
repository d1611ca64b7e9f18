// The values of Consul's keys as JSON.
#include <fmt/format.h>

#include "lease/consul_wire.h"
#include "lease/json_fields.h"
#include "lease/terms.h"

namespace skerry::lease {

namespace bj = boost::json;

namespace {

// Raised when a holder promises something else than PROTOCOL.md says.
constexpr uint64_t kFencingVersion = 1;

struct Encoder {
  std::string operator()(std::monostate) const { return ""; }
  std::string operator()(const std::string& text) const { return text; }
  std::string operator()(const Holder& holder) const {
    bj::object object = json::object_of(Peer{holder.info.hostname, holder.info.advertise_url});
    if (!holder.fenced) return bj::serialize(object);
    object["fencing"] = kFencingVersion;
    object["term-ms"] = json::ms(holder.term);
    object["node"] = hex16(holder.node.value());
    object["epoch"] = holder.epoch.value();
    object["counter"] = holder.counter;
    return bj::serialize(object);
  }
  std::string operator()(const Record& record) const {
    bj::array candidates;
    for (const Peer& peer : record.candidates) candidates.push_back(json::object_of(peer));
    return bj::serialize(bj::object{{"hostname", record.name},
                                    {"node", hex16(record.node.value())},
                                    {"epoch", record.epoch.value()},
                                    {"epoch-base", record.epoch_base},
                                    {"term-ms", json::ms(record.term)},
                                    {"closed", record.closed},
                                    {"litefs", record.litefs},
                                    {"standing", json::object_of(record.standing)},
                                    {"progress", json::object_of(record.progress)},
                                    {"candidates", std::move(candidates)}});
  }
  std::string operator()(const NodeEntry& entry) const {
    bj::object object = json::object_of(entry.peer);
    object["candidate"] = entry.candidate;
    object["node"] = hex16(entry.node.value());
    object["counter"] = entry.counter;
    return bj::serialize(object);
  }
};

}  // namespace

std::string encode_value(const Op::Value& value) {
  return std::visit(Encoder{}, value);
}

Holder decode_holder(std::string_view text) {
  Holder holder;
  const auto value = json::parse(text);
  const bj::object* object = value ? value->if_object() : nullptr;
  if (object == nullptr) return holder;
  const Peer peer = json::peer_of(*object);
  holder.info = {peer.name, peer.url};
  const Duration term = json::ms_at(*object, "term-ms");
  holder.fenced = json::number_at(*object, "fencing") == kFencingVersion && term >= kTermMin &&
                  term <= kTermMax;
  if (!holder.fenced) return holder;
  holder.term = term;
  holder.node = json::node_at(*object);
  holder.epoch = json::epoch_at(*object);
  holder.counter = json::number_at(*object, "counter").value_or(0);
  return holder;
}

Result<Record> decode_record(std::string_view text) {
  const auto value = json::parse(text);
  const bj::object* object = value ? value->if_object() : nullptr;
  const bj::array* candidates = object != nullptr ? json::array_at(*object, "candidates") : nullptr;
  if (candidates == nullptr) {
    return fail(Errc::kCorrupt, "is not the JSON that a primary keeps there");
  }
  Record record;
  record.name = json::text_at(*object, "hostname");
  record.node = json::node_at(*object);
  record.epoch = json::epoch_at(*object);
  record.epoch_base = json::number_at(*object, "epoch-base").value_or(0);
  record.term = std::min(json::ms_at(*object, "term-ms"), kTermMax);
  record.closed = json::flag_at(*object, "closed");
  record.litefs = json::flag_at(*object, "litefs");
  record.standing = json::standing_at(*object, "standing");
  record.progress = json::standing_at(*object, "progress");
  for (const bj::value& candidate : *candidates) {
    if (const bj::object* peer = candidate.if_object()) {
      record.candidates.push_back(json::peer_of(*peer));
    }
  }
  return record;
}

Result<NodeEntry> decode_node_entry(std::string_view text) {
  const auto value = json::parse(text);
  const bj::object* object = value ? value->if_object() : nullptr;
  if (object == nullptr || json::text_at(*object, "hostname").empty()) {
    return fail(Errc::kCorrupt, "is not the JSON of a node's entry");
  }
  return NodeEntry{json::peer_of(*object), json::flag_at(*object, "candidate"),
                   json::node_at(*object), json::number_at(*object, "counter").value_or(0)};
}

}  // namespace skerry::lease
