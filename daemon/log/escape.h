// Makes any bytes fit for one line of UTF-8: names of databases and messages of other programs may
// hold line ends, control characters or bytes of another encoding.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace skerry::log {

// Appends `text` to `out`. Control characters become \n, \r, \t or \xNN, bytes that are not UTF-8
// \xNN. What exceeds `bytes_max` is cut at a character's end and replaced by "…".
void append_printable(std::string& out, std::string_view text, size_t bytes_max);

// The same for a place where a quotation mark or a backslash would mislead: these get a backslash.
void append_quotable(std::string& out, std::string_view text, size_t bytes_max);

// Replaces only what is not UTF-8, for JSON, which escapes the rest itself.
void append_utf8(std::string& out, std::string_view text, size_t bytes_max);

}  // namespace skerry::log
