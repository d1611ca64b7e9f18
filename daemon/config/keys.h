// The one table of configuration keys: what each is called, what it means, where its value lives,
// what may be written, and whether this build honours it. Reading, checking and printing go over
// this table, so a key that is missing here does not exist.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <variant>

#include "daemon/config/config.h"

namespace skerry::config {

// One of several names; `get` and `set` go by the name's place.
struct Choice {
  std::span<const std::string_view> names;  // an empty name stands for "none"
  uint8_t (*get)(const Config&);
  void (*set)(Config&, uint8_t);
};

template <typename T>
using Member = T& (*)(Config&);

// The member's type decides how the value is written.
using Access =
    std::variant<Member<bool>, Member<std::string>, Member<Duration>,
                 Member<uint64_t>,  // a size
                 Member<uint32_t>,  // a count
                 Member<std::vector<std::string>>, Member<std::vector<ExecCommand>>, Choice>;

enum class Support : uint8_t {
  kYes,
  kNotYet,  // read and kept, without effect: whoever sets it is warned
};

enum class Secret : uint8_t {
  kNo,
  kUrl,   // the password within is
  kText,  // all of it is
};

struct Key {
  std::string_view path;  // "lease.consul.ttl"
  Access access;
  std::string_view doc;  // one sentence for people
  Support support = Support::kYes;
  Secret secret = Secret::kNo;
  bool required = false;
  Duration min = Duration::zero();  // of durations
  Duration max = Duration::max();
  uint64_t plain_unit_bytes = 1;  // of sizes: what a number without a unit counts
};

// In the order in which they are printed: the keys of a section follow each other.
[[nodiscard]] std::span<const Key> keys();

// What an entry of `exec` may hold.
[[nodiscard]] std::span<const std::string_view> exec_entry_keys();

// nullptr if there is no such key.
[[nodiscard]] const Key* find_key(std::string_view path);

// Whether `path` begins other keys: "lease", "lease.consul".
[[nodiscard]] bool is_section(std::string_view path);

}  // namespace skerry::config
