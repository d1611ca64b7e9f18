#include "daemon/config/read.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "daemon/config/suggest.h"
#include "daemon/config/value.h"
#include "ltx/base/invariant.h"

namespace skerry::config {
namespace {

using yaml::Node;

constexpr size_t kShownBytesMax = 60;

size_t place_of(const Key& key) {
  return static_cast<size_t>(&key - keys().data());
}

// "lease.consul.ttl" → "ttl" in section "lease.consul".
std::string_view section_of(std::string_view path) {
  const size_t dot = path.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : path.substr(0, dot);
}

std::string_view leaf_of(std::string_view path) {
  return path.substr(path.rfind('.') + 1);  // npos + 1 is 0
}

std::string joined(std::string_view section, std::string_view name) {
  return section.empty() ? std::string(name) : fmt::format("{}.{}", section, name);
}

// Names that may stand directly in `section`: keys, and sections below it.
std::vector<std::string_view> names_in(std::string_view section) {
  std::vector<std::string_view> names;
  for (const Key& key : keys()) {
    const bool within = section.empty() || (key.path.starts_with(section) &&
                                            key.path.substr(section.size()).starts_with('.'));
    if (!within) continue;
    std::string_view name = key.path.substr(section.empty() ? 0 : section.size() + 1);
    name = name.substr(0, name.find('.'));
    if (names.empty() || names.back() != name) names.push_back(name);
  }
  return names;
}

// The full path of a key or section that is called `name` somewhere else: a wrong indentation.
std::string_view elsewhere(std::string_view name) {
  for (const Key& key : keys()) {
    if (leaf_of(key.path) == name) return key.path;
    if (leaf_of(section_of(key.path)) == name) return section_of(key.path);
  }
  return {};
}

std::string advice(std::string_view section, std::string_view name) {
  const std::vector<std::string_view> known = names_in(section);
  const std::string meant = nearest(name, known);
  if (!meant.empty()) return fmt::format("did you mean \"{}\"?", joined(section, meant));
  std::vector<std::string_view> paths;
  for (const Key& key : keys()) paths.push_back(key.path);
  const std::string similar = nearest(joined(section, name), paths);
  if (!similar.empty()) return fmt::format("did you mean \"{}\"?", similar);
  if (const auto path = elsewhere(name); !path.empty()) {
    return fmt::format("did you mean \"{}\"?", path);
  }
  return fmt::format("known here are {}", fmt::join(known, ", "));
}

class Reader {
 public:
  explicit Reader(Problems& problems) : problems_(problems) {
    document_.lines.resize(keys().size());
  }

  Document read(const Node& root) {
    if (root.is(Node::Kind::kMap)) {
      section(root, "");
    } else if (!root.is(Node::Kind::kNull)) {
      problems_.error(root.line, "the file is not a list of keys; write them as \"key: value\"");
    }
    require();
    return std::move(document_);
  }

 private:
  void section(const Node& map, std::string_view path) {
    std::set<std::string_view> seen;
    for (const Node& node : map.items) {
      const std::string full = joined(path, node.key);
      if (!seen.insert(node.key).second) {
        problems_.error(node.key_line, fmt::format("{} is given twice; remove one",
                                                   full.substr(0, kShownBytesMax)));
      } else if (const Key* key = find_key(full)) {
        document_.lines[place_of(*key)] = node.key_line;
        assign(*key, node, document_.config, problems_);
      } else if (is_section(full)) {
        subsection(node, full);
      } else {
        unknown(node, path);
      }
    }
  }

  void subsection(const Node& node, const std::string& path) {
    if (node.is(Node::Kind::kMap)) {
      section(node, path);
    } else if (!node.is(Node::Kind::kNull)) {
      problems_.error(node.line,
                      fmt::format("{} is a section; write its keys indented below it: {}", path,
                                  fmt::join(names_in(path), ", ")));
    }
  }

  void unknown(const Node& node, std::string_view section) {
    const std::string full = joined(section, node.key);
    problems_.error(node.key_line,
                    fmt::format("{} is not a known key; {}", full.substr(0, kShownBytesMax),
                                advice(section, node.key)));
  }

  void require() {
    for (const Key& key : keys()) {
      if (!key.required || document_.lines[place_of(key)] != 0) continue;
      problems_.error(0, fmt::format("{} is missing; {}", key.path, required_advice(key)));
    }
  }

  static std::string required_advice(const Key& key) {
    const auto* choice = std::get_if<Choice>(&key.access);
    if (choice == nullptr) return "write it";
    return fmt::format("write {}", fmt::join(choice->names, " or "));
  }

  Problems& problems_;
  Document document_;
};

}  // namespace

uint32_t Document::line_of(std::string_view path) const {
  const Key* key = find_key(path);
  INVARIANT(key != nullptr);
  return lines[place_of(*key)];
}

Document read_document(const yaml::Node& root, Problems& problems) {
  return Reader(problems).read(root);
}

}  // namespace skerry::config
