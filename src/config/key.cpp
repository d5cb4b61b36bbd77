// SPDX-License-Identifier: MIT
// Values and ranges as text.
#include "config/key.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace fw::config {

namespace {

// "none", which a rate and some durations accept.
constexpr std::string_view kNone = "\"none\"";

std::string in_quotes(std::string_view text) {
  return fmt::format("\"{}\"", text);
}

// "x", or ["x", "y"] unless there is exactly one.
std::string array_text(const std::vector<std::string>& texts) {
  if (texts.size() == 1) return in_quotes(texts.front());
  if (texts.empty()) return "[]";
  return fmt::format("[\"{}\"]", fmt::join(texts, "\", \""));
}

// Exact, in the largest unit that divides it.
std::string size_text(std::uint64_t bytes) {
  for (const auto& [shift, unit] : {std::pair{30, "GiB"}, {20, "MiB"}, {10, "KiB"}})
    if (bytes != 0 && bytes % (1ULL << shift) == 0)
      return fmt::format("{}{}", bytes >> shift, unit);
  return fmt::format("{}", bytes);
}

}  // namespace

std::string toml_text(const Flag&, bool value, bool) {
  return value ? "true" : "false";
}

std::string toml_text(const Number&, unsigned value, bool) {
  return fmt::format("{}", value);
}

std::string toml_text(const PowerOfTwo&, unsigned value, bool) {
  return fmt::format("{}", value);
}

std::string toml_text(const RisingNumbers&, const std::vector<unsigned>& value, bool) {
  return fmt::format("[{}]", fmt::join(value, ", "));
}

std::string toml_text(const Duration& type, Milliseconds value, bool) {
  if (type.or_none && value.count() == 0) return std::string(kNone);
  return in_quotes(format_duration(value));
}

std::string toml_text(const Duration& type, const std::optional<Milliseconds>& value, bool bytes) {
  return value ? toml_text(type, *value, bytes) : std::string();
}

std::string toml_text(const Size&, std::uint64_t value, bool) {
  return in_quotes(size_text(value));
}

std::string toml_text(const Rate&, const std::optional<double>& value, bool bytes) {
  return value ? in_quotes(format_rate(*value, bytes)) : std::string(kNone);
}

std::string toml_text(const Word&, const std::string& value, bool) {
  return in_quotes(value);
}

std::string toml_text(const Words&, const std::vector<std::string>& value, bool) {
  return array_text(value);
}

std::string toml_text(const Secret&, const std::string& value, bool) {
  if (value.empty()) return "";
  const std::size_t scheme = value.find("://");
  if (scheme == std::string::npos) return "\"...\"";
  const std::size_t end = std::min(value.find_first_of("/?#", scheme + 3), value.size());
  const std::size_t user = value.rfind('@', end);
  const std::size_t host = user == std::string::npos || user < scheme ? scheme + 3 : user + 1;
  return fmt::format("\"{}://{}/...\"", value.substr(0, scheme), value.substr(host, end - host));
}

std::string toml_text(const Folder&, const std::filesystem::path& value, bool) {
  return in_quotes(value.native());
}

std::string toml_text(const Ports&, const std::vector<PortRange>& value, bool) {
  std::vector<std::string> texts;
  texts.reserve(value.size());
  for (const PortRange& range : value) {
    std::string text = fmt::format("{}/{}", range.udp ? "udp" : "tcp", range.first);
    if (range.last != range.first) text += fmt::format("-{}", range.last);
    texts.push_back(std::move(text));
  }
  return array_text(texts);
}

std::string range_text(const Flag&, bool) {
  return "true, false";
}

std::string range_text(const Number& type, bool) {
  std::string text = fmt::format("{} to {}", type.from, type.to);
  if (!type.zero.empty()) text += fmt::format(", or 0: {}", type.zero);
  return text;
}

std::string range_text(const PowerOfTwo& type, bool) {
  return fmt::format("{} to {}, a power of two", type.from, type.to);
}

std::string range_text(const RisingNumbers& type, bool) {
  return fmt::format("{} to {}, rising", type.from, type.to);
}

std::string range_text(const Duration& type, bool) {
  const std::string range =
      fmt::format("{} to {}", format_duration(type.from), format_duration(type.to));
  return type.or_none ? fmt::format("{}, or {}", range, kNone) : range;
}

std::string range_text(const Size& type, bool) {
  return fmt::format("{} to {}", size_text(type.from), size_text(type.to));
}

std::string range_text(const Rate& type, bool bytes) {
  if (type.to_bytes == 0) bytes = false;
  return fmt::format("{} to {}, or {}", format_rate(bytes ? type.from_bytes : type.from, bytes),
                     format_rate(bytes ? type.to_bytes : type.to, bytes), kNone);
}

std::string range_text(const Choice& type, bool) {
  return fmt::format("\"{}\"", fmt::join(type.words, "\", \""));
}

std::string range_text(const Word&, bool) {
  return "text";
}

std::string range_text(const Secret&, bool) {
  return "text, which is never shown";
}

std::string range_text(const Words&, bool) {
  return "text or an array of texts";
}

std::string range_text(const Folder&, bool) {
  return "a path from the root";
}

std::string range_text(const Ports&, bool) {
  return "protocol/port or protocol/first-last, or an array of such";
}

}  // namespace fw::config
