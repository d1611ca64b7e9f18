#include "daemon/fusefs/virtual_file.h"

#include <algorithm>

namespace skerry::fusefs {

Result<Attributes> VirtualFile::attributes() {
  const Content content = make_();
  return Attributes{content.text.size(), content.modified_ns, 0100444, 1};
}

Result<size_t> VirtualFile::read(uint64_t offset, ByteSpan into) {
  const Content content = make_();
  if (offset >= content.text.size()) return size_t{0};
  const ByteView rest = as_bytes(content.text).subspan(offset);
  const size_t n = std::min(rest.size(), into.size());
  std::copy_n(rest.begin(), n, into.begin());
  return n;
}

VirtualFile::Content position_content(const db::Database& database) {
  const db::Database::Info info = database.info();
  return {to_string(info.position) + "\n", info.timestamp_ms * 1'000'000};
}

}  // namespace skerry::fusefs
