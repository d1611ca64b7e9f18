// What a log line carries beside its message: named values. Text is borrowed, not copied: a Field
// lives no longer than the call that it is an argument of.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace skerry::log {

// Units belong into the field's name: {"wait_ms", 12}. The constructors are implicit, so that a
// call reads as a list of names and values.
class Value {
 public:
  using Variant = std::variant<std::string_view, int64_t, uint64_t, double, bool>;

  Value(std::string_view text) : value_(text) {}
  Value(const std::string& text) : value_(std::string_view(text)) {}
  Value(const char* text) : value_(std::string_view(text)) {}
  Value(bool truth) : value_(truth) {}
  Value(double number) : value_(number) {}
  template <std::signed_integral T>
  Value(T number) : value_(int64_t{number}) {}
  template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>)
  Value(T number) : value_(uint64_t{number}) {}

  [[nodiscard]] const Variant& get() const { return value_; }

 private:
  Variant value_;
};

struct Field {
  std::string_view name;  // snake_case, and the same wherever the same thing is meant
  Value value;
};

}  // namespace skerry::log
