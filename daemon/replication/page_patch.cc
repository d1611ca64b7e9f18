#include "daemon/replication/page_patch.h"

#include <algorithm>

#include "ltx/varint.h"

namespace skerry::replication {

// Equal bytes between two runs that are cheaper to repeat than to skip: a skip and a length.
static constexpr size_t kGapBytesMin = 3;

static size_t first_difference(ByteView a, ByteView b, size_t at) {
  while (at + 8 <= a.size() && load_le64(&a[at]) == load_le64(&b[at])) at += 8;
  while (at < a.size() && a[at] == b[at]) ++at;
  return at;
}

// Where a run that begins at `at` ends: before the first kGapBytesMin equal bytes.
static size_t run_end(ByteView a, ByteView b, size_t at) {
  size_t end = at + 1;
  for (size_t i = end; i < a.size() && i < end + kGapBytesMin; ++i) {
    if (a[i] != b[i]) end = i + 1;
  }
  return end;
}

bool append_patch(ByteView before, ByteView after, size_t bytes_max, Bytes& out) {
  const size_t start = out.size();
  size_t done = 0;
  for (;;) {
    const size_t at = first_difference(before, after, done);
    if (at == after.size()) return true;
    const size_t end = run_end(before, after, at);
    ltx::append_varint(out, at - done);
    ltx::append_varint(out, end - at);
    append(out, after.subspan(at, end - at));
    done = end;
    if (out.size() - start > bytes_max) {
      out.resize(start);
      return false;
    }
  }
}

bool apply_patch(ByteView patch, ByteSpan page) {
  size_t at = 0;
  while (!patch.empty()) {
    const auto skip = ltx::take_varint(patch);
    const auto bytes = ltx::take_varint(patch);
    if (!skip || !bytes || *skip > page.size() - at || *bytes > page.size() - at - *skip ||
        *bytes > patch.size()) {
      return false;
    }
    at += *skip;
    std::copy_n(patch.begin(), *bytes, page.begin() + static_cast<std::ptrdiff_t>(at));
    at += *bytes;
    patch = patch.subspan(*bytes);
  }
  return true;
}

}  // namespace skerry::replication
