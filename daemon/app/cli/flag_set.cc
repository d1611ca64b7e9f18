#include "daemon/app/cli/flag_set.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "daemon/app/cli/flag_words.h"

namespace skerry::app {

struct FlagSet::Parser {
  CLI::App app;

  Status parse(const std::vector<Flag>& flags) {
    std::vector<std::string> words;
    words.reserve(flags.size());
    for (const Flag& flag : flags) {
      words.push_back(flag.value ? fmt::format("--{}={}", flag.name, *flag.value)
                                 : fmt::format("--{}", flag.name));
    }
    std::ranges::reverse(words);  // the library takes them from the end
    try {
      app.parse(std::move(words));
      return {};
    } catch (const CLI::Error& e) {  // flags and their arity are known: a boolean's value is wrong
      return fail(Errc::kInvalid, fmt::format("{}; write true or false", e.what()));
    }
  }
};

FlagSet::FlagSet(const Usage& usage) : usage_(usage), parser_(std::make_unique<Parser>()) {
  parser_->app.set_help_flag();  // -h is dealt with here
}

FlagSet::~FlagSet() = default;

void FlagSet::text(std::string_view name, std::string& to, std::string_view placeholder,
                   std::string_view help) {
  parser_->app.add_option(fmt::format("--{}", name), to)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  flags_.push_back({std::string(name), std::string(placeholder), std::string(help)});
}

void FlagSet::boolean(std::string_view name, bool& to, std::string_view help) {
  parser_->app.add_flag(fmt::format("--{}", name), to)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  flags_.push_back({std::string(name), "", std::string(help)});
}

void FlagSet::operand(std::string_view placeholder, std::string& to) {
  operands_.emplace_back(placeholder, &to);
}

Result<FlagSet::Outcome> FlagSet::parse(const Words& args) {
  std::vector<KnownFlag> known = {{"h", FlagKind::kBoolean}, {"help", FlagKind::kBoolean}};
  for (const Declared& flag : flags_) {
    known.push_back({flag.name, flag.placeholder.empty() ? FlagKind::kBoolean : FlagKind::kText});
  }
  TRY_ASSIGN(FlagWords words, split_flags(args, known));
  const auto is_help = [](const Flag& flag) { return flag.name == "h" || flag.name == "help"; };
  if (std::ranges::any_of(words.flags, is_help)) return Outcome::kHelpWanted;
  TRY(parser_->parse(words.flags));
  if (after_dashes_ != nullptr) {
    *after_dashes_ = std::move(words.after_dashes);
  } else if (words.after_dashes) {
    std::ranges::copy(*words.after_dashes, std::back_inserter(words.operands));
  }
  TRY(take_operands(std::move(words.operands)));
  return Outcome::kParsed;
}

Status FlagSet::take_operands(Words operands) {
  if (operands.size() > operands_.size()) {
    const std::string_view advice =
        after_dashes_ != nullptr ? "write \"--\" before the command to run" : "leave it out";
    return fail(Errc::kInvalid, fmt::format("\"{}\" is one argument too many; {}",
                                            operands[operands_.size()], advice));
  }
  for (size_t i = 0; i < operands_.size(); ++i) {
    const auto& [placeholder, to] = operands_[i];
    if (i >= operands.size() || operands[i].empty()) {
      return fail(Errc::kInvalid,
                  fmt::format("{} is missing; write it after the flags", placeholder));
    }
    *to = std::move(operands[i]);
  }
  return {};
}

std::string FlagSet::usage(std::string_view program) const {
  std::string text = fmt::format("Usage: {} {} {}", program, usage_.command, usage_.operands);
  text.erase(text.find_last_not_of(' ') + 1);
  text += fmt::format("\n\n{}\n", usage_.about);
  if (!flags_.empty()) text += "\nFlags:\n";
  for (const Declared& flag : flags_) {
    const std::string left = fmt::format("-{} {}", flag.name, flag.placeholder);
    text += fmt::format("  {:<28}{}\n", left, flag.help);
  }
  return text;
}

}  // namespace skerry::app
