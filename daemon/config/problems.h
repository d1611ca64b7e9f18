// What is wrong with a configuration file, gathered so that one run shows all of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ltx/base/result.h"

namespace skerry::config {

class Problems {
 public:
  // More errors than a person reads at once are counted only.
  static constexpr size_t kErrorsMax = 20;
  static constexpr size_t kWarningsMax = 100;

  explicit Problems(std::string source) : source_(std::move(source)) {}  // the file's name

  // `line` counts from 1; 0: no line is to blame.
  void error(uint32_t line, std::string_view text);
  void warning(uint32_t line, std::string_view text);

  // All errors, one per line, as one kInvalid; the warnings follow, for one of them (a variable
  // that is not set) is often the cause.
  [[nodiscard]] Status status() const;
  [[nodiscard]] std::vector<std::string> take_warnings() { return std::move(warnings_); }

 private:
  [[nodiscard]] std::string located(uint32_t line, std::string_view text) const;

  std::string source_;
  std::vector<std::string> errors_;
  std::vector<std::string> warnings_;
  size_t errors_left_out_ = 0;
};

}  // namespace skerry::config
