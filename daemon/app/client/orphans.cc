// skerry orphans …: lists what was kept, and shows it beside the database of now.

#include <fmt/format.h>

#include <array>
#include <boost/json.hpp>
#include <cstdio>
#include <filesystem>

#include "daemon/admin/json.h"
#include "daemon/app/cli/orphans_commands.h"
#include "daemon/app/client/orphan_databases.h"
#include "daemon/app/client/outcome.h"
#include "daemon/os/posix_file_system.h"
#include "daemon/rows/compare.h"

namespace skerry::app {
namespace {

namespace bj = boost::json;
using cluster::Orphan;
using rows::Difference;

int finish(const Result<std::string>& text) {
  return emit(text ? Output{0, *text, ""} : failure(text.error()));
}

// --- list ----------------------------------------------------------------------------------------

bj::object json_of(const Orphan& orphan) {
  bj::object object = bj::parse(cluster::encode_orphan(orphan)).as_object();
  object.erase("format");
  object["id"] = orphan.id;
  object["path"] = orphan.path;
  object["kept"] = admin::rfc3339(orphan.kept_ms);
  object["bytes"] = orphan.bytes;
  return object;
}

std::string line_of(const Orphan& orphan) {
  return fmt::format(
      "{}\n  {} {}, {} bytes, kept {}\n  from {} to {}\n  {} {} of epoch {}\n", orphan.id,
      orphan.transactions, orphan.is_certain ? "transactions" : "transactions, some perhaps not lost",
      orphan.bytes, admin::rfc3339(orphan.kept_ms),
      orphan.fork ? to_string(*orphan.fork) : "an unknown position", to_string(orphan.end),
      "in their place came the history of", orphan.primary, orphan.primary_epoch.value());
}

Result<std::string> list(const OrphansListCommand& command) {
  os::PosixFileSystem fs;
  TRY_ASSIGN(const std::string dir, data_folder(command.data));
  std::vector<std::string> broken;
  TRY_ASSIGN(const auto all, cluster::list_orphans(fs, dir, &broken));
  for (const std::string& what : broken) std::fprintf(stderr, "WARNING: %s\n", what.c_str());
  if (command.json) {
    bj::array array;
    for (const Orphan& orphan : all) array.push_back(json_of(orphan));
    return bj::serialize(array) + "\n";
  }
  if (all.empty()) return std::string("no orphans: nothing was lost on this node\n");
  std::string text;
  for (const Orphan& orphan : all) text += line_of(orphan);
  return text;
}

// --- show and diff -------------------------------------------------------------------------------

struct Sides {
  Orphan orphan;
  ScratchFolder folder;
  std::string left;
  std::string right;      // empty: there is no such database
  bool is_fork = false;   // the right side is how it was before
};

Status copy_file(const std::string& path, const std::string& to) {
  std::error_code error;
  for (const char* suffix : {"", "-wal"}) {
    if (*suffix != '\0' && !std::filesystem::exists(path + suffix, error)) continue;
    std::filesystem::copy_file(path + suffix, to + suffix, error);
    if (error) return fail_errno(error.value(), "reading " + path);
  }
  return rows::settle(to);
}

template <typename Command>
Result<Sides> both_sides(const Command& command) {
  os::PosixFileSystem fs;
  TRY_ASSIGN(const std::string dir, data_folder(command.data));
  TRY_ASSIGN(Orphan orphan, cluster::find_orphan(fs, dir, command.id));
  TRY_ASSIGN(ScratchFolder folder, ScratchFolder::make());
  const std::string left = folder.path("orphan");
  TRY(rebuild_orphan(fs, orphan, left));
  std::string right = folder.path("other");
  const bool is_fork = !command.present && command.against.empty() && knows_fork(orphan);
  bool exists = true;
  if (!command.against.empty()) {
    TRY(copy_file(command.against, right));
  } else if (is_fork) {
    TRY_ASSIGN(exists, rebuild_fork(fs, orphan, right));
  } else {
    TRY_ASSIGN(exists, copy_present(dir, orphan.database, right));
  }
  if (!is_fork && !command.present && command.against.empty()) {
    std::fputs("what was there before the lost transactions is not known any more; this is how they "
               "differ from the database of now\n",
               stderr);
  }
  if (!exists) right.clear();
  return Sides{std::move(orphan), std::move(folder), left, right, is_fork};
}

std::string summary_line(const rows::TableSummary& table, bool is_fork) {
  const char* words = is_fork ? "{}: {} inserted, {} changed, {} deleted"
                              : "{}: {} only in the orphan, {} different, {} only in the database";
  std::string text = fmt::format(fmt::runtime(words), table.table, table.left_only, table.differing,
                                 table.right_only);
  if (!table.in_left) return text + "; the orphan has no such table\n";
  if (!table.in_right) return text + "; only the orphan has the table\n";
  return text + (table.same_schema ? "\n" : "; the tables are declared differently\n");
}

Result<std::string> show(const OrphansShowCommand& command) {
  TRY_ASSIGN(const Sides sides, both_sides(command));
  TRY_ASSIGN(const auto tables, rows::compare(sides.left, sides.right,
                                              [](const Difference&) { return Status{}; }));
  if (!command.json) {
    std::string text = line_of(sides.orphan);
    for (const auto& table : tables) text += "  " + summary_line(table, sides.is_fork);
    if (tables.empty()) text += "  no row differs\n";
    return text;
  }
  bj::object object = json_of(sides.orphan);
  object["against"] = sides.is_fork ? "fork" : "database";
  bj::array array;
  for (const auto& table : tables) {
    const bool fork = sides.is_fork;
    array.push_back(bj::object{{"table", table.table},
                               {fork ? "inserted" : "onlyInOrphan", table.left_only},
                               {fork ? "changed" : "different", table.differing},
                               {fork ? "deleted" : "onlyInDatabase", table.right_only},
                               {"sameSchema", table.same_schema}});
  }
  object["tables"] = std::move(array);
  return bj::serialize(object) + "\n";
}

// What JSON has no word for is told as SQL has it.
bj::value json_of(const rows::Value& value) {
  if (std::holds_alternative<std::monostate>(value)) return nullptr;
  if (const auto* number = std::get_if<int64_t>(&value)) return *number;
  if (const auto* text = std::get_if<std::string>(&value)) return bj::string(*text);
  return bj::string(rows::sql(value));
}

bj::object json_of(const std::vector<std::string>& columns, const rows::Row& row) {
  bj::object object;
  for (size_t i = 0; i < row.size() && i < columns.size(); ++i) object[columns[i]] = json_of(row[i]);
  return object;
}

std::string json_line(const Difference& d, bool is_fork) {
  constexpr std::array<std::array<const char*, 3>, 2> kKinds = {
      {{"only-in-orphan", "only-in-database", "different"}, {"inserted", "deleted", "changed"}}};
  bj::object object{{"table", d.table},
                    {"change", kKinds[is_fork ? 1 : 0][static_cast<size_t>(d.kind)]}};
  if (d.rowid) object["rowid"] = *d.rowid;
  if (!d.left.empty()) object["orphan"] = json_of(d.left_columns, d.left);
  if (!d.right.empty()) {
    object[is_fork ? "before" : "database"] = json_of(d.right_columns, d.right);
  }
  return bj::serialize(object) + "\n";
}

template <typename Range, typename Write>
std::string joined(const Range& range, const Write& write) {
  std::string text;
  for (const auto& one : range) text += (text.empty() ? "" : ", ") + write(one);
  return text;
}

std::string values(const rows::Row& row) {
  return joined(row, [](const rows::Value& value) { return rows::sql(value); });
}

// A line's end within a value must not end the comment.
std::string comment(const rows::Row& row) {
  std::string text = values(row);
  for (char& c : text) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return text;
}

std::string update_of(const Difference& d, const std::string& table) {
  std::string set;
  for (size_t i = 0; i < d.left.size(); ++i) {
    if (i < d.right.size() && rows::same(d.left[i], d.right[i])) continue;
    set += fmt::format("{}{} = {}", set.empty() ? "" : ", ", rows::quote_name(d.left_columns[i]),
                       rows::sql(d.left[i]));
  }
  return fmt::format("UPDATE {} SET {} WHERE rowid = {};\n", table, set, d.rowid.value_or(0));
}

std::string sql_line(const Difference& d, bool is_fork) {
  const std::string rowid = d.rowid ? fmt::format("rowid {}: ", *d.rowid) : "";
  const std::string table = rows::quote_name(d.table);
  const auto remark = [&](std::string_view what) {
    return fmt::format("-- {} {}: {}({})\n", table, what, rowid, comment(d.right));
  };
  switch (d.kind) {
    case Difference::Kind::kLeftOnly:
      return fmt::format("INSERT INTO {} ({}) VALUES ({});\n", table,
                         joined(d.left_columns, rows::quote_name), values(d.left));
    case Difference::Kind::kRightOnly:
      if (!is_fork) return remark("only in the database");
      if (!d.rowid) return remark("deleted");
      return remark("deleted") +
             fmt::format("DELETE FROM {} WHERE rowid = {};\n", table, *d.rowid);
    case Difference::Kind::kDiffers:
      return remark(is_fork ? "before" : "in the database") + update_of(d, table);
  }
  return "";
}

// Printed as they are found: there may be many.
Result<std::string> diff(const OrphansDiffCommand& command) {
  TRY_ASSIGN(const Sides sides, both_sides(command));
  const auto print = [&](const Difference& difference) -> Status {
    const std::string line = command.json ? json_line(difference, sides.is_fork)
                                          : sql_line(difference, sides.is_fork);
    if (std::fwrite(line.data(), 1, line.size(), stdout) == line.size()) return {};
    return fail(Errc::kCancelled, "nobody reads on");
  };
  TRY_ASSIGN(const auto tables, rows::compare(sides.left, sides.right, print));
  if (command.json) return std::string();
  std::string text;
  for (const auto& table : tables) text += "-- " + summary_line(table, sides.is_fork);
  if (tables.empty()) text = "-- no row differs\n";
  return text;
}

// --- export and drop -----------------------------------------------------------------------------

Result<std::string> write_out(const OrphansExportCommand& command) {
  os::PosixFileSystem fs;
  TRY_ASSIGN(const std::string dir, data_folder(command.data));
  TRY_ASSIGN(const Orphan orphan, cluster::find_orphan(fs, dir, command.id));
  TRY(rebuild_orphan(fs, orphan, command.path));
  return fmt::format("{} is the database {} at {}\n", command.path, orphan.database,
                     to_string(orphan.end));
}

Result<std::string> drop(const OrphansDropCommand& command) {
  os::PosixFileSystem fs;
  TRY_ASSIGN(const std::string dir, data_folder(command.data));
  TRY_ASSIGN(const Orphan orphan, cluster::find_orphan(fs, dir, command.id));
  TRY(cluster::drop_orphan(fs, orphan));
  return fmt::format("{} is gone\n", orphan.id);
}

}  // namespace

int execute(const OrphansListCommand& command) {
  return finish(list(command));
}
int execute(const OrphansShowCommand& command) {
  return finish(show(command));
}
int execute(const OrphansDiffCommand& command) {
  return finish(diff(command));
}
int execute(const OrphansExportCommand& command) {
  return finish(write_out(command));
}
int execute(const OrphansDropCommand& command) {
  return finish(drop(command));
}

}  // namespace skerry::app
