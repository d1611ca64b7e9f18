#include "daemon/config/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace skerry::config {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";
constexpr std::string_view kShellOnly = ";&|<>()`";

class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text) {}

  Result<std::vector<std::string>> run() {
    for (; at_ < text_.size(); ++at_) TRY(step(text_[at_]));
    if (quote_) {
      return fail(
          Errc::kInvalid,
          fmt::format("the command has an opening {} without its end; close the quote", *quote_));
    }
    if (escaped_) return fail(Errc::kInvalid, "the command ends in a backslash; remove it");
    end_word();
    return std::move(words_);
  }

 private:
  Status step(char c) {
    if (escaped_) {
      put(c);
      escaped_ = false;
    } else if (c == '\\' && quote_ != '\'') {
      escaped_ = true;
    } else if (quote_) {
      quoted(c);
    } else if (c == '\'' || c == '"') {
      quote_ = c;
      in_word_ = true;  // "" is a word, too
    } else if (kSpaces.contains(c)) {
      end_word();
    } else if (kShellOnly.contains(c)) {
      return shell_only();
    } else {
      put(c);
    }
    return {};
  }

  void quoted(char c) {
    if (quote_ == c) {
      quote_.reset();
    } else {
      put(c);
    }
  }

  void put(char c) {
    word_ += c;
    in_word_ = true;
  }

  void end_word() {
    if (in_word_) words_.push_back(std::move(word_));
    word_.clear();
    in_word_ = false;
  }

  // Names the whole operator ("&&", "$("), for that is what its author looks for.
  [[nodiscard]] Status shell_only() const {
    const bool substitution = text_[at_] == '(' && at_ > 0 && text_[at_ - 1] == '$';
    const size_t begin = substitution ? at_ - 1 : at_;
    size_t end = at_ + 1;
    while (end < text_.size() && text_[end] == text_[at_] && text_[at_] != '(') ++end;
    return fail(
        Errc::kInvalid,
        fmt::format("the command holds an unquoted {}, which only a shell understands; make it "
                    "a list entry with \"shell: true\", or put quotation marks around it",
                    text_.substr(begin, end - begin)));
  }

  std::string_view text_;
  size_t at_ = 0;
  std::optional<char> quote_;
  bool escaped_ = false;
  bool in_word_ = false;
  std::string word_;
  std::vector<std::string> words_;
};

bool is_plain(std::string_view word) {
  constexpr std::string_view kSpecial = " \t\r\n;&|<>()`'\"\\$*?[]#~";
  return !word.empty() && word.find_first_of(kSpecial) == std::string_view::npos;
}

}  // namespace

Result<std::vector<std::string>> split_words(std::string_view command) {
  return Splitter(command).run();
}

std::string join_words(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += ' ';
    if (is_plain(word)) {
      text += word;
      continue;
    }
    text += '"';
    for (const char c : word) {
      if (c == '"' || c == '\\') text += '\\';
      text += c;
    }
    text += '"';
  }
  return text;
}

}  // namespace skerry::config
