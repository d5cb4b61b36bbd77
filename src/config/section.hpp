// SPDX-License-Identifier: MIT
// One table of a TOML file while it is read. Every key that is asked for is a known one; done()
// reports the others. A value is taken over only if it is good; each bad one adds a line to
// `problems`: "floodwall.toml:14:9: limit.default.syn.limit = \"0/s\": must be 1/s to 1M/s".
#pragma once

#include <toml++/impl/forward_declarations.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/units.hpp"

namespace fw::config {

// A string and where it stands ("floodwall.toml:14:9").
struct Text {
  std::string text, where;
};

class Section {
 public:
  // All borrowed, for the life of the section. `path` is "limit.default", empty for the file.
  Section(const toml::table& table, std::string file, std::string path,
          std::vector<std::string>& problems);

  void read(std::string_view key, bool& out);
  void read(std::string_view key, std::string& out);
  // Whole numbers from..to.
  void read(std::string_view key, std::uint64_t from, std::uint64_t to, unsigned& out);
  void read(std::string_view key, std::uint64_t from, std::uint64_t to, std::vector<unsigned>& out);
  void read(std::string_view key, Milliseconds from, Milliseconds to, Milliseconds& out);
  // A size as text ("16MiB") or a number of bytes.
  void read_size(std::string_view key, std::uint64_t from, std::uint64_t to, std::uint64_t& out);
  // A rate, or "none". True if it was set.
  bool read_rate(std::string_view key, bool bytes, double from, double to,
                 std::optional<double>& out);
  // One string or an array of strings, none of them empty. True if it was set.
  bool read(std::string_view key, std::vector<Text>& out);
  // One of a few words. The order of `words` is that of the enumerators.
  template <typename Enum>
  void read(std::string_view key, std::initializer_list<std::string_view> words, Enum& out) {
    if (const auto index = read_word(key, words)) out = static_cast<Enum>(*index);
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
  std::optional<std::uint64_t> number_of(std::string_view key, const toml::node& node,
                                         std::uint64_t from, std::uint64_t to);
  std::optional<std::size_t> read_word(std::string_view key,
                                       std::span<const std::string_view> words);
  [[nodiscard]] std::string name_of(std::string_view key) const;

  const toml::table* table_;
  std::string file_, path_;
  std::vector<std::string>* problems_;
  std::vector<std::string> known_;
};

}  // namespace fw::config
