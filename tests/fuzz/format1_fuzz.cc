// LTX files of format version 1. What decodes can be written in version 3.
#include "ltx/format1/decoder.h"

#include "tests/fuzz/decoded.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace skerry;
  ltx::MemorySource source(fuzz::view(data, size));
  ltx::format1::Decoder decoder(source);
  const auto decoded = fuzz::decode(decoder);
  INVARIANT(decoder.bytes() <= size);
  if (!decoded) return 0;
  INVARIANT(decoder.bytes() == size);
  fuzz::check_round_trip(*decoded);
  return 0;
}
