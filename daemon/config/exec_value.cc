#include "daemon/config/exec_value.h"

#include <fmt/format.h>

#include <optional>
#include <set>

#include "daemon/config/exec.h"
#include "daemon/config/keys.h"
#include "daemon/config/scalar.h"
#include "daemon/config/suggest.h"

namespace skerry::config {
namespace {

using yaml::Node;

class ExecReader {
 public:
  explicit ExecReader(Problems& problems) : problems_(problems) {}

  std::optional<std::vector<ExecCommand>> read(const Node& node) {
    if (node.is(Node::Kind::kScalar)) {
      single(node);
    } else if (node.is(Node::Kind::kSequence)) {
      for (const Node& item : node.items) entry(item);
    } else {
      error(node.line, "exec is a section; write one command, or a list of \"- cmd: …\" entries");
    }
    if (errors_ > 0) return std::nullopt;
    return std::move(commands_);
  }

 private:
  // Nothing written means nothing to run.
  void single(const Node& node) {
    if (node.text.empty()) return;
    ExecCommand command;
    command.cmd = node.text;
    add(std::move(command), node.line);
  }

  void entry(const Node& item) {
    if (!item.is(Node::Kind::kMap)) {
      error(item.line, "exec holds an entry that is no command; write it as \"- cmd: …\"");
      return;
    }
    ExecCommand command;
    std::set<std::string_view> seen;
    const size_t errors_before = errors_;
    for (const Node& value : item.items) {
      if (!seen.insert(value.key).second) {
        error(value.key_line, fmt::format("{} of exec is given twice; remove one", value.key));
      } else {
        field(value, command);
      }
    }
    if (!seen.contains("cmd")) {
      error(item.line, "an entry of exec has no cmd; write the command");
    } else if (errors_ == errors_before) {
      add(std::move(command), item.line);
    }
  }

  void field(const Node& value, ExecCommand& command) {
    if (value.key == "cmd") {
      text(value, command.cmd);
    } else if (value.key == "if-candidate") {
      flag(value, command.if_candidate);
    } else if (value.key == "if-primary") {
      flag(value, command.if_primary);
    } else if (value.key == "shell") {
      flag(value, command.shell);
    } else {
      unknown(value);
    }
  }

  void text(const Node& value, std::string& to) {
    if (value.is(Node::Kind::kSequence) || value.is(Node::Kind::kMap)) {
      error(value.line, "cmd of exec is no text; write the command with its arguments in one text");
    } else {
      to = value.text;
    }
  }

  void flag(const Node& value, bool& to) {
    if (value.is(Node::Kind::kNull)) return;
    const auto truth = value.is(Node::Kind::kScalar) ? parse_bool(value.text) : std::nullopt;
    if (truth) {
      to = *truth;
    } else {
      error(value.line,
            fmt::format("{} of exec is \"{}\"; write true or false", value.key, value.text));
    }
  }

  void unknown(const Node& value) {
    const std::string meant = nearest(value.key, exec_entry_keys());
    error(value.key_line, fmt::format("{} is not a key of exec; {}", value.key,
                                      meant.empty() ? "it has cmd, if-candidate, if-primary and shell"
                                                    : fmt::format("did you mean \"{}\"?", meant)));
  }

  void add(ExecCommand command, uint32_t line) {
    const Status status = complete(command);
    if (status) {
      commands_.push_back(std::move(command));
    } else {
      error(line, fmt::format("exec \"{}\": {}", command.cmd, status.error().message()));
    }
  }

  void error(uint32_t line, std::string_view text) {
    ++errors_;
    problems_.error(line, text);
  }

  Problems& problems_;
  std::vector<ExecCommand> commands_;
  size_t errors_ = 0;
};

}  // namespace

void read_exec(const Node& node, std::vector<ExecCommand>& commands, Problems& problems) {
  if (auto read = ExecReader(problems).read(node)) commands = *std::move(read);
}

}  // namespace skerry::config
