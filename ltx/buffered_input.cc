#include "ltx/buffered_input.h"

#include <fmt/format.h>

#include "ltx/base/invariant.h"

namespace skerry::ltx {

BufferedInput::BufferedInput(ByteSource& source, size_t buffer_bytes)
    : source_(source),
      capacity_(buffer_bytes),
      buffer_(std::make_unique_for_overwrite<std::byte[]>(buffer_bytes)) {
  INVARIANT(buffer_bytes > 0);
}

Status BufferedInput::fill() {
  TRY_ASSIGN(const size_t n, source_.read({&buffer_[end_], capacity_ - end_}));
  INVARIANT(n <= capacity_ - end_);
  if (n == 0) {
    return fail(Errc::kCorrupt,
                fmt::format("LTX file ends early, after {} bytes", bytes_ + end_ - begin_));
  }
  end_ += n;
  return {};
}

void BufferedInput::make_room(size_t n) {
  const size_t buffered = end_ - begin_;
  if (n > capacity_) {
    auto bigger = std::make_unique_for_overwrite<std::byte[]>(n);
    std::memcpy(bigger.get(), &buffer_[begin_], buffered);
    buffer_ = std::move(bigger);
    capacity_ = n;
  } else if (begin_ + n > capacity_ || buffered == 0) {
    std::memmove(&buffer_[0], &buffer_[begin_], buffered);
  } else {
    return;
  }
  begin_ = 0;
  end_ = buffered;
}

Result<ByteView> BufferedInput::take(size_t n) {
  if (n > end_ - begin_) {
    make_room(n);
    while (n > end_ - begin_) TRY(fill());
  }
  const ByteView view(&buffer_[begin_], n);
  begin_ += n;
  bytes_ += n;
  return view;
}

Result<ByteView> BufferedInput::peek() {
  if (begin_ == end_) {
    make_room(1);
    TRY(fill());
  }
  return ByteView(&buffer_[begin_], end_ - begin_);
}

void BufferedInput::skip(size_t n) {
  INVARIANT(n <= end_ - begin_);
  begin_ += n;
  bytes_ += n;
}

Result<bool> BufferedInput::at_end() {
  if (begin_ != end_) return false;
  make_room(1);
  TRY_ASSIGN(end_, source_.read({&buffer_[0], capacity_}));
  return end_ == 0;
}

}  // namespace skerry::ltx
