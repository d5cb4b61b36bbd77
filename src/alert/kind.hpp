// SPDX-License-Identifier: MIT
// What alerts are about: the words of the key `on` (config/keys.hpp has them in this order), and
// what each says (docs/alerts.md is held to it by a test).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace fw::alert {

// X(name, word, what it says)
#define FW_ALERT_KINDS(X)                                                              \
  X(attack, "attack", "an attack began")                                               \
  X(vector, "vector", "something came to an attack that goes on")                      \
  X(end, "end", "an attack is over")                                                   \
  X(degraded, "degraded", "status has a problem that it did not have")                 \
  X(healthy, "healthy", "status has no problem any more")                              \
  X(refused, "refused", "a configuration was refused or failed; the former one holds") \
  X(lists, "lists", "a list is stale, or entries of it are not in force")

enum class Kind : std::uint8_t {
#define FW_ALERT_KIND_ENUM(name, ...) name,
  FW_ALERT_KINDS(FW_ALERT_KIND_ENUM)
#undef FW_ALERT_KIND_ENUM
      test,  // `floodwall alert test`; goes to every target that was asked for
};

#define FW_ALERT_KIND_WORD(name, word, ...) std::string_view(word),
inline constexpr std::array kKindWords{FW_ALERT_KINDS(FW_ALERT_KIND_WORD) std::string_view("test")};
#undef FW_ALERT_KIND_WORD

[[nodiscard]] constexpr std::string_view word(Kind kind) {
  return kKindWords.at(static_cast<std::size_t>(kind));
}

[[nodiscard]] constexpr std::optional<Kind> kind_named(std::string_view text) {
  for (std::size_t i = 0; i < kKindWords.size(); ++i)
    if (kKindWords.at(i) == text) return static_cast<Kind>(i);
  return std::nullopt;
}

}  // namespace fw::alert
