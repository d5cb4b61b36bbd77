// SPDX-License-Identifier: MIT
// configuration_reference [--check] FILE: writes the tables of docs/configuration.md from the keys
// of src/config/keys.hpp, each between "<!-- keys: GROUP -->" and "<!-- end -->"; with --check only
// says whether they are stale. Run by tools/configuration.
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "config/keys.hpp"

namespace fw::config {
namespace {

constexpr std::uint64_t kMaxFileBytes = 1ULL << 20;
constexpr std::string_view kBegin = "<!-- keys: ", kBeginEnd = " -->\n", kEnd = "<!-- end -->\n";

std::string row(const std::vector<std::string>& cells) {
  return fmt::format("| {} |\n", fmt::join(cells, " | "));
}

std::string head(const std::vector<std::string>& cells) {
  std::string rule = "|";
  for (std::size_t i = 0; i < cells.size(); i++) rule += "---|";
  return row(cells) + rule + "\n";
}

std::string code(std::string_view text) {
  return text.empty() ? std::string() : fmt::format("`{}`", text);
}

template <typename Record>
std::string default_of(const Key<Record>& key) {
  if (!key.needed.empty()) return "needed";
  const std::string text = toml_text(key, Record{});
  return code(text.empty() ? key.fallback : text);
}

template <typename Record>
std::string values_of(const Key<Record>& key) {
  const std::string packets = range_text(key, false), bytes = range_text(key, true);
  return packets == bytes ? packets : fmt::format("{}; bytes: {}", packets, bytes);
}

template <typename Record>
std::string meaning_of(const Key<Record>& key) {
  std::string text(key.about);
  if (!key.detail.empty()) text += fmt::format(". {}", key.detail);
  return text;
}

std::string_view word(Effect effect) {
  return effect == Effect::at_apply ? "`apply`" : "restart";
}

template <typename Record>
std::string table(const KeyGroup<Record>& group, bool with_default = true) {
  std::vector<std::string> titles{"key", "default", "values", "takes effect", "meaning"};
  if (!with_default) titles.erase(titles.begin() + 1);
  std::string out = head(titles);
  for (const Key<Record>& key : group.keys) {
    std::vector<std::string> cells{code(key.name), default_of(key), values_of(key),
                                   std::string(word(key.effect)), meaning_of(key)};
    if (!with_default) cells.erase(cells.begin() + 1);
    out += row(cells);
  }
  return out;
}

// The defaults of a struct that exists once per metric or class: a row for each of them.
template <typename Record, typename Records, typename Names>
std::string defaults_table(const std::string& what, const KeyGroup<Record>& group,
                           const Records& records, const Names& names) {
  std::vector<std::string> titles{what, "what it counts"};
  for (const Key<Record>& key : group.keys) titles.push_back(code(key.name));
  std::string out = head(titles);
  for (std::size_t i = 0; i < names.size(); i++) {
    if constexpr (std::is_same_v<Record, Budget>)
      if (!has_budget(i)) continue;
    std::vector<std::string> cells{code(names[i].word), std::string(names[i].meaning)};
    for (const Key<Record>& key : group.keys)
      cells.push_back(code(toml_text(key, records[i], names[i].word == "bytes")));
    out += row(cells);
  }
  return out;
}

std::map<std::string, std::string, std::less<>> all_tables() {
  std::map<std::string, std::string, std::less<>> out;
  out["top"] = table(kTop);
  for_each_plain_group(
      [&](const auto& group, auto) { out[std::string(group.path)] = table(group); });
  out["limit.default"] = table(kLimitDefault, false) + "\n" +
                         defaults_table("metric", kLimitDefault, Config::defaults(), kMetrics);
  out["limit.prefix"] = table(kLimitPrefix);
  out["budget"] = table(kBudget, false) + "\n" +
                  defaults_table("class", kBudget, Config::default_budgets(), kClasses);
  out["service"] = table(kService);
  out["alert"] = table(kAlert);
  return out;
}

// The document with every table as it should be.
Result<std::string> renewed(std::string_view document) {
  auto tables = all_tables();
  std::string out;
  for (std::size_t at = document.find(kBegin); at != std::string_view::npos;
       at = document.find(kBegin)) {
    const std::size_t name = at + kBegin.size();
    const std::size_t after = document.find(kBeginEnd, name), end = document.find(kEnd, at);
    if (after == std::string_view::npos || end == std::string_view::npos || end < after)
      return fail("a \"<!-- keys: GROUP -->\" without its \"<!-- end -->\"");
    const auto found = tables.find(document.substr(name, after - name));
    if (found == tables.end())
      return fail(fmt::format("no keys, or twice: {}", document.substr(name, after - name)));
    out += fmt::format("{}\n{}\n{}", document.substr(0, after + kBeginEnd.size()), found->second,
                       kEnd);
    document.remove_prefix(end + kEnd.size());
    tables.erase(found);
  }
  if (!tables.empty())
    return fail(fmt::format("\"<!-- keys: {} -->\" is missing", tables.begin()->first));
  return out + std::string(document);
}

Result<bool> run(const std::filesystem::path& file, bool only_check) {
  const auto document = read_file(file, kMaxFileBytes);
  if (!document) return std::unexpected(document.error());
  const auto wanted = renewed(*document);
  if (!wanted) return std::unexpected(wanted.error());
  if (only_check || *wanted == *document) return *wanted == *document;
  if (auto written = write_file(file, *wanted); !written) return std::unexpected(written.error());
  return true;
}

}  // namespace
}  // namespace fw::config

int main(int argc, char** argv) {
  try {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    if (arguments.empty() || arguments.size() > 2 ||
        (arguments.size() == 2 && arguments[0] != "--check")) {
      fmt::print(stderr, "usage: configuration_reference [--check] FILE\n");
      return 2;
    }
    const std::string& file = arguments.back();
    const auto current = fw::config::run(file, arguments.size() == 2);
    if (!current)
      fmt::print("{}: {}\n", file, current.error().message);
    else
      fmt::print("{}: {}\n", file,
                 *current ? "as keys.hpp says" : "stale; run tools/configuration");
    return current && *current ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "configuration_reference: {}\n", error.what());
    return 1;
  }
}
