// Decompresses one LZ4 frame (source: "LZ4 Frame Format Description", 1.6) from the middle of a
// stream, without taking a byte behind it. LTX's older writers wrap pages in frames: early version
// 3 each page, version 1 all of them. Frames' own checksums are verified. Memory: within LZ4, at
// most twice the largest block that the format has (4 MiB).
#pragma once

#include <memory>

#include "ltx/buffered_input.h"

namespace skerry::ltx {

class Lz4Frame {
 public:
  Lz4Frame();
  ~Lz4Frame();
  Lz4Frame(const Lz4Frame&) = delete;
  Lz4Frame& operator=(const Lz4Frame&) = delete;

  [[nodiscard]] Status begin();
  // Fills `into`; less only where the frame ends. kCorrupt if the frame or the source is damaged.
  [[nodiscard]] Result<size_t> read(BufferedInput& input, ByteSpan into);
  // Takes what is left of the frame, which must have no content.
  [[nodiscard]] Status end(BufferedInput& input);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
  size_t due_ = 0;  // bytes that the frame certainly still has; 0 at its end
};

}  // namespace skerry::ltx
