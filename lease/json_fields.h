// Fields of a JSON object, read without trust: what is missing or of another type is nothing.
#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string>

#include "lease/lease_data.h"

namespace skerry::lease::json {

inline constexpr size_t kDepthMax = 16;

[[nodiscard]] std::optional<boost::json::value> parse(std::string_view text);
[[nodiscard]] const boost::json::object* object_at(const boost::json::object& object,
                                                   std::string_view name);
[[nodiscard]] const boost::json::array* array_at(const boost::json::object& object,
                                                 std::string_view name);
[[nodiscard]] std::string text_at(const boost::json::object& object, std::string_view name);
[[nodiscard]] std::optional<uint64_t> number_at(const boost::json::object& object,
                                                std::string_view name);
[[nodiscard]] bool flag_at(const boost::json::object& object, std::string_view name);
[[nodiscard]] NodeId node_at(const boost::json::object& object);  // "node"
[[nodiscard]] Epoch epoch_at(const boost::json::object& object);  // "epoch"
[[nodiscard]] Duration ms_at(const boost::json::object& object, std::string_view name);
[[nodiscard]] Standing standing_at(const boost::json::object& object, std::string_view name);
[[nodiscard]] Peer peer_of(const boost::json::object& object);

[[nodiscard]] boost::json::object object_of(const Peer& peer);
[[nodiscard]] boost::json::object object_of(const Standing& standing);
[[nodiscard]] int64_t ms(Duration duration);

}  // namespace skerry::lease::json
