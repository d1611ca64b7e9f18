#include "daemon/app/cli/flag_words.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/config/suggest.h"

namespace skerry::app {
namespace {

bool is_flag(std::string_view arg) {
  return arg.size() > 1 && arg.front() == '-';
}

// "--x=v" → {x, v}
Flag split_flag(std::string_view arg) {
  arg.remove_prefix(arg.starts_with("--") ? 2 : 1);
  const size_t equals = arg.find('=');
  if (equals == std::string_view::npos) return {std::string(arg), std::nullopt};
  return {std::string(arg.substr(0, equals)), std::string(arg.substr(equals + 1))};
}

std::unexpected<Error> unknown(const Flag& flag, std::span<const KnownFlag> known) {
  std::vector<std::string_view> names;
  for (const KnownFlag& one : known) names.push_back(one.name);
  const std::string meant = config::nearest(flag.name, names);
  return fail(Errc::kInvalid,
              meant.empty()
                  ? fmt::format("-{} is not a flag; leave it out", flag.name)
                  : fmt::format("-{} is not a flag; did you mean -{}?", flag.name, meant));
}

}  // namespace

Result<FlagWords> split_flags(const std::vector<std::string>& args,
                              std::span<const KnownFlag> known) {
  FlagWords words;
  const auto dashes = std::ranges::find(args, "--");
  if (dashes != args.end()) words.after_dashes.emplace(dashes + 1, args.end());
  for (auto arg = args.begin(); arg != dashes; ++arg) {
    if (!is_flag(*arg)) {
      words.operands.push_back(*arg);
      continue;
    }
    Flag flag = split_flag(*arg);
    const auto declared = std::ranges::find(known, flag.name, &KnownFlag::name);
    if (declared == known.end()) return unknown(flag, known);
    const bool text = declared->kind == FlagKind::kText;
    if (text && !flag.value && arg + 1 != dashes) flag.value = *++arg;
    if (flag.value.value_or(text ? "" : "true").empty()) {
      return fail(Errc::kInvalid, fmt::format("-{0} has no value; write -{0}={1}", flag.name,
                                              text ? "VALUE" : "true"));
    }
    words.flags.push_back(std::move(flag));
  }
  return words;
}

}  // namespace skerry::app
