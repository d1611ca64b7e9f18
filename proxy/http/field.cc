#include "proxy/http/field.h"

#include <algorithm>
#include <array>

namespace skerry::proxy {
namespace {

struct Known {
  std::string_view name;
  FieldId id;
};

// By length, so that most names are told apart by it alone.
constexpr auto kKnown = std::to_array<Known>({
    {"te", FieldId::kTe},
    {"host", FieldId::kHost},
    {"cookie", FieldId::kCookie},
    {"expect", FieldId::kExpect},
    {"upgrade", FieldId::kUpgrade},
    {"forwarded", FieldId::kForwarded},
    {"connection", FieldId::kConnection},
    {"keep-alive", FieldId::kKeepAlive},
    {"skerry-token", FieldId::kSkerryToken},
    {"authorization", FieldId::kAuthorization},
    {"cache-control", FieldId::kCacheControl},
    {"content-length", FieldId::kContentLength},
    {"fly-replay-src", FieldId::kFlyReplaySrc},
    {"fly-request-id", FieldId::kFlyRequestId},
    {"x-forwarded-for", FieldId::kXForwardedFor},
    {"proxy-connection", FieldId::kProxyConnection},
    {"read-consistency", FieldId::kReadConsistency},
    {"skerry-forwarded", FieldId::kSkerryForwarded},
    {"x-forwarded-host", FieldId::kXForwardedHost},
    {"transfer-encoding", FieldId::kTransferEncoding},
    {"x-forwarded-proto", FieldId::kXForwardedProto},
});
static_assert(std::ranges::is_sorted(kKnown, {}, [](const Known& k) { return k.name.size(); }));

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

FieldId field_id(std::string_view name) {
  const auto size_of = [](const Known& known) { return known.name.size(); };
  for (const Known& known : std::ranges::equal_range(kKnown, name.size(), {}, size_of)) {
    if (equal_ignoring_case(known.name, name)) return known.id;
  }
  return FieldId::kOther;
}

const Field* find_field(const Fields& fields, FieldId id) {
  const auto found = std::ranges::find(fields, id, &Field::id);
  return found == fields.end() ? nullptr : &*found;
}

std::string_view trimmed(std::string_view text) {
  const size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
  text.remove_prefix(begin);
  return text.substr(0, text.find_last_not_of(" \t") + 1);  // npos + 1 is 0
}

bool next_element(std::string_view& rest, std::string_view& element) {
  while (!rest.empty()) {
    const size_t comma = std::min(rest.find(','), rest.size());
    element = trimmed(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    if (!element.empty()) return true;
  }
  return false;
}

}  // namespace skerry::proxy
