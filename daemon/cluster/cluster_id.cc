#include "daemon/cluster/cluster_id.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>

namespace skerry::cluster {

static constexpr std::string_view kPrefix = "LFSC";
static constexpr size_t kDigits = 16;

bool is_cluster_id(std::string_view text) {
  if (!text.starts_with(kPrefix) || text.size() != kPrefix.size() + kDigits) return false;
  return std::ranges::all_of(text.substr(kPrefix.size()), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
  });
}

std::string make_cluster_id() {
  std::random_device device;
  const uint64_t number = (uint64_t{device()} << 32) | device();
  return fmt::format("{}{:016X}", kPrefix, number);
}

ClusterId::ClusterId(os::FileSystem& fs, const std::string& data_dir)
    : fs_(fs), path_(data_dir + "/clusterid") {}

Status ClusterId::load() {
  constexpr uint64_t kBytesMax = 1024;
  const std::lock_guard lock(mutex_);
  if (!os::exists(fs_, path_)) return {};
  TRY_ASSIGN(const Bytes content, os::read_file(fs_, os::Site("clusterid:read"), path_, kBytesMax));
  std::string_view text = as_text(content);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) {
    text.remove_suffix(1);
  }
  if (!is_cluster_id(text)) {
    return fail(Errc::kCorrupt,
                fmt::format("{} does not hold a cluster id (LFSC and 16 upper-case hexadecimal "
                            "digits); write the id of the cluster into it, or remove the file",
                            path_));
  }
  id_ = text;
  return {};
}

std::string ClusterId::get() const {
  const std::lock_guard lock(mutex_);
  return id_;
}

Status ClusterId::ensure() {
  const std::lock_guard lock(mutex_);
  if (!id_.empty()) return {};
  return save(make_cluster_id());
}

Status ClusterId::adopt(const std::string& id, bool replace) {
  const std::lock_guard lock(mutex_);
  if (id == id_) return {};
  if (!is_cluster_id(id)) {
    return fail(Errc::kInvalid, fmt::format("\"{}\" is no cluster id", id));
  }
  if (!id_.empty() && !replace) {
    return fail(Errc::kInvalid,
                fmt::format("this data folder belongs to the cluster {}, the other node to {}; use "
                            "another lease key, or an empty data folder, or stop this node and run "
                            "\"skerry cluster adopt {}\" to make its data part of that cluster",
                            id_, id, id));
  }
  return save(id);
}

Status ClusterId::save(const std::string& id) {
  TRY(os::write_file_atomically(fs_, os::Site("clusterid:write"), path_, as_bytes(id + "\n")));
  id_ = id;
  return {};
}

}  // namespace skerry::cluster
