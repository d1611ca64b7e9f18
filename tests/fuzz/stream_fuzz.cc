// Frames of a stream: whatever comes is refused or understood, and what is understood is written
// back to what reads as the same.
#include "daemon/replication/frames.h"
#include "tests/fuzz/fuzz.h"

namespace skerry::fuzz {
namespace {

using namespace replication;

void check_again(const Frame& frame) {
  Bytes once;
  append_frame(once, frame);
  ByteView rest = once;
  const auto back = take_frame(rest);
  INVARIANT(back && *back && rest.empty());
  INVARIANT((*back)->index() == frame.index());
  Bytes twice;
  append_frame(twice, **back);
  INVARIANT(once == twice);
}

}  // namespace
}  // namespace skerry::fuzz

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace skerry;
  ByteView message = fuzz::view(data, size);
  for (;;) {
    const auto frame = replication::take_frame(message);
    if (!frame || !*frame) return 0;
    fuzz::check_again(**frame);
  }
}
