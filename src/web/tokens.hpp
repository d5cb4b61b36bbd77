// SPDX-License-Identifier: MIT
// The tokens with which somebody logs in to the web page. Only their hashes are kept: 160 random
// bits need no slow hash. Values, no threads.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace fw::web {

// What its holder may do: ask, or also change what passes.
enum class Role { read, change };

using Digest = std::array<std::uint8_t, 32>;
[[nodiscard]] Digest digest(std::string_view text);  // SHA-256
// 160 random bits as 40 hex digits.
[[nodiscard]] Result<std::string> random_text();

class Tokens {
 public:
  // Of a file's text, as text() writes it; fails on anything else.
  [[nodiscard]] static Result<Tokens> parse(std::string_view text);
  [[nodiscard]] std::string text() const;

  // The new token of the role; the former one is good no more.
  [[nodiscard]] Result<std::string> renew(Role role);
  // None for a wrong token. The time that it takes says nothing about how wrong.
  [[nodiscard]] std::optional<Role> role_of(std::string_view token) const;
  [[nodiscard]] bool has(Role role) const { return of(role).has_value(); }

 private:
  [[nodiscard]] const std::optional<Digest>& of(Role role) const {
    return role == Role::change ? change_ : read_;
  }
  std::optional<Digest> read_, change_;
};

}  // namespace fw::web
