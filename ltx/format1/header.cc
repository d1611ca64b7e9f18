#include "ltx/format1/header.h"

#include <fmt/format.h>

namespace skerry::ltx::format1 {

static constexpr uint32_t kFlagLz4 = 1u << 0;
static constexpr size_t kFlagsAt = 4;
static constexpr size_t kEpochAt = 80;

Result<FileHeader> decode_header(ByteView bytes) {
  if (bytes.size() < kHeaderBytes) {
    return fail(Errc::kCorrupt,
                fmt::format("LTX header: {} of {} bytes", bytes.size(), kHeaderBytes));
  }
  const uint32_t flags = load_be32(&bytes[kFlagsAt]);
  if ((flags & ~kFlagLz4) != 0) {
    return fail(Errc::kCorrupt, fmt::format("LTX header: unknown flags {:#010x}", flags));
  }
  std::array<std::byte, kHeaderBytes> as_version3;
  std::copy_n(bytes.begin(), kHeaderBytes, as_version3.begin());
  store_be32(&as_version3[kFlagsAt], 0);
  store_be64(&as_version3[kEpochAt], 0);
  FileHeader result;
  TRY_ASSIGN(result.header, ltx::decode_header(as_version3));
  result.compressed = flags != 0;
  return result;
}

}  // namespace skerry::ltx::format1
