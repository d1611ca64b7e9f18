#include "proxy/http/body.h"

#include <algorithm>
#include <limits>

#include "proxy/limits.h"

namespace skerry::proxy {
namespace {

constexpr uint8_t kSizeDigitsMax = 15;  // far past every disk, far from an overflow

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_text(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return c == '\t' || (byte >= 0x20 && byte != 0x7f);
}

}  // namespace

BodyReader::BodyReader(Framing framing) : kind_(framing.kind) {
  switch (framing.kind) {
    case BodyKind::kNone:
      break;
    case BodyKind::kLength:
      remaining_ = framing.length;
      state_ = State::kData;
      break;
    case BodyKind::kChunked:
      state_ = State::kSize;
      break;
    case BodyKind::kUntilClose:
      remaining_ = std::numeric_limits<uint64_t>::max();
      state_ = State::kData;
      break;
  }
}

void BodyReader::end_of_stream() {
  if (kind_ == BodyKind::kUntilClose && state_ == State::kData) state_ = State::kComplete;
}

size_t BodyReader::take(std::string_view input, std::string* payload) {
  size_t at = 0;
  while (at < input.size() && !complete() && !bad()) {
    if (state_ == State::kData) {
      at += take_data(input.substr(at), payload);
    } else {
      take_framing(input[at++]);
    }
  }
  return at;
}

size_t BodyReader::take_data(std::string_view input, std::string* payload) {
  const size_t n = static_cast<size_t>(std::min<uint64_t>(remaining_, input.size()));
  if (payload != nullptr) payload->append(input.substr(0, n));
  payload_bytes_ += n;
  if (kind_ == BodyKind::kUntilClose) return n;
  remaining_ -= n;
  if (remaining_ == 0) state_ = kind_ == BodyKind::kLength ? State::kComplete : State::kDataCr;
  return n;
}

void BodyReader::take_framing(char c) {
  switch (state_) {
    case State::kSize:
      return take_size(c);
    case State::kExtension:
      if (c == '\r') {
        state_ = State::kSizeLf;
      } else if (!is_text(c) || ++extension_bytes_ > kChunkExtensionBytesMax) {
        state_ = State::kBad;
      }
      return;
    case State::kSizeLf:
      if (c != '\n') {
        state_ = State::kBad;
        return;
      }
      return end_size_line();
    case State::kDataCr:
      state_ = c == '\r' ? State::kDataLf : State::kBad;
      return;
    case State::kDataLf:
      state_ = c == '\n' ? State::kSize : State::kBad;
      return;
    case State::kTrailer:
      if (c == '\r') {
        state_ = State::kTrailerLf;
      } else if (++trailer_bytes_ > kTrailerBytesMax) {
        state_ = State::kBad;
      } else {
        line_ += c;
      }
      return;
    case State::kTrailerLf:
      if (c != '\n') {
        state_ = State::kBad;
        return;
      }
      return end_trailer_line();
    case State::kData:
    case State::kComplete:
    case State::kBad:
      return;
  }
}

void BodyReader::take_size(char c) {
  if (const int digit = hex_digit(c); digit >= 0) {
    if (++size_digits_ > kSizeDigitsMax) state_ = State::kBad;
    remaining_ = remaining_ * 16 + static_cast<unsigned>(digit);
  } else if (size_digits_ == 0) {
    state_ = State::kBad;
  } else if (c == '\r') {
    state_ = State::kSizeLf;
  } else if (c == ';') {
    state_ = State::kExtension;
  } else {
    state_ = State::kBad;
  }
}

void BodyReader::end_size_line() {
  state_ = remaining_ > 0 ? State::kData : State::kTrailer;
  size_digits_ = 0;
  extension_bytes_ = 0;
}

void BodyReader::end_trailer_line() {
  if (line_.empty()) {
    state_ = State::kComplete;
  } else {
    state_ = valid_trailer(line_) ? State::kTrailer : State::kBad;
    line_.clear();
  }
}

}  // namespace skerry::proxy
