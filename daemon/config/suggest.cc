#include "daemon/config/suggest.h"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <vector>

namespace skerry::config {
namespace {

constexpr size_t kNameBytesMax = 64;  // what is longer is no misspelling

std::string fold(std::string_view name) {
  std::string out(name);
  for (char& c : out) c = c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<uint8_t>(c)));
  return out;
}

// Levenshtein's distance, one row at a time.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string nearest(std::string_view name, std::span<const std::string_view> known) {
  if (name.size() > kNameBytesMax) return {};
  const std::string folded = fold(name);
  std::string_view best;
  // Replacing every letter of a short name would turn it into any other.
  size_t best_distance = std::min(std::max<size_t>(1, name.size() / 3) + 1, name.size());
  for (const std::string_view candidate : known) {
    const size_t edits = distance(folded, fold(candidate));
    if (edits >= best_distance) continue;
    best = candidate;
    best_distance = edits;
  }
  return std::string(best);
}

}  // namespace skerry::config
