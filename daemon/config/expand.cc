#include "daemon/config/expand.h"

#include <fmt/format.h>

#include <algorithm>

namespace skerry::config {
namespace {

bool is_name_char(char c) {
  return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_name_char);
}

// A shell's special parameters: one character long, and never in the environment.
bool is_special(char c) {
  return std::string_view("*#@!?-0123456789").contains(c);
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\r\n\v\f";
  const size_t first = text.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

std::optional<std::string_view> unquote(std::string_view text) {
  if (text.size() < 2) return std::nullopt;
  const char quote = text.front();
  if ((quote != '"' && quote != '\'') || text.back() != quote) return std::nullopt;
  return text.substr(1, text.size() - 2);
}

class Expander {
 public:
  Expander(std::string_view text, const Environment& environment, Problems& problems)
      : text_(text), environment_(environment), problems_(problems) {}

  std::string run() {
    while (at_ < text_.size() && out_.size() <= kConfigBytesMax) step();
    if (out_.size() > kConfigBytesMax) {
      problems_.error(line_, fmt::format("the file with its variables put in exceeds {} bytes; "
                                         "shorten the variables' values",
                                         kConfigBytesMax));
      out_.clear();
    }
    return std::move(out_);
  }

 private:
  void step() {
    if (at_line_start_ && is_comment_line()) {
      copy_to(text_.find('\n', at_));
    } else if (text_[at_] != '$') {
      copy_to(at_ + 1);
    } else {
      dollar(text_.substr(at_ + 1));
    }
  }

  [[nodiscard]] bool is_comment_line() const {
    const size_t first = text_.find_first_not_of(" \t", at_);
    return first != std::string_view::npos && text_[first] == '#';
  }

  void copy_to(size_t end) {
    const std::string_view piece = text_.substr(at_, end - at_);
    out_ += piece;
    skip_to(std::min(end, text_.size()));
  }

  void skip_to(size_t end) {
    const std::string_view piece = text_.substr(at_, end - at_);
    line_ += static_cast<uint32_t>(std::ranges::count(piece, '\n'));
    at_line_start_ = piece.ends_with('\n');
    at_ = end;
  }

  void dollar(std::string_view rest) {
    if (rest.starts_with('{')) {
      braces(rest.substr(1));
    } else if (rest.starts_with('$')) {
      out_ += '$';
      skip_to(at_ + 2);
    } else if (!rest.empty() && is_special(rest.front())) {
      problems_.warning(line_, fmt::format("${0} names no variable and is left out; write $${0} "
                                           "for a dollar sign",
                                           rest.front()));
      skip_to(at_ + 2);
    } else {
      plain_name(rest);
    }
  }

  void plain_name(std::string_view rest) {
    const auto* end = std::ranges::find_if_not(rest, is_name_char);
    const std::string_view name(rest.begin(), end);
    if (name.empty()) {
      copy_to(at_ + 1);
      return;
    }
    out_ += value_of(name);
    skip_to(at_ + 1 + name.size());
  }

  void braces(std::string_view rest) {
    // An expression ends on its line: a brace further down belongs to something else.
    const size_t end = rest.find_first_of("}\n");
    if (end == std::string_view::npos || rest[end] == '\n') {
      problems_.error(line_, "\"${\" has no \"}\"; close it, or write $${ for a dollar sign");
      skip_to(at_ + 2);
      return;
    }
    out_ += expression(trim(rest.substr(0, end)));
    skip_to(at_ + 3 + end);
  }

  std::string expression(std::string_view body) {
    if (is_name(body)) return value_of(body);
    const size_t name_end =
        static_cast<size_t>(std::ranges::find_if_not(body, is_name_char) - body.begin());
    const std::string_view left = body.substr(0, name_end);
    std::string_view right = trim(body.substr(name_end));
    const bool equal = right.starts_with("==");
    if (left.empty() || (!equal && !right.starts_with("!="))) return malformed(body);
    right = trim(right.substr(2));
    if (const auto literal = unquote(right)) {
      return (lookup(left).value_or("") == *literal) == equal ? "true" : "false";
    }
    if (!is_name(right)) return malformed(body);
    return compare_variables(left, right) == equal ? "true" : "false";
  }

  bool compare_variables(std::string_view left, std::string_view right) {
    const auto a = lookup(left);
    const auto b = lookup(right);
    if (!a && !b) {
      problems_.warning(
          line_, fmt::format("neither {} nor {} is set, so they count as equal; set them, or write "
                             "the value itself",
                             left, right));
    }
    return a.value_or("") == b.value_or("");
  }

  std::string malformed(std::string_view body) {
    problems_.error(line_, fmt::format("${{{}}} is not understood; write ${{NAME}}, ${{NAME == "
                                       "\"text\"}} or ${{NAME == OTHER}}, or $$ for a dollar sign",
                                       body));
    return {};
  }

  std::string value_of(std::string_view name) {
    auto value = lookup(name);
    if (!value) {
      problems_.warning(
          line_,
          fmt::format("the environment variable {} is not set; nothing is put in its place", name));
    }
    return std::move(value).value_or("");
  }

  [[nodiscard]] std::optional<std::string> lookup(std::string_view name) const {
    return environment_(name);
  }

  std::string_view text_;
  const Environment& environment_;
  Problems& problems_;
  std::string out_;
  size_t at_ = 0;
  uint32_t line_ = 1;
  bool at_line_start_ = true;
};

}  // namespace

std::string expand(std::string_view text, const Environment& environment, Problems& problems) {
  return Expander(text, environment, problems).run();
}

}  // namespace skerry::config
