// Any text that a client sends as its token: it is refused, or it is one that we would have
// written. The content is signed here, so that the fuzzer gets past the signature.
#include <string>

#include "proxy/base64url.h"
#include "proxy/session_token.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace skerry;
  using namespace skerry::proxy;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const DbKey plain = db_key("db");
  (void)decode(text, "secret", plain);
  if (const auto raw = base64url_decode(text)) INVARIANT(base64url_encode(*raw) == text);

  skerry::fuzz::Decisions decisions(skerry::fuzz::view(data, size));
  Token token{Epoch(decisions.word()), {}};
  std::vector<DbPosition> positions;
  uint64_t key = 0;
  while (!decisions.empty() && token.marks.size() < 64) {
    key += uint64_t{1} + decisions.word();
    token.marks.push_back({DbKey(key), Txid(decisions.word())});
    positions.push_back({DbKey(key), Txid(decisions.byte()), Epoch(decisions.byte())});
  }
  const std::string written = encode(token, "secret");
  INVARIANT(decode(written, "secret", plain) == token);
  INVARIANT(!decode(written, "other", plain));
  const Token next = advanced(token, positions, Epoch(decisions.word()), false);
  INVARIANT(standing(next, positions, Tracked{true, {}}) != Standing::kNone || next.marks.empty());
  for (size_t i = 0; i < token.marks.size(); ++i) {
    INVARIANT(next.marks[i].txid >= token.marks[i].txid);  // nobody goes back
  }
  return 0;
}
