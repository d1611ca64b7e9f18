// Takes a ByteSource apart through one buffer and counts the bytes. Used by the decoders.
#pragma once

#include <memory>

#include "ltx/byte_source.h"

namespace skerry::ltx {

class BufferedInput {
 public:
  // The source must outlive it. `buffer_bytes` > 0 is what one read asks for.
  BufferedInput(ByteSource& source, size_t buffer_bytes);

  // The next `n` bytes in place, until the next call; kCorrupt if the source ends before. The
  // buffer grows to `n`, which the caller has checked against a limit.
  [[nodiscard]] Result<ByteView> take(size_t n);
  // What is buffered, at least one byte; kCorrupt at the end.
  [[nodiscard]] Result<ByteView> peek();
  void skip(size_t n);  // of what peek() gave
  [[nodiscard]] Result<bool> at_end();

  [[nodiscard]] uint64_t bytes() const { return bytes_; }

 private:
  [[nodiscard]] Status fill();  // reads once, behind what is buffered
  void make_room(size_t n);     // for `n` buffered bytes in all

  ByteSource& source_;
  size_t capacity_;
  std::unique_ptr<std::byte[]> buffer_;  // not a vector: it would be zeroed for every small file
  size_t begin_ = 0;
  size_t end_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace skerry::ltx
