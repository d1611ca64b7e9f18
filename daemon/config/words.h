// Splits a command line into words without a shell.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ltx/base/result.h"

namespace skerry::config {

// Spaces separate words; '…' and "…" keep them together; a backslash takes the next character as
// it is, except within '…'. What only a shell would understand (an unquoted ; & | < > ( ) or
// backtick, and $( ) is kInvalid, as is an unterminated quote: the message says what to do.
[[nodiscard]] Result<std::vector<std::string>> split_words(std::string_view command);

// The inverse, for messages: words with spaces or special characters get quotation marks.
[[nodiscard]] std::string join_words(const std::vector<std::string>& words);

}  // namespace skerry::config
