#include "daemon/fusefs/names.h"

#include <algorithm>

namespace skerry::fusefs {

// "-mj", six hexadecimal digits, "9", two more (SQLite's pager_write_super_journal name).
static bool is_super_journal(std::string_view name) {
  constexpr size_t kSuffixBytes = 12;
  if (name.size() <= kSuffixBytes) return false;
  const std::string_view suffix = name.substr(name.size() - kSuffixBytes);
  const auto is_hex = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
  };
  return suffix.starts_with("-mj") && std::ranges::all_of(suffix.substr(3), is_hex);
}

ParsedName parse_name(std::string_view name) {
  if (name == ".primary") return {NameKind::kPrimary, {}, {}};
  if (name == ".lag") return {NameKind::kLag, {}, {}};
  const auto base = [name](size_t suffix_bytes) {
    return std::string(name.substr(0, name.size() - suffix_bytes));
  };
  const auto ends = [name](std::string_view suffix) {
    return name.size() > suffix.size() && name.ends_with(suffix);
  };
  for (const auto kind : {db::FileKind::kJournal, db::FileKind::kWal, db::FileKind::kShm}) {
    if (ends(suffix(kind))) return {NameKind::kFile, kind, base(suffix(kind).size())};
  }
  if (ends("-pos")) return {NameKind::kPosition, {}, base(4)};
  if (ends("-lock")) return {NameKind::kLock, {}, base(5)};
  if (is_super_journal(name)) return {NameKind::kSuperJournal, {}, base(12)};
  return {NameKind::kFile, db::FileKind::kDatabase, std::string(name)};
}

}  // namespace skerry::fusefs
