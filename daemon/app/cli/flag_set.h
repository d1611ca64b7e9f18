// The flags of one command: declared once, then parsed into the command's options and printed as
// its usage. Only flag_set.cc knows the library that does the parsing.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ltx/base/result.h"

namespace skerry::app {

// What a command says of itself.
struct Usage {
  std::string_view command;   // "config check"
  std::string_view operands;  // "[flags] -name DB PATH"
  std::string_view summary;   // one line for the list of commands
  std::string_view about;     // a paragraph or two
};

class FlagSet {
 public:
  using Words = std::vector<std::string>;

  explicit FlagSet(const Usage& usage);
  ~FlagSet();
  FlagSet(FlagSet&&) = delete;

  // All that `to` refers to must outlive the set. Names are without dashes.
  void text(std::string_view name, std::string& to, std::string_view placeholder,
            std::string_view help);
  void boolean(std::string_view name, bool& to, std::string_view help);
  void operand(std::string_view placeholder, std::string& to);  // required
  void command_after_dashes(std::optional<Words>& to) { after_dashes_ = &to; }

  enum class Outcome { kParsed, kHelpWanted };

  // kInvalid: a usage error, with what to do.
  [[nodiscard]] Result<Outcome> parse(const Words& args);

  // `program` as it was called.
  [[nodiscard]] std::string usage(std::string_view program) const;

 private:
  struct Parser;
  struct Declared {
    std::string name;
    std::string placeholder;  // empty: a boolean
    std::string help;
  };

  [[nodiscard]] Status take_operands(Words operands);

  const Usage usage_;
  std::unique_ptr<Parser> parser_;
  std::vector<Declared> flags_;
  std::vector<std::pair<std::string, std::string*>> operands_;  // placeholder, target
  std::optional<Words>* after_dashes_ = nullptr;
};

}  // namespace skerry::app
