// SPDX-License-Identifier: MIT
#include "web/tokens.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>
#include <charconv>
#include <span>

namespace fw::web {
namespace {

constexpr std::string_view kRead = "read ", kChange = "change ";

std::string hex(std::span<const std::uint8_t> bytes) {
  return fmt::format("{:02x}", fmt::join(bytes, ""));
}

bool equal(const Digest& one, const Digest& other) {
  return CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

std::optional<Digest> digest_of(std::string_view digits) {
  Digest out{};
  if (digits.size() != 2 * out.size()) return std::nullopt;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const char* const at = digits.data() + 2 * i;
    const auto [end, error] = std::from_chars(at, at + 2, out[i], 16);
    if (error != std::errc{} || end != at + 2) return std::nullopt;
  }
  return out;
}

}  // namespace

Digest digest(std::string_view text) {
  Digest out{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data());
  return out;
}

Result<std::string> random_text() {
  std::array<std::uint8_t, 20> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    return fail("the system gave no random numbers");
  return hex(bytes);
}

Result<Tokens> Tokens::parse(std::string_view text) {
  Tokens tokens;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const bool change = line.starts_with(kChange);
    const auto hash =
        digest_of(line.substr(std::min(line.size(), change ? kChange.size() : kRead.size())));
    if (!hash || !(change || line.starts_with(kRead)))
      return fail("it is not what floodwall web token wrote");
    (change ? tokens.change_ : tokens.read_) = hash;
  }
  return tokens;
}

std::string Tokens::text() const {
  std::string out;
  if (change_) out += fmt::format("{}{}\n", kChange, hex(*change_));
  if (read_) out += fmt::format("{}{}\n", kRead, hex(*read_));
  return out;
}

Result<std::string> Tokens::renew(Role role) {
  auto token = random_text();
  if (token) (role == Role::change ? change_ : read_) = digest(*token);
  return token;
}

std::optional<Role> Tokens::role_of(std::string_view token) const {
  const Digest given = digest(token);
  const bool change = change_ && equal(*change_, given), read = read_ && equal(*read_, given);
  if (change) return Role::change;
  return read ? std::optional(Role::read) : std::nullopt;
}

}  // namespace fw::web
