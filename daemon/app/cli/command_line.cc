#include "daemon/app/cli/command_line.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "daemon/app/cli/command_list.h"

namespace skerry::app {
namespace {

using Words = std::vector<std::string>;
using Parsed = std::expected<Command, Output>;

std::string program_name(const Words& args) {
  if (args.empty() || args.front().empty()) return "skerry";
  return args.front().substr(args.front().rfind('/') + 1);  // npos + 1 is 0
}

Parsed unknown_command(std::string_view program, std::string_view name) {
  return std::unexpected(Output{
      .exit_code = kExitRunError,
      .out = {},
      .err = fmt::format("ERROR: {0} {1}: unknown command\n\"{0} help\" lists the commands.\n",
                         program, name)});
}

Parsed wrong_use(std::string_view program, std::string_view name, const Error& error) {
  return std::unexpected(
      Output{.exit_code = kExitUsageError,
             .out = {},
             .err = fmt::format("ERROR: {0} {1}: {2}\n\"{0} help {1}\" shows its usage.\n", program,
                                name, error.message())});
}

template <typename C>
Parsed parse_as(const std::string& program, const Words& args) {
  C command;
  FlagSet flags(C::kUsage);
  declare(flags, command);
  const auto outcome = flags.parse(args);
  if (!outcome) return wrong_use(program, C::kUsage.command, outcome.error());
  if (*outcome == FlagSet::Outcome::kHelpWanted) {
    return HelpCommand{program, std::string(C::kUsage.command)};
  }
  if (const Status status = check(command); !status) {
    return wrong_use(program, C::kUsage.command, status.error());
  }
  return command;
}

std::string joined(const Words& words) {
  return fmt::format("{}", fmt::join(words, " "));
}

// Commands of two words begin with these.
bool is_group(std::string_view word) {
  bool found = false;
  for_each_command([&]<typename C>() { found |= C::kUsage.command.starts_with(std::string(word) + " "); });
  return found;
}

// "config" alone, or with a flag, asks how to go on.
Parsed incomplete(const std::string& program, const Words& rest) {
  if (rest.size() > 1 && !rest[1].starts_with('-') && rest[1] != "help") {
    return unknown_command(program, rest[0] + " " + rest[1]);
  }
  return HelpCommand{program, rest[0]};
}

}  // namespace

std::expected<Command, Output> parse_command_line(const std::vector<std::string>& args) {
  const std::string program = program_name(args);
  const Words rest(args.begin() + std::min<ptrdiff_t>(1, std::ssize(args)), args.end());
  if (rest.empty() || rest[0].empty() || rest[0].starts_with('-')) return HelpCommand{program, ""};
  if (rest[0] == "help") return HelpCommand{program, joined({rest.begin() + 1, rest.end()})};

  std::optional<Parsed> parsed;
  for_each_command([&]<typename C>() {
    constexpr std::string_view kName = C::kUsage.command;
    constexpr ptrdiff_t kWords = std::ranges::count(kName, ' ') + 1;
    if (std::ssize(rest) < kWords) return;
    if (joined({rest.begin(), rest.begin() + kWords}) != kName) return;
    parsed = parse_as<C>(program, {rest.begin() + kWords, rest.end()});
  });
  if (parsed) return *std::move(parsed);
  if (is_group(rest[0])) return incomplete(program, rest);
  return unknown_command(program, rest[0]);
}

}  // namespace skerry::app
