// SPDX-License-Identifier: MIT
// The texts of kept rows: JSON objects, read with care, since the file may be older, newer or
// damaged.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/kept_row.hpp"

namespace fw::engine {

// A text as written by this version, another one, or nobody: a member that is missing, of another
// type or out of range has its default.
class KeptText {
 public:
  // None if it is no JSON object.
  [[nodiscard]] static std::optional<KeptText> parse(const KeptRow& row);

  [[nodiscard]] std::int64_t number(const char* name, std::int64_t otherwise = 0) const;
  // From 0 up to `most`.
  [[nodiscard]] std::uint64_t count(const char* name, std::uint64_t most) const;
  [[nodiscard]] double real(const char* name) const;
  [[nodiscard]] bool flag(const char* name) const;
  [[nodiscard]] std::string text(const char* name) const;
  [[nodiscard]] bool has(const char* name) const { return json_.contains(name); }
  // The whole numbers in a list.
  [[nodiscard]] std::vector<std::int64_t> numbers(const char* name) const;
  // The objects in a list.
  [[nodiscard]] std::vector<KeptText> list(const char* name) const;
  [[nodiscard]] std::optional<KeptText> object(const char* name) const;

 private:
  explicit KeptText(nlohmann::json json) : json_(std::move(json)) {}
  nlohmann::json json_;
};

// The text of a row. Bytes that are no UTF-8 are replaced.
[[nodiscard]] std::string kept_text(const nlohmann::json& json);

}  // namespace fw::engine
