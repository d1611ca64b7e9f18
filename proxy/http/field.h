// A header field, as it stands in the text of a head.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace skerry::proxy {

// The fields that the proxy reads, sets or removes.
enum class FieldId : uint8_t {
  kOther,
  kAuthorization,
  kCacheControl,
  kConnection,
  kContentLength,
  kCookie,
  kExpect,
  kFlyReplaySrc,
  kFlyRequestId,
  kForwarded,
  kHost,
  kKeepAlive,
  kProxyConnection,
  kReadConsistency,
  kSkerryForwarded,
  kSkerryToken,
  kTe,
  kTransferEncoding,
  kUpgrade,
  kXForwardedFor,
  kXForwardedHost,
  kXForwardedProto,
};

struct Field {
  FieldId id;
  std::string_view name;
  std::string_view value;  // without the white space around it
  std::string_view line;   // all of it, with its CR LF
};

using Fields = std::vector<Field>;

[[nodiscard]] FieldId field_id(std::string_view name);

// Nothing if there is none; the first if there are several.
[[nodiscard]] const Field* find_field(const Fields& fields, FieldId id);

// The elements of a comma-separated value, one call after another; false at the end.
[[nodiscard]] bool next_element(std::string_view& rest, std::string_view& element);

[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b);
[[nodiscard]] std::string_view trimmed(std::string_view text);  // of spaces and tabs

}  // namespace skerry::proxy
