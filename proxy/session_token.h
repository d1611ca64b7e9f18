// What a client has seen of the databases, as the token that it carries from request to request in
// the cookie __txid or in the header Skerry-Token (PROTOCOL.md draws it). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ltx/base/types.h"
#include "proxy/http/field.h"
#include "proxy/node_view.h"

namespace skerry::proxy {

inline constexpr std::string_view kTokenCookie = "__txid";
inline constexpr std::string_view kTokenHeader = "Skerry-Token";

// A database's history is to be at least here.
struct Mark {
  DbKey key;
  Txid txid;
  friend bool operator==(const Mark&, const Mark&) = default;
};

struct Token {
  Epoch epoch;              // no mark was made in a later one; 0: unknown (LiteFS's form)
  std::vector<Mark> marks;  // in the order of their keys, at most kTokenDatabasesMax
  friend bool operator==(const Token&, const Token&) = default;
};

// `secret` is the cluster's; without one tokens are protected against damage, not against forgery,
// and all that a forged token gets is a wait.
[[nodiscard]] std::string encode(const Token& token, std::string_view secret);

// Nothing if it is not a token of this cluster. LiteFS's form (16 hexadecimal digits) is taken for
// a mark of `plain`, the database that LiteFS would have tracked.
[[nodiscard]] std::optional<Token> decode(std::string_view text, std::string_view secret,
                                          DbKey plain);

// As the request carries it: the header goes before the cookie. Empty: none.
[[nodiscard]] std::string_view token_text(const Fields& fields);

enum class Standing : uint8_t {
  kNone,       // no token, or none that concerns the tracked databases
  kReached,    // everything that it has seen is here
  kAppearing,  // … but applications may not see all of it for another moment
  kBehind,     // not yet
  kLost,       // never: it comes from a branch of the history that lost
};

// Databases that proxies are told to track; `all`: every one that there is.
struct Tracked {
  bool all = false;
  std::vector<DbKey> keys;  // in their order
  [[nodiscard]] bool contains(DbKey key) const;
};

// A mark is lost if the database is past the token's epoch and not as far as the mark: within one
// history, transactions of later epochs have higher numbers.
[[nodiscard]] Standing standing(const Token& token, const std::vector<DbPosition>& positions,
                                const Tracked& tracked);

// What a client has seen after a response from here. Positions replace what the token had if this
// node's word is final (it is the primary) or the token is from a lost branch.
[[nodiscard]] Token advanced(const Token& token, const std::vector<DbPosition>& positions,
                             Epoch epoch, bool final);

}  // namespace skerry::proxy
