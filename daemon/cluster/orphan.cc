#include "daemon/cluster/orphan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "lease/json_fields.h"

namespace skerry::cluster {

namespace bj = boost::json;
namespace json = lease::json;

static constexpr uint64_t kJsonBytesMax = 64 << 10;
static constexpr std::string_view kFormat = "skerry-orphan 1";

std::string orphans_dir(const std::string& data_dir) {
  return data_dir + "/orphans";
}

// --- orphan.json ---------------------------------------------------------------------------------

std::string encode_orphan(const Orphan& orphan) {
  bj::object object;
  object["format"] = kFormat;
  object["database"] = orphan.database;
  if (orphan.fork) object["fork"] = to_string(*orphan.fork);
  object["end"] = to_string(orphan.end);
  object["epoch"] = orphan.epoch.value();
  object["node"] = hex16(orphan.node.value());
  object["hostname"] = orphan.hostname;
  object["primary"] = orphan.primary;
  object["primaryEpoch"] = orphan.primary_epoch.value();
  object["keptMs"] = orphan.kept_ms;
  object["transactions"] = orphan.transactions;
  object["certain"] = orphan.is_certain;
  object["snapshot"] = orphan.has_snapshot;
  object["base"] = orphan.has_base;
  return bj::serialize(object) + "\n";
}

static std::optional<Position> position_of(std::string_view text) {
  if (text.size() != 33 || text[16] != '/') return std::nullopt;
  const auto txid = parse_hex16(text.substr(0, 16));
  const auto checksum = parse_hex16(text.substr(17));
  if (!txid || !checksum) return std::nullopt;
  return Position{Txid(*txid), Checksum(*checksum)};
}

Result<Orphan> decode_orphan(std::string_view text) {
  const auto value = json::parse(text);
  const bj::object* object = value ? value->if_object() : nullptr;
  if (object == nullptr || json::text_at(*object, "format") != kFormat) {
    return fail(Errc::kCorrupt, "not what this version writes there");
  }
  const auto end = position_of(json::text_at(*object, "end"));
  Orphan orphan;
  orphan.database = json::text_at(*object, "database");
  if (!end || orphan.database.empty()) return fail(Errc::kCorrupt, "no database or end position");
  orphan.end = *end;
  orphan.fork = position_of(json::text_at(*object, "fork"));
  orphan.epoch = json::epoch_at(*object);
  orphan.node = NodeId(parse_hex16(json::text_at(*object, "node")).value_or(0));
  orphan.hostname = json::text_at(*object, "hostname");
  orphan.primary = json::text_at(*object, "primary");
  orphan.primary_epoch = Epoch(json::number_at(*object, "primaryEpoch").value_or(0));
  orphan.kept_ms = static_cast<int64_t>(json::number_at(*object, "keptMs").value_or(0));
  orphan.transactions = json::number_at(*object, "transactions").value_or(0);
  orphan.is_certain = json::flag_at(*object, "certain");
  orphan.has_snapshot = json::flag_at(*object, "snapshot");
  orphan.has_base = json::flag_at(*object, "base");
  return orphan;
}

// --- The folder ----------------------------------------------------------------------------------

static Result<Orphan> read_orphan(os::FileSystem& fs, const std::string& dir,
                                  const std::string& id) {
  const std::string path = dir + "/" + id;
  TRY_ASSIGN(const Bytes raw, os::read_file(fs, os::Site("orphan:read"), path + "/" + kOrphanFile,
                                            kJsonBytesMax));
  const std::string_view text(reinterpret_cast<const char*>(raw.data()), raw.size());
  TRY_ASSIGN(Orphan orphan, decode_orphan(text));
  orphan.id = id;
  orphan.path = path;
  TRY_ASSIGN(const auto files, fs.list(path));
  for (const os::DirEntry& file : files) {
    if (const auto info = fs.info(path + "/" + file.name)) orphan.bytes += info->bytes;
  }
  return orphan;
}

Result<std::vector<Orphan>> list_orphans(os::FileSystem& fs, const std::string& data_dir,
                                         std::vector<std::string>* broken) {
  const std::string dir = orphans_dir(data_dir);
  std::vector<Orphan> all;
  if (!os::exists(fs, dir)) return all;
  TRY_ASSIGN(const auto groups, fs.list(dir));
  for (const os::DirEntry& group : groups) {
    if (!group.is_directory || group.name.starts_with('.')) continue;
    TRY_ASSIGN(const auto databases, fs.list(dir + "/" + group.name));
    for (const os::DirEntry& database : databases) {
      const std::string id = group.name + "/" + database.name;
      auto orphan = read_orphan(fs, dir, id);
      if (orphan) {
        all.push_back(*std::move(orphan));
      } else if (broken != nullptr) {
        broken->push_back(fmt::format("{}/{}: {}", dir, id, orphan.error().message()));
      }
    }
  }
  std::ranges::sort(all, {}, [](const Orphan& o) { return std::pair(o.kept_ms, o.id); });
  return all;
}

Result<Orphan> find_orphan(os::FileSystem& fs, const std::string& data_dir,
                           const std::string& id) {
  TRY_ASSIGN(const auto all, list_orphans(fs, data_dir));
  std::vector<std::string> ids;
  for (const Orphan& orphan : all) {
    if (orphan.id == id) return orphan;
    ids.push_back(orphan.id);
  }
  return fail(Errc::kNotFound,
              ids.empty()
                  ? fmt::format("there are no orphans in {}", orphans_dir(data_dir))
                  : fmt::format("there is no orphan {}; there are: {}", id, fmt::join(ids, " ")));
}

// orphan.json goes last but the folder: what is left of an interrupted drop is still listed.
Status drop_orphan(os::FileSystem& fs, const Orphan& orphan) {
  TRY_ASSIGN(const auto files, fs.list(orphan.path));
  for (const os::DirEntry& file : files) {
    if (file.name == kOrphanFile) continue;
    TRY(fs.remove(os::Site("orphan:drop"), orphan.path + "/" + file.name));
  }
  TRY(os::remove_if_exists(fs, os::Site("orphan:drop"), orphan.path + "/" + kOrphanFile));
  TRY(fs.remove_directory(os::Site("orphan:drop"), orphan.path));
  const std::string group = orphan.path.substr(0, orphan.path.rfind('/'));
  TRY_ASSIGN(const auto others, fs.list(group));
  if (!others.empty()) return fs.sync_directory(os::Site("orphan:drop"), group);
  TRY(fs.remove_directory(os::Site("orphan:drop"), group));
  return fs.sync_directory(os::Site("orphan:drop"), group.substr(0, group.rfind('/')));
}

}  // namespace skerry::cluster
