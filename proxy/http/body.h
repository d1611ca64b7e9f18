// Where a message's body ends: counts a body through, in whatever pieces it comes. Pure.
//
// Chunked bodies are checked as strictly as heads (CR LF only, bounded extensions and trailers, no
// framing or routing fields in trailers) and then passed on as they are, byte for byte.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/http/head.h"

namespace skerry::proxy {

class BodyReader {
 public:
  BodyReader() = default;
  explicit BodyReader(Framing framing);

  // How many bytes at the front of `input` belong to the body; complete() and bad() say what that
  // means. With `payload`, what they carry is appended there, without the framing.
  [[nodiscard]] size_t take(std::string_view input, std::string* payload = nullptr);

  [[nodiscard]] bool complete() const { return state_ == State::kComplete; }
  [[nodiscard]] bool bad() const { return state_ == State::kBad; }
  // Of a body that ends with its connection: it has.
  void end_of_stream();

  [[nodiscard]] BodyKind kind() const { return kind_; }
  [[nodiscard]] uint64_t payload_bytes() const { return payload_bytes_; }
  // Of kLength.
  [[nodiscard]] uint64_t remaining() const { return remaining_; }

 private:
  enum class State : uint8_t {
    kData,  // of kLength and kUntilClose, or within a chunk
    kSize,
    kExtension,
    kSizeLf,
    kDataCr,
    kDataLf,
    kTrailer,  // a line of it
    kTrailerLf,
    kComplete,
    kBad,
  };

  size_t take_data(std::string_view input, std::string* payload);
  void take_framing(char c);
  void take_size(char c);
  void end_size_line();
  void end_trailer_line();

  BodyKind kind_ = BodyKind::kNone;
  State state_ = State::kComplete;
  uint8_t size_digits_ = 0;
  uint32_t extension_bytes_ = 0;
  uint32_t trailer_bytes_ = 0;
  uint64_t remaining_ = 0;  // of the body, or of the chunk
  uint64_t payload_bytes_ = 0;
  std::string line_;  // of the trailer
};

}  // namespace skerry::proxy
