#include "daemon/db/litefs_folder.h"

#include <fmt/format.h>

#include <algorithm>

#include "ltx/byte_source.h"
#include "ltx/format1/decoder.h"

namespace skerry::db {
namespace {

class FileSource final : public ltx::ByteSource {
 public:
  explicit FileSource(os::File& file) : file_(file) {}
  Result<size_t> read(ByteSpan into) override {
    TRY_ASSIGN(const size_t n, file_.read_at(os::Site("adopt:read"), at_, into));
    at_ += n;
    return n;
  }

 private:
  os::File& file_;
  uint64_t at_ = 0;
};

std::optional<Txid> last_txid(std::string_view name) {
  constexpr size_t kNameBytes = 16 + 1 + 16 + 4;
  if (name.size() != kNameBytes || name[16] != '-' || !name.ends_with(".ltx")) return std::nullopt;
  const auto last = parse_hex16(name.substr(17, 16));
  if (!parse_hex16(name.substr(0, 16)) || !last) return std::nullopt;
  return Txid(*last);
}

}  // namespace

Result<std::optional<LitefsState>> read_litefs_state(os::FileSystem& fs,
                                                     const std::string& database_dir) {
  const std::string folder = database_dir + "/ltx";
  if (!os::exists(fs, folder)) return std::nullopt;
  TRY_ASSIGN(const auto entries, fs.list(folder));
  LitefsState state;
  std::string newest;
  for (const os::DirEntry& entry : entries) {
    const auto last = last_txid(entry.name);
    if (!last) continue;
    ++state.files;
    if (*last < state.txid) continue;
    state.txid = *last;
    newest = folder + "/" + entry.name;
  }
  if (state.files == 0) return std::nullopt;
  TRY_ASSIGN(const auto file, fs.open(os::Site("adopt:open"), newest, os::OpenMode::kRead));
  FileSource source(*file);
  ltx::format1::Decoder decoder(source);
  if (const auto verified = ltx::verify(decoder)) {
    state.header = verified->header;
    state.post_apply = verified->trailer.post_apply_checksum;
  }
  return state;
}

Result<std::string> set_aside_litefs_files(os::FileSystem& fs, const std::string& database_dir,
                                           Txid newest) {
  const std::string aside = fmt::format("{}/ltx-litefs-{}", database_dir, to_string(newest));
  TRY(fs.rename(os::Site("adopt:set-aside"), database_dir + "/ltx", aside));
  TRY(fs.sync_directory(os::Site("adopt:set-aside"), database_dir));
  return aside;
}

}  // namespace skerry::db
