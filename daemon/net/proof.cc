#include "daemon/net/proof.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace skerry::net {
namespace {

constexpr size_t kNonceDigits = 32;
constexpr size_t kDigestDigits = 64;

std::string hex(const unsigned char* bytes, size_t n) {
  std::string text;
  for (size_t i = 0; i < n; ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

bool is_hex(std::string_view text, size_t digits) {
  return text.size() == digits && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// With its length, so that no two lists of fields look alike.
void add_field(std::string& to, std::string_view field) {
  to += fmt::format("{}:{}\n", field.size(), field);
}

std::string mac(std::string_view secret, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned bytes = 0;
  ::HMAC(::EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
         reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data(), &bytes);
  return hex(out.data(), bytes);
}

}  // namespace

struct Digest::State {
  EVP_MD_CTX* context = ::EVP_MD_CTX_new();
  ~State() { ::EVP_MD_CTX_free(context); }
};

Digest::Digest() : state_(std::make_unique<State>()) {
  if (state_->context == nullptr ||
      ::EVP_DigestInit_ex(state_->context, ::EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("OpenSSL has no SHA-256");
  }
}
Digest::~Digest() = default;
Digest::Digest(Digest&&) noexcept = default;

void Digest::add(ByteView data) {
  ::EVP_DigestUpdate(state_->context, data.data(), data.size());
}

std::string Digest::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned bytes = 0;
  ::EVP_DigestFinal_ex(state_->context, out.data(), &bytes);
  return hex(out.data(), bytes);
}

std::string digest_of(ByteView data) {
  Digest digest;
  digest.add(data);
  return digest.finish();
}

std::string make_nonce() {
  std::array<unsigned char, kNonceDigits / 2> bytes{};
  if (::RAND_bytes(bytes.data(), bytes.size()) != 1) {
    throw std::runtime_error("OpenSSL has no random numbers");
  }
  return hex(bytes.data(), bytes.size());
}

bool is_nonce(std::string_view text) {
  return is_hex(text, kNonceDigits);
}

std::string Proof::header() const {
  return fmt::format("{} {} {} {}", client_nonce, server_nonce, body_digest, mac);
}

std::optional<Proof> parse_proof(std::string_view header) {
  std::array<std::string_view, 4> fields;
  for (size_t i = 0; i < fields.size(); ++i) {
    const size_t end = std::min(header.find(' '), header.size());
    fields[i] = header.substr(0, end);
    header.remove_prefix(std::min(end + 1, header.size()));
  }
  const bool good = header.empty() && is_nonce(fields[0]) && is_nonce(fields[1]) &&
                    is_hex(fields[2], kDigestDigits) && is_hex(fields[3], kDigestDigits);
  if (!good) return std::nullopt;
  return Proof{std::string(fields[0]), std::string(fields[1]), std::string(fields[2]),
               std::string(fields[3])};
}

std::string server_mac(std::string_view secret, std::string_view client_nonce,
                       std::string_view server_nonce) {
  std::string text = "skerry server 1\n";
  add_field(text, client_nonce);
  add_field(text, server_nonce);
  return mac(secret, text);
}

std::string call_mac(std::string_view secret, const Proof& proof, std::string_view method,
                     std::string_view path, const Query& query) {
  std::string text = "skerry call 1\n";
  for (const std::string_view field :
       {std::string_view(proof.client_nonce), std::string_view(proof.server_nonce),
        std::string_view(proof.body_digest), method, path}) {
    add_field(text, field);
  }
  for (const auto& [name, value] : query.values()) {
    add_field(text, name);
    add_field(text, value);
  }
  return mac(secret, text);
}

bool same_secret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace skerry::net
