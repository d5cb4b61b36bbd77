// SPDX-License-Identifier: MIT
// One table of a TOML file while it is read. A key that was read or asked for is a known one;
// done() reports the others. A value is taken over only if it is good; each bad one adds a line to
// `problems`: "floodwall.toml:14:9: limit.default.syn.limit = \"0/s\": must be 1/s to 1M/s".
#pragma once

#include <toml++/impl/forward_declarations.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/units.hpp"
#include "config/key.hpp"

namespace fw::config {

// A string and where it stands ("floodwall.toml:14:9").
struct PlacedText {
  std::string text, where;
};

class Section {
 public:
  // All borrowed, for the life of the section. `path` is "limit.default", empty for the file.
  Section(const toml::table& table, std::string file, std::string path,
          std::vector<std::string>& problems);

  // Each is true if the file has the key and its value is good; otherwise `out` stays as it is.
  bool read(std::string_view key, const Flag& type, bool& out);
  bool read(std::string_view key, const Number& type, unsigned& out);
  bool read(std::string_view key, const PowerOfTwo& type, unsigned& out);
  bool read(std::string_view key, const RisingNumbers& type, std::vector<unsigned>& out);
  bool read(std::string_view key, const Duration& type, Milliseconds& out);
  bool read(std::string_view key, const Duration& type, std::optional<Milliseconds>& out);
  bool read(std::string_view key, const Size& type, std::uint64_t& out);
  bool read(std::string_view key, const Rate& type, bool bytes, std::optional<double>& out);
  bool read(std::string_view key, const Word& type, std::string& out);
  bool read(std::string_view key, const Secret& type, std::string& out);
  bool read(std::string_view key, const Words& type, std::vector<std::string>& out);
  bool read(std::string_view key, const Folder& type, std::filesystem::path& out);
  // `places`: by index of `out`, the text that named the ports and where it stands.
  bool read(std::string_view key, const Ports& type, std::vector<PortRange>& out,
            std::vector<PlacedText>& places);
  template <typename Enum>
    requires std::is_enum_v<Enum>
  bool read(std::string_view key, const Choice& type, Enum& out) {
    const auto index = read_choice(key, type.words);
    if (index) out = static_cast<Enum>(*index);
    return index.has_value();
  }

  template <typename Enum>
    requires std::is_enum_v<Enum>
  bool read(std::string_view key, const Choice& type, std::optional<Enum>& out) {
    const auto index = read_choice(key, type.words);
    if (index) out = static_cast<Enum>(*index);
    return index.has_value();
  }

  // The table, or the tables of an array ([[service]]), under a key; nothing if it is not there.
  std::optional<Section> section(std::string_view key);
  std::vector<Section> sections(std::string_view key);

  [[nodiscard]] bool has(std::string_view key) const;
  // Of the key, or of the table if it has no such key.
  [[nodiscard]] std::string where(std::string_view key) const;
  // "WHERE: PATH.KEY = VALUE: WHY"
  void problem(std::string_view key, std::string_view why);
  // Reports every key that nobody asked for.
  void done();

 private:
  const toml::node* find(std::string_view key);
  std::optional<std::string> text_of(std::string_view key, std::string_view wanted);
  std::optional<std::vector<PlacedText>> texts_of(std::string_view key);
  std::optional<std::size_t> read_choice(std::string_view key,
                                         std::span<const std::string_view> words);
  [[nodiscard]] std::string name_of(std::string_view key) const;

  const toml::table* table_;
  std::string file_, path_;
  std::vector<std::string>* problems_;
  std::vector<std::string> known_;
};

}  // namespace fw::config
