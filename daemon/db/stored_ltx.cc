#include "daemon/db/stored_ltx.h"

#include <fmt/format.h>

#include <algorithm>

namespace skerry::db {

Status StoredLtx::read_at(uint64_t offset, ByteSpan into) const {
  if (offset > bytes_ || into.size() > bytes_ - offset) {
    return fail(Errc::kCorrupt, fmt::format("transactions {}-{}: read past their end",
                                            to_string(first_), to_string(last_)));
  }
  TRY_ASSIGN(const size_t n, file_->read_at(os::Site("history:read"), offset_ + offset, into));
  if (n == into.size()) return {};
  return fail(Errc::kCorrupt, fmt::format("transactions {}-{}: their file is cut off",
                                          to_string(first_), to_string(last_)));
}

Result<ltx::Header> StoredLtx::header() const {
  std::array<std::byte, ltx::kHeaderBytes> raw;
  TRY(read_at(0, raw));
  return ltx::decode_header(raw);
}

Result<ltx::Trailer> StoredLtx::trailer() const {
  std::array<std::byte, ltx::kTrailerBytes> raw;
  TRY(read_at(bytes_ - std::min<uint64_t>(bytes_, raw.size()), raw));
  return ltx::decode_trailer(raw);
}

Result<size_t> StoredLtxSource::read(ByteSpan into) {
  const auto n = static_cast<size_t>(std::min<uint64_t>(into.size(), ltx_.bytes() - at_));
  if (n > 0) TRY(ltx_.read_at(at_, into.first(n)));
  at_ += n;
  return n;
}

}  // namespace skerry::db
