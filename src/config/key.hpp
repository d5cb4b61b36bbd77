// SPDX-License-Identifier: MIT
// What is known of a configuration key: the member it fills, the type and range of its value, when
// a change takes effect, and a sentence for people. The keys themselves are in keys.hpp.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "base/units.hpp"
#include "config/config.hpp"

namespace fw::config {

// ---- types of values: how a value is written in TOML, and its range

struct Flag {};  // true or false

struct Number {
  unsigned from = 0, to = 0;
  std::string_view zero{};  // what 0 means, where it is allowed besides from..to
};

struct PowerOfTwo {
  unsigned from = 0, to = 0;
};

// An array of numbers, none of them smaller than the one before.
struct RisingNumbers {
  unsigned from = 0, to = 0;
  std::string_view falling{};  // what is said if they are not in order
};

// "90s".
struct Duration {
  Milliseconds from{}, to{};
  bool or_none = false;  // "none" is accepted as well, and read as 0
};

// "16MiB".
struct Size {
  std::uint64_t from = 0, to = 0;
};

// "400/s" or, of bytes, "25MB/s"; also "none". Some keys exist for packets and for bytes.
struct Rate {
  double from = 0, to = 0;  // packets per second
  double from_bytes = 0, to_bytes = 0;
};

// One of a few words, in the order of the enumerators.
struct Choice {
  std::span<const std::string_view> words;
};

// Says why a value cannot be; empty: it can.
using CheckText = std::string (*)(const std::string& text);
using CheckTexts = std::string (*)(const std::vector<std::string>& texts);

struct Word {
  CheckText check = nullptr;
};

// Text that no message, reply or log may show: toml_text() is only the beginning of it.
struct Secret {
  CheckText check = nullptr;
};

// One text or an array of texts.
struct Words {
  CheckTexts check = nullptr;
};

struct Folder {};  // a path from the root

struct Ports {};  // "tcp/80", "udp/1-100", "tcp+udp/53", or an array of such

// ---- the member that a key fills

template <typename Record, typename Value, typename Type>
struct Field {
  Value Record::* member;
  Type type;
};

template <typename Record>
using AnyField = std::variant<
    Field<Record, bool, Flag>, Field<Record, unsigned, Number>, Field<Record, unsigned, PowerOfTwo>,
    Field<Record, std::vector<unsigned>, RisingNumbers>, Field<Record, Milliseconds, Duration>,
    Field<Record, std::optional<Milliseconds>, Duration>, Field<Record, std::uint64_t, Size>,
    Field<Record, std::optional<double>, Rate>, Field<Record, Mode, Choice>,
    Field<Record, DatapathKind, Choice>, Field<Record, Action, Choice>,
    Field<Record, Challenge, Choice>, Field<Record, std::optional<Challenge>, Choice>,
    Field<Record, std::string, Word>, Field<Record, std::string, Secret>,
    Field<Record, WebhookShape, Choice>, Field<Record, std::vector<std::string>, Words>,
    Field<Record, std::filesystem::path, Folder>, Field<Record, std::vector<PortRange>, Ports>>;

enum class Effect {
  at_apply,  // `floodwall apply` puts a change in force
  at_start,  // a running daemon refuses a change: it must be restarted
};

// A key of the struct `Record`. The default is what the member is initialised with.
template <typename Record>
struct Key {
  std::string_view name;
  AnyField<Record> field;
  std::string_view about;     // one sentence without a full stop; the starter file has it too
  std::string_view detail{};  // more sentences, for the documentation only
  Effect effect = Effect::at_apply;
  std::string_view example{};   // a value in TOML, where there is no default to show
  std::string_view needed{};    // what is said if the key is missing; empty: it may be
  std::string_view fallback{};  // the key that holds where this one is left out
};

// The keys under one header of the file.
template <typename Record>
struct KeyGroup {
  std::string_view path;   // "ban"; empty for the top of the file
  std::string_view about;  // after the header in the starter file
  std::span<const Key<Record>> keys;
  bool is_comment = false;  // in the starter file, which few users need to change
};

// ---- values as text

// A value as it is written in TOML; empty if the member is optional and has none. `bytes`: a rate
// counts bytes.
[[nodiscard]] std::string toml_text(const Flag& type, bool value, bool bytes);
[[nodiscard]] std::string toml_text(const Number& type, unsigned value, bool bytes);
[[nodiscard]] std::string toml_text(const PowerOfTwo& type, unsigned value, bool bytes);
[[nodiscard]] std::string toml_text(const RisingNumbers& type, const std::vector<unsigned>& value,
                                    bool bytes);
[[nodiscard]] std::string toml_text(const Duration& type, Milliseconds value, bool bytes);
[[nodiscard]] std::string toml_text(const Duration& type, const std::optional<Milliseconds>& value,
                                    bool bytes);
[[nodiscard]] std::string toml_text(const Size& type, std::uint64_t value, bool bytes);
[[nodiscard]] std::string toml_text(const Rate& type, const std::optional<double>& value,
                                    bool bytes);
[[nodiscard]] std::string toml_text(const Word& type, const std::string& value, bool bytes);
// Of a URL its scheme and host: "https://hooks.example.org/..."; empty: it is empty.
[[nodiscard]] std::string toml_text(const Secret& type, const std::string& value, bool bytes);
[[nodiscard]] std::string toml_text(const Words& type, const std::vector<std::string>& value,
                                    bool bytes);
[[nodiscard]] std::string toml_text(const Folder& type, const std::filesystem::path& value,
                                    bool bytes);
[[nodiscard]] std::string toml_text(const Ports& type, const std::vector<PortRange>& value,
                                    bool bytes);
template <typename Enum>
  requires std::is_enum_v<Enum>
[[nodiscard]] std::string toml_text(const Choice& type, Enum value, bool) {
  return "\"" + std::string(type.words[static_cast<std::size_t>(value)]) + "\"";
}

template <typename Enum>
  requires std::is_enum_v<Enum>
[[nodiscard]] std::string toml_text(const Choice& type, std::optional<Enum> value, bool bytes) {
  return value ? toml_text(type, *value, bytes) : "";
}

template <typename Record>
[[nodiscard]] std::string toml_text(const Key<Record>& key, const Record& record,
                                    bool bytes = false) {
  return std::visit(
      [&](const auto& field) { return toml_text(field.type, record.*field.member, bytes); },
      key.field);
}

// What values are accepted, for people: "1s to 30d", "true, false".
[[nodiscard]] std::string range_text(const Flag& type, bool bytes);
[[nodiscard]] std::string range_text(const Number& type, bool bytes);
[[nodiscard]] std::string range_text(const PowerOfTwo& type, bool bytes);
[[nodiscard]] std::string range_text(const RisingNumbers& type, bool bytes);
[[nodiscard]] std::string range_text(const Duration& type, bool bytes);
[[nodiscard]] std::string range_text(const Size& type, bool bytes);
[[nodiscard]] std::string range_text(const Rate& type, bool bytes);
[[nodiscard]] std::string range_text(const Choice& type, bool bytes);
[[nodiscard]] std::string range_text(const Word& type, bool bytes);
[[nodiscard]] std::string range_text(const Secret& type, bool bytes);
[[nodiscard]] std::string range_text(const Words& type, bool bytes);
[[nodiscard]] std::string range_text(const Folder& type, bool bytes);
[[nodiscard]] std::string range_text(const Ports& type, bool bytes);

template <typename Record>
[[nodiscard]] std::string range_text(const Key<Record>& key, bool bytes = false) {
  return std::visit([&](const auto& field) { return range_text(field.type, bytes); }, key.field);
}

}  // namespace fw::config
