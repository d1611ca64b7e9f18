// Numbers and texts as frames hold them: unsigned LEB128, zigzag for signed numbers, 8 bytes
// big-endian for identities and checksums, texts with their length in front.
#pragma once

#include <string>
#include <string_view>

#include "ltx/base/bytes.h"
#include "ltx/base/types.h"
#include "ltx/varint.h"

namespace skerry::replication {

class WireWriter {
 public:
  explicit WireWriter(Bytes& out) : out_(out) {}  // appended to; must outlive the writer

  void byte(uint8_t value) { out_.push_back(std::byte{value}); }
  void number(uint64_t value) { ltx::append_varint(out_, value); }
  void signed_number(int64_t value) {
    const auto bits = static_cast<uint64_t>(value);
    number(bits << 1 ^ (value < 0 ? ~uint64_t{0} : 0));
  }
  void fixed64(uint64_t value) {
    const size_t at = out_.size();
    out_.resize(at + sizeof value);
    store_be64(&out_[at], value);
  }
  void text(std::string_view value) {
    number(value.size());
    append(out_, as_bytes(value));
  }
  void bytes(ByteView value) { append(out_, value); }

 private:
  Bytes& out_;
};

// Reads from untrusted bytes. After the first thing that does not fit, everything reads as zero and
// ok() is false; so a decoder reads all fields and looks once.
class WireReader {
 public:
  explicit WireReader(ByteView payload) : rest_(payload) {}

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  void refuse() { ok_ = false, rest_ = {}; }

  uint8_t byte() {
    const ByteView one = bytes(1);
    return one.empty() ? uint8_t{0} : std::to_integer<uint8_t>(one[0]);
  }
  uint64_t number() {
    if (const auto value = ltx::take_varint(rest_); value && ok_) return *value;
    refuse();
    return 0;
  }
  // A number that must not exceed `max`.
  uint64_t number(uint64_t max) {
    const uint64_t value = number();
    if (value <= max) return value;
    refuse();
    return 0;
  }
  uint32_t word() { return static_cast<uint32_t>(number(UINT32_MAX)); }
  int64_t signed_number() {
    const uint64_t bits = number();
    return static_cast<int64_t>(bits >> 1 ^ ((bits & 1) != 0 ? ~uint64_t{0} : 0));
  }
  uint64_t fixed64() {
    const ByteView raw = bytes(sizeof(uint64_t));
    return raw.empty() ? 0 : load_be64(raw.data());
  }
  // Borrowed from the payload.
  std::string_view text(size_t bytes_max) { return as_text(bytes(number(bytes_max))); }
  ByteView bytes(uint64_t n) {
    if (!ok_ || n > rest_.size()) {
      refuse();
      return {};
    }
    const ByteView taken = rest_.first(n);
    rest_ = rest_.subspan(n);
    return taken;
  }
  ByteView rest() { return bytes(rest_.size()); }

 private:
  ByteView rest_;
  bool ok_ = true;
};

}  // namespace skerry::replication
