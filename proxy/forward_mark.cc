#include "proxy/forward_mark.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <charconv>

#include "proxy/base64url.h"

namespace skerry::proxy {
namespace {

constexpr size_t kProofBytes = 18;

std::string proof_of(std::string_view hops_and_from, std::string_view method,
                     std::string_view target, std::string_view secret) {
  const std::string content = fmt::format("{}\n{}\n{}", hops_and_from, method, target);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned bytes = 0;
  ::HMAC(::EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
         reinterpret_cast<const unsigned char*>(content.data()), content.size(), digest.data(),
         &bytes);
  return base64url_encode({reinterpret_cast<const char*>(digest.data()), kProofBytes});
}

}  // namespace

std::string make_mark(unsigned hops, std::string_view from, std::string_view method,
                      std::string_view target, std::string_view secret) {
  std::string mark = fmt::format("{};{}", hops, from);
  if (!secret.empty()) mark += ";" + proof_of(mark, method, target, secret);
  return mark;
}

std::optional<ForwardMark> parse_mark(std::string_view text, std::string_view method,
                                      std::string_view target, std::string_view secret) {
  ForwardMark mark;
  const char* end = text.data() + text.size();
  const auto [after, error] = std::from_chars(text.data(), end, mark.hops);
  if (error != std::errc() || after == end || *after != ';') return std::nullopt;
  const size_t from = static_cast<size_t>(after - text.data()) + 1;
  const size_t last = text.find(';', from);
  mark.from = text.substr(from, last - from);
  if (last == std::string_view::npos || secret.empty()) return mark;
  const std::string_view given = text.substr(last + 1);
  const std::string proof = proof_of(text.substr(0, last), method, target, secret);
  mark.proven = given.size() == proof.size() &&
                ::CRYPTO_memcmp(given.data(), proof.data(), proof.size()) == 0;
  return mark;
}

}  // namespace skerry::proxy
