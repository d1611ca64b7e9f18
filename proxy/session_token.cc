#include "proxy/session_token.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>

#include "proxy/base64url.h"
#include "proxy/limits.h"

namespace skerry::proxy {
namespace {

constexpr std::string_view kPrefix = "s1.";
constexpr size_t kKeyBytes = 6;
constexpr size_t kTagBytes = 8;
constexpr uint64_t kKeyMask = (uint64_t{1} << (8 * kKeyBytes)) - 1;
constexpr size_t kVarintBytesMax = 10;

void put_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(0x80 | (value & 0x7f));
  out += static_cast<char>(value);
}

std::optional<uint64_t> take_varint(std::string_view& from) {
  uint64_t value = 0;
  for (size_t i = 0; i < std::min(kVarintBytesMax, from.size()); ++i) {
    const auto byte = static_cast<unsigned char>(from[i]);
    value |= uint64_t{byte & 0x7fu} << (7 * i);
    if (byte >= 0x80) continue;
    if (i + 1 == kVarintBytesMax && byte > 1) return std::nullopt;
    from.remove_prefix(i + 1);
    return value;
  }
  return std::nullopt;
}

void put_key(std::string& out, DbKey key) {
  for (size_t i = kKeyBytes; i-- > 0;) out += static_cast<char>(key.value() >> (8 * i));
}

std::optional<DbKey> take_key(std::string_view& from) {
  if (from.size() < kKeyBytes) return std::nullopt;
  uint64_t value = 0;
  for (size_t i = 0; i < kKeyBytes; ++i) value = value << 8 | static_cast<unsigned char>(from[i]);
  from.remove_prefix(kKeyBytes);
  return DbKey(value);
}

std::string tag_of(std::string_view content, std::string_view secret) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned bytes = 0;
  ::HMAC(::EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
         reinterpret_cast<const unsigned char*>(content.data()), content.size(), digest.data(),
         &bytes);
  return {reinterpret_cast<const char*>(digest.data()), kTagBytes};
}

std::optional<Token> decode_content(std::string_view content) {
  Token token;
  const auto epoch = take_varint(content);
  const auto count = take_varint(content);
  if (!epoch || !count || *count > kTokenDatabasesMax) return std::nullopt;
  token.epoch = Epoch(*epoch);
  for (uint64_t i = 0; i < *count; ++i) {
    const auto key = take_key(content);
    const auto txid = take_varint(content);
    if (!key || !txid) return std::nullopt;
    if (!token.marks.empty() && !(token.marks.back().key < *key)) return std::nullopt;
    token.marks.push_back({*key, Txid(*txid)});
  }
  if (!content.empty()) return std::nullopt;
  return token;
}

const DbPosition* find(const std::vector<DbPosition>& positions, DbKey key) {
  const auto found = std::ranges::lower_bound(positions, key, {}, &DbPosition::key);
  return found == positions.end() || found->key != key ? nullptr : &*found;
}

// A database that a token knows and this node does not is about to be replicated.
Standing standing_of(const Mark& mark, Epoch epoch, const DbPosition* position) {
  if (position == nullptr) return Standing::kBehind;
  if (position->txid > mark.txid) return Standing::kReached;
  if (position->txid == mark.txid) {
    return position->appearing ? Standing::kAppearing : Standing::kReached;
  }
  const bool later = epoch.value() != 0 && position->epoch > epoch;
  return later ? Standing::kLost : Standing::kBehind;
}

// The value of the cookie; empty: it is not among them.
std::string_view cookie_value(std::string_view cookies, std::string_view name) {
  while (!cookies.empty()) {
    const size_t end = std::min(cookies.find(';'), cookies.size());
    const std::string_view pair = trimmed(cookies.substr(0, end));
    cookies.remove_prefix(std::min(end + 1, cookies.size()));
    if (pair.size() > name.size() && pair[name.size()] == '=' && pair.starts_with(name)) {
      return pair.substr(name.size() + 1);
    }
  }
  return {};
}

}  // namespace

// FNV-1a.
DbKey db_key(std::string_view database) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : database) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return DbKey((hash ^ (hash >> (8 * kKeyBytes))) & kKeyMask);
}

std::string encode(const Token& token, std::string_view secret) {
  std::string content;
  put_varint(content, token.epoch.value());
  const size_t count = std::min(token.marks.size(), kTokenDatabasesMax);
  put_varint(content, count);
  for (size_t i = 0; i < count; ++i) {
    put_key(content, token.marks[i].key);
    put_varint(content, token.marks[i].txid.value());
  }
  return std::string(kPrefix) + base64url_encode(content + tag_of(content, secret));
}

std::optional<Token> decode(std::string_view text, std::string_view secret, DbKey plain) {
  if (const auto txid = parse_hex16(text)) return Token{Epoch(), {{plain, Txid(*txid)}}};
  if (text.size() > kTokenTextBytesMax || !text.starts_with(kPrefix)) return std::nullopt;
  const auto raw = base64url_decode(text.substr(kPrefix.size()));
  if (!raw || raw->size() < kTagBytes) return std::nullopt;
  const auto content = std::string_view(*raw).substr(0, raw->size() - kTagBytes);
  const std::string tag = tag_of(content, secret);
  if (::CRYPTO_memcmp(tag.data(), raw->data() + content.size(), kTagBytes) != 0) {
    return std::nullopt;
  }
  return decode_content(content);
}

std::string_view token_text(const Fields& fields) {
  if (const Field* header = find_field(fields, FieldId::kSkerryToken)) return header->value;
  for (const Field& field : fields) {
    if (field.id != FieldId::kCookie) continue;
    if (const auto value = cookie_value(field.value, kTokenCookie); !value.empty()) return value;
  }
  return {};
}

bool Tracked::contains(DbKey key) const {
  return all || std::ranges::binary_search(keys, key);
}

Standing standing(const Token& token, const std::vector<DbPosition>& positions,
                  const Tracked& tracked) {
  Standing worst = Standing::kNone;
  for (const Mark& mark : token.marks) {
    if (!tracked.contains(mark.key)) continue;
    worst = std::max(worst, standing_of(mark, token.epoch, find(positions, mark.key)));
  }
  return worst;
}

Token advanced(const Token& token, const std::vector<DbPosition>& positions, Epoch epoch,
               bool final) {
  Token next;
  next.epoch = std::max(epoch, final ? Epoch() : token.epoch);
  if (!final) next.marks = token.marks;
  for (const DbPosition& position : positions) {
    next.epoch = std::max(next.epoch, position.epoch);
    const auto at = std::ranges::lower_bound(next.marks, position.key, {}, &Mark::key);
    if (at != next.marks.end() && at->key == position.key) {
      at->txid = std::max(at->txid, position.txid);
    } else if (next.marks.size() < kTokenDatabasesMax && position.txid.value() > 0) {
      next.marks.insert(at, {position.key, position.txid});
    }
  }
  return next;
}

}  // namespace skerry::proxy
