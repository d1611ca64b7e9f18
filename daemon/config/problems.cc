#include "daemon/config/problems.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace skerry::config {

std::string Problems::located(uint32_t line, std::string_view text) const {
  if (line == 0) return fmt::format("{}: {}", source_, text);
  return fmt::format("{}:{}: {}", source_, line, text);
}

void Problems::error(uint32_t line, std::string_view text) {
  if (errors_.size() < kErrorsMax) {
    errors_.push_back(located(line, text));
  } else {
    ++errors_left_out_;
  }
}

void Problems::warning(uint32_t line, std::string_view text) {
  if (warnings_.size() < kWarningsMax) warnings_.push_back(located(line, text));
}

Status Problems::status() const {
  if (errors_.empty()) return {};
  std::string message = fmt::format("{}", fmt::join(errors_, "\n"));
  if (errors_left_out_ > 0) message += fmt::format("\nand {} more", errors_left_out_);
  for (const std::string& warning : warnings_) message += "\nwarning: " + warning;
  return fail(Errc::kInvalid, std::move(message));
}

}  // namespace skerry::config
