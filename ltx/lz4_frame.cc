#include "ltx/lz4_frame.h"

#include <fmt/format.h>
#include <lz4frame.h>

#include <array>

namespace skerry::ltx {

struct Lz4Frame::Context {
  LZ4F_dctx* raw = nullptr;

  Context() = default;
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() { LZ4F_freeDecompressionContext(raw); }
};

Lz4Frame::Lz4Frame() = default;
Lz4Frame::~Lz4Frame() = default;

Status Lz4Frame::begin() {
  if (context_) {
    LZ4F_resetDecompressionContext(context_->raw);
  } else {
    auto context = std::make_unique<Context>();
    if (LZ4F_isError(LZ4F_createDecompressionContext(&context->raw, LZ4F_VERSION))) {
      return fail(Errc::kIo, "LZ4: no memory for a decompression context");
    }
    context_ = std::move(context);
  }
  due_ = 1;
  return {};
}

Result<size_t> Lz4Frame::read(BufferedInput& input, ByteSpan into) {
  size_t filled = 0;
  while (due_ != 0 && filled < into.size()) {
    TRY_ASSIGN(const ByteView ahead, input.peek());
    size_t in_bytes = std::min(ahead.size(), due_);
    size_t out_bytes = into.size() - filled;
    due_ =
        LZ4F_decompress(context_->raw, &into[filled], &out_bytes, ahead.data(), &in_bytes, nullptr);
    const bool stuck = in_bytes == 0 && out_bytes == 0;
    if (LZ4F_isError(due_) || stuck) {
      return fail(Errc::kCorrupt,
                  fmt::format("LTX file: damaged LZ4 frame at byte {}", input.bytes()));
    }
    input.skip(in_bytes);
    filled += out_bytes;
  }
  return filled;
}

Status Lz4Frame::end(BufferedInput& input) {
  std::array<std::byte, 1> more;
  TRY_ASSIGN(const size_t n, read(input, more));
  if (n == 0) return {};
  return fail(Errc::kCorrupt,
              fmt::format("LTX file: LZ4 frame too long at byte {}", input.bytes()));
}

}  // namespace skerry::ltx
