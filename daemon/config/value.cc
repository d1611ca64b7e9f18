#include "daemon/config/value.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "daemon/config/duration.h"
#include "daemon/config/exec_value.h"
#include "daemon/config/scalar.h"
#include "daemon/config/size.h"
#include "daemon/log/redact.h"

namespace skerry::config {
namespace {

using yaml::Node;

constexpr size_t kShownBytesMax = 60;

// The value as a message may show it.
std::string shown(const Key& key, const Node& node) {
  if (node.is(Node::Kind::kSequence)) return "a list";
  if (node.is(Node::Kind::kMap)) return "a section";
  if (key.secret != Secret::kNo) return "set";
  return fmt::format("\"{}\"", node.text.substr(0, kShownBytesMax));
}

class Assigner {
 public:
  Assigner(const Key& key, const Node& node, Config& config, Problems& problems)
      : key_(key), node_(node), config_(config), problems_(problems) {}

  void operator()(Member<bool> member) {
    store(member, parse_bool(node_.text), "write true or false");
  }
  void operator()(Member<std::string> member) {
    if (node_.is(Node::Kind::kScalar)) {
      member(config_) = node_.text;
    } else {
      wrong("write a text");
    }
  }
  void operator()(Member<Duration> member) {
    const auto duration = parse_duration(node_.text);
    if (duration && (*duration < key_.min || *duration > key_.max)) {
      wrong(range_advice());
    } else {
      store(member, duration, "write a duration with its unit, such as 10s, 1m30s or 100ms");
    }
  }
  void operator()(Member<uint64_t> member) {
    store(member, parse_size(node_.text, key_.plain_unit_bytes),
          "write a size, such as 500MB, 1GB or 64MiB");
  }
  void operator()(Member<uint32_t> member) {
    store(member, parse_count(node_.text), "write a whole number that is not negative");
  }
  void operator()(Member<std::vector<std::string>> member) { strings(member(config_)); }
  void operator()(Member<std::vector<ExecCommand>> member) {
    read_exec(node_, member(config_), problems_);
  }
  void operator()(const Choice& choice) {
    const auto name = std::ranges::find(choice.names, node_.text);
    if (node_.is(Node::Kind::kScalar) && name != choice.names.end()) {
      choice.set(config_, static_cast<uint8_t>(name - choice.names.begin()));
    } else {
      wrong(fmt::format("write {}", fmt::join(named(choice), " or ")));
    }
  }

 private:
  template <typename T>
  void store(Member<T> member, const std::optional<T>& value, std::string_view advice) {
    if (node_.is(Node::Kind::kScalar) && value) {
      member(config_) = *value;
    } else {
      wrong(advice);
    }
  }

  void strings(std::vector<std::string>& to) {
    if (!node_.is(Node::Kind::kSequence)) {
      wrong(R"(write a list, such as ["a", "b"])");
      return;
    }
    std::vector<std::string> all;
    for (const Node& item : node_.items) {
      if (!item.is(Node::Kind::kScalar)) {
        problems_.error(
            item.line,
            fmt::format("{} holds an entry that is no text; write texts only", key_.path));
        return;
      }
      all.push_back(item.text);
    }
    to = std::move(all);
  }

  [[nodiscard]] std::string range_advice() const {
    if (key_.max == Duration::max()) {
      return fmt::format("write {} or more", format_duration(key_.min));
    }
    return fmt::format("write a duration from {} to {}", format_duration(key_.min),
                       format_duration(key_.max));
  }

  static std::vector<std::string_view> named(const Choice& choice) {
    std::vector<std::string_view> names(choice.names.begin(), choice.names.end());
    std::erase(names, "");
    return names;
  }

  void wrong(std::string_view advice) {
    problems_.error(node_.line, fmt::format("{} is {}; {}", key_.path, shown(key_, node_), advice));
  }

  const Key& key_;
  const Node& node_;
  Config& config_;
  Problems& problems_;
};

struct Formatter {
  Config& config;

  std::string operator()(Member<bool> member) const { return member(config) ? "true" : "false"; }
  std::string operator()(Member<std::string> member) const { return member(config); }
  std::string operator()(Member<Duration> member) const { return format_duration(member(config)); }
  std::string operator()(Member<uint64_t> member) const { return format_size(member(config)); }
  std::string operator()(Member<uint32_t> member) const {
    return fmt::format("{}", member(config));
  }
  std::string operator()(Member<std::vector<std::string>>) const { return {}; }
  std::string operator()(Member<std::vector<ExecCommand>>) const { return {}; }
  std::string operator()(const Choice& choice) const {
    return std::string(choice.names[choice.get(config)]);
  }
};

// `key:` without a value, often a variable that is not set. A default that is empty itself, or a
// list, is what its author expects.
void keep_default(const Key& key, const Node& node, Problems& problems) {
  const std::string text = scalar_text(key, Config{});
  if (text.empty() || key.required) return;
  problems.warning(node.key_line,
                   fmt::format("{} is empty, so its default {} holds; give it a value, or remove "
                               "the key",
                               key.path, text));
}

}  // namespace

void assign(const Key& key, const yaml::Node& node, Config& config, Problems& problems) {
  if (node.is(Node::Kind::kNull)) {
    keep_default(key, node, problems);
  } else {
    std::visit(Assigner(key, node, config, problems), key.access);
  }
}

std::string scalar_text(const Key& key, const Config& config) {
  Config copy = config;  // members are reached through a Config&
  std::string text = std::visit(Formatter{copy}, key.access);
  if (text.empty() || key.secret == Secret::kNo) return text;
  return key.secret == Secret::kUrl ? log::redact_url(text) : std::string(log::kRedacted);
}

}  // namespace skerry::config
