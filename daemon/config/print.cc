#include "daemon/config/print.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/config/keys.h"
#include "daemon/config/value.h"

namespace skerry::config {
namespace {

// A text as a double-quoted YAML scalar that survives the expansion of variables, too.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '$') {
      out += "$$";
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out + '"';
}

bool is_within(std::string_view section, std::string_view outer) {
  return section.starts_with(outer) &&
         (section.size() == outer.size() || section[outer.size()] == '.');
}

class Printer {
 public:
  explicit Printer(const Config& config) : config_(config) {}

  std::string run() {
    for (const Key& key : keys()) print(key);
    return std::move(out_);
  }

 private:
  void print(const Key& key) {
    const std::string_view name = enter_section_of(key.path);
    out_ += indent_;
    out_ += name;
    out_ += ':';
    Config config = config_;  // members are reached through a Config&
    if (const auto* texts = std::get_if<Member<std::vector<std::string>>>(&key.access)) {
      print_list((*texts)(config));
    } else if (const auto* exec = std::get_if<Member<std::vector<ExecCommand>>>(&key.access)) {
      print_exec((*exec)(config));
    } else {
      print_scalar(key);
    }
  }

  // Writes the headings of sections that `path` is the first key of.
  std::string_view enter_section_of(std::string_view path) {
    const size_t dot = path.rfind('.');
    const std::string_view section = dot == std::string_view::npos ? "" : path.substr(0, dot);
    indent_.clear();
    for (size_t begin = 0; begin < section.size();) {
      const size_t end = std::min(section.find('.', begin), section.size());
      if (!is_within(section_, section.substr(0, end))) {
        out_ += fmt::format("{}{}:\n", indent_, section.substr(begin, end - begin));
      }
      indent_ += "  ";
      begin = end + 1;
    }
    section_ = section;
    return path.substr(dot + 1);  // npos + 1 is 0
  }

  void print_scalar(const Key& key) {
    const std::string text = scalar_text(key, config_);
    const bool is_text = std::holds_alternative<Member<std::string>>(key.access) ||
                         std::holds_alternative<Choice>(key.access);
    out_ += ' ';
    out_ += is_text ? quoted(text) : text;
    if (!key.required && text == scalar_text(key, Config{})) out_ += "  # default";
    out_ += '\n';
  }

  void print_list(const std::vector<std::string>& texts) {
    if (texts.empty()) out_ += " []  # default";
    out_ += '\n';
    for (const std::string& text : texts) out_ += fmt::format("{}  - {}\n", indent_, quoted(text));
  }

  void print_exec(const std::vector<ExecCommand>& commands) {
    if (commands.empty()) out_ += " []  # default";
    out_ += '\n';
    for (const ExecCommand& command : commands) {
      out_ += fmt::format("{}  - cmd: {}\n", indent_, quoted(command.cmd));
      if (command.if_candidate) out_ += fmt::format("{}    if-candidate: true\n", indent_);
      if (command.if_primary) out_ += fmt::format("{}    if-primary: true\n", indent_);
      if (command.shell) out_ += fmt::format("{}    shell: true\n", indent_);
    }
  }

  const Config& config_;
  std::string out_;
  std::string indent_;
  std::string_view section_;  // of the key before
};

}  // namespace

std::string print(const Config& config) {
  return Printer(config).run();
}

}  // namespace skerry::config
