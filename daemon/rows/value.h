// A value of a SQLite row, and how it is shown. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace skerry::rows {

struct Blob {
  std::string bytes;
  friend bool operator==(const Blob&, const Blob&) = default;
};
// NULL, INTEGER, REAL, TEXT (any bytes), BLOB.
using Value = std::variant<std::monostate, int64_t, double, std::string, Blob>;
using Row = std::vector<Value>;

// Bit by bit: two NaNs are equal, 1 and 1.0 are not.
[[nodiscard]] bool same(const Value& a, const Value& b);
[[nodiscard]] bool same(const Row& a, const Row& b);

// As SQL has it: NULL, 1, 1.5, 'it''s', x'00ff'. A text with a NUL byte becomes a CAST of a blob.
[[nodiscard]] std::string sql(const Value& value);
[[nodiscard]] std::string quote_name(std::string_view name);

}  // namespace skerry::rows
