#include "daemon/cluster/lease_file.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <charconv>
#include <fstream>

namespace skerry::cluster {

static constexpr uint64_t kBytesMax = 4096;
static constexpr std::string_view kFirstLine = "skerry-lease 1";

LeaseFile::LeaseFile(os::FileSystem& fs, std::string data_dir)
    : fs_(fs), data_dir_(std::move(data_dir)), path_(data_dir_ + "/lease") {}

// A copy of the folder is another folder, and a machine that was started anew another boot.
std::string LeaseFile::here() const {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string boot;
  std::getline(file, boot);
  struct stat folder {};
  if (boot.empty() || ::stat(data_dir_.c_str(), &folder) != 0) return "";
  return fmt::format("{} {}:{}", boot, folder.st_dev, folder.st_ino);
}

Status LeaseFile::load() {
  if (!os::exists(fs_, path_)) return {};
  TRY_ASSIGN(const Bytes content, os::read_file(fs_, os::Site("lease:read"), path_, kBytesMax));
  std::string text;
  for (const std::byte byte : content) text += static_cast<char>(byte);
  if (parse(text)) return {};
  return fail(Errc::kCorrupt,
              fmt::format("{} is not what this program writes there; if this node has lost its "
                          "disk's order, remove the file: the node then learns the epoch from the "
                          "others",
                          path_));
}

Status LeaseFile::parse(std::string_view text) {
  bool is_first = true;
  bool has_epoch = false;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (is_first && line != kFirstLine) return fail(Errc::kCorrupt, "another format");
    is_first = false;
    const size_t space = line.find(' ');
    if (space == std::string_view::npos) continue;
    const std::string_view key = line.substr(0, space);
    const std::string_view value = line.substr(space + 1);
    if (key == "epoch") {
      uint64_t epoch = 0;
      const auto [rest, code] = std::from_chars(value.data(), value.data() + value.size(), epoch);
      has_epoch = code == std::errc{} && rest == value.data() + value.size();
      seen_ = Epoch(epoch);
    } else if (key == "holder") {
      holder_ = NodeId(parse_hex16(value).value_or(0));
    } else if (key == "place") {
      holder_place_ = value;
    }
  }
  return has_epoch ? Status{} : fail(Errc::kCorrupt, "no epoch");
}

std::optional<NodeId> LeaseFile::predecessor() const {
  if (holder_ == NodeId(0) || holder_place_.empty() || holder_place_ != here()) {
    return std::nullopt;
  }
  return holder_;
}

Status LeaseFile::raise(Epoch epoch, std::optional<NodeId> holder) {
  if (epoch <= seen_ && !holder) return {};
  seen_ = std::max(seen_, epoch);
  if (holder) {
    holder_ = *holder;
    holder_place_ = here();
  }
  const std::string text = fmt::format("{}\nepoch {}\nholder {}\nplace {}\n", kFirstLine,
                                       seen_.value(), hex16(holder_.value()), holder_place_);
  return os::write_file_atomically(fs_, os::Site("lease:write"), path_, as_bytes(text));
}

}  // namespace skerry::cluster
