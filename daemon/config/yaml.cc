#include "daemon/config/yaml.h"

#include <yaml-cpp/yaml.h>

namespace skerry::config::yaml {
namespace {

uint32_t line_of(const YAML::Mark& mark) {
  return mark.line < 0 ? 0 : static_cast<uint32_t>(mark.line) + 1;
}

// Copies the library's tree node by node within the limits.
class Copier {
 public:
  std::expected<Node, SyntaxError> copy(const YAML::Node& from, size_t depth) {
    const uint32_t line = line_of(from.Mark());
    if (++nodes_ > kNodesMax) return refuse(line, "the file has too many values");
    if (depth > kDepthMax) return refuse(line, "values are nested too deeply");
    Node to;
    to.line = line;
    if (from.IsScalar()) {
      to.kind = Node::Kind::kScalar;
      to.quoted = from.Tag() != "?";
      to.text = from.Scalar();
    } else if (from.IsSequence()) {
      TRY(copy_items(from, depth, to));
    } else if (from.IsMap()) {
      TRY(copy_entries(from, depth, to));
    }
    return to;
  }

 private:
  static std::unexpected<SyntaxError> refuse(uint32_t line, std::string message) {
    return std::unexpected(SyntaxError{line, std::move(message)});
  }

  std::expected<void, SyntaxError> copy_items(const YAML::Node& from, size_t depth, Node& to) {
    to.kind = Node::Kind::kSequence;
    for (const YAML::Node& item : from) {
      TRY_ASSIGN(Node copied, copy(item, depth + 1));
      to.items.push_back(std::move(copied));
    }
    return {};
  }

  std::expected<void, SyntaxError> copy_entries(const YAML::Node& from, size_t depth, Node& to) {
    to.kind = Node::Kind::kMap;
    for (const auto& entry : from) {
      const uint32_t key_line = line_of(entry.first.Mark());
      if (!entry.first.IsScalar()) return refuse(key_line, "a key must be plain text");
      TRY_ASSIGN(Node copied, copy(entry.second, depth + 1));
      copied.key = entry.first.Scalar();
      copied.key_line = key_line;
      to.items.push_back(std::move(copied));
    }
    return {};
  }

  size_t nodes_ = 0;
};

}  // namespace

std::expected<Node, SyntaxError> parse(const std::string& text) {
  try {
    return Copier().copy(YAML::Load(text), 0);
  } catch (const YAML::Exception& e) {
    return std::unexpected(SyntaxError{line_of(e.mark), e.msg});
  } catch (const std::exception& e) {
    return std::unexpected(SyntaxError{0, e.what()});
  }
}

}  // namespace skerry::config::yaml
