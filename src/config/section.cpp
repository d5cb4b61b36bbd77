// SPDX-License-Identifier: MIT
// Reading one table of a TOML file.
#include "config/section.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>

#include "base/nearest.hpp"

namespace fw::config {

namespace {

// A value as the user wrote it, near enough to be recognised.
std::string value_text(const toml::node& node) {
  if (const auto text = node.value_exact<std::string>()) return fmt::format("\"{}\"", *text);
  if (const auto number = node.value_exact<std::int64_t>()) return fmt::format("{}", *number);
  if (const auto number = node.value_exact<double>()) return fmt::format("{}", *number);
  if (const auto truth = node.value_exact<bool>()) return *truth ? "true" : "false";
  if (node.is_table()) return "{...}";
  return node.is_array() ? "[...]" : "a date or time";
}

std::string place(const std::string& file, const toml::source_region& source) {
  return fmt::format("{}:{}:{}", file, source.begin.line, source.begin.column);
}

}  // namespace

Section::Section(const toml::table& table, std::string file, std::string path,
                 std::vector<std::string>& problems)
    : table_(&table), file_(std::move(file)), path_(std::move(path)), problems_(&problems) {}

const toml::node* Section::find(std::string_view key) {
  known_.emplace_back(key);
  return table_->get(key);
}

bool Section::has(std::string_view key) const {
  return table_->contains(key);
}

std::string Section::name_of(std::string_view key) const {
  return path_.empty() ? std::string{key} : fmt::format("{}.{}", path_, key);
}

std::string Section::where(std::string_view key) const {
  const auto found = table_->find(key);
  return place(file_, found == table_->end() ? table_->source() : found->first.source());
}

void Section::problem(std::string_view key, std::string_view why) {
  const toml::node* node = table_->get(key);
  if (node != nullptr)
    problems_->push_back(
        fmt::format("{}: {} = {}: {}", where(key), name_of(key), value_text(*node), why));
  else
    problems_->push_back(fmt::format("{}: {}: {}", where(key), name_of(key), why));
}

void Section::done() {
  for (const auto& [key, node] : *table_) {
    const std::string_view name = key.str();
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
    const auto nearest = std::min_element(known_.begin(), known_.end(),
                                          [&](const std::string& a, const std::string& b) {
                                            return edit_distance(a, name) < edit_distance(b, name);
                                          });
    problems_->push_back(fmt::format("{}: {}: unknown key; did you mean \"{}\"?",
                                     place(file_, key.source()), name_of(name), *nearest));
  }
}

void Section::read(std::string_view key, bool& out) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  if (const auto value = node->value_exact<bool>())
    out = *value;
  else
    problem(key, "must be true or false");
}

// The string under a key, if there is one; anything else is a problem that says what is `wanted`.
std::optional<std::string> Section::text_of(std::string_view key, std::string_view wanted) {
  const toml::node* node = find(key);
  if (node == nullptr) return std::nullopt;
  auto value = node->value_exact<std::string>();
  if (!value) problem(key, fmt::format("must be {}", wanted));
  return value;
}

void Section::read(std::string_view key, std::string& out) {
  auto value = text_of(key, "text in quotes");
  if (value && value->empty())
    problem(key, "must not be empty");
  else if (value)
    out = std::move(*value);
}

std::optional<std::uint64_t> Section::number_of(std::string_view key, const toml::node& node,
                                                std::uint64_t from, std::uint64_t to) {
  const auto value = node.value_exact<std::int64_t>();
  if (value && *value >= 0 && static_cast<std::uint64_t>(*value) >= from &&
      static_cast<std::uint64_t>(*value) <= to)
    return static_cast<std::uint64_t>(*value);
  problem(key, fmt::format("must be a whole number from {} to {}", from, to));
  return std::nullopt;
}

void Section::read(std::string_view key, std::uint64_t from, std::uint64_t to, unsigned& out) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  if (const auto value = number_of(key, *node, from, to)) out = static_cast<unsigned>(*value);
}

void Section::read(std::string_view key, std::uint64_t from, std::uint64_t to,
                   std::vector<unsigned>& out) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const toml::array* array = node->as_array();
  if (array == nullptr || array->empty()) {
    problem(key, "must be an array of numbers such as [1, 5, 30]");
    return;
  }
  std::vector<unsigned> values;
  for (const toml::node& element : *array) {
    const auto value = element.value_exact<std::int64_t>();
    if (!value || *value < static_cast<std::int64_t>(from) ||
        *value > static_cast<std::int64_t>(to)) {
      problems_->push_back(fmt::format("{}: {}: {} must be a whole number from {} to {}",
                                       place(file_, element.source()), name_of(key),
                                       value_text(element), from, to));
      return;
    }
    values.push_back(static_cast<unsigned>(*value));
  }
  out = std::move(values);
}

void Section::read(std::string_view key, Milliseconds from, Milliseconds to, Milliseconds& out) {
  const auto text = text_of(key, "a duration in quotes, such as \"60s\"");
  if (!text) return;
  const auto value = parse_duration(*text);
  if (!value)
    problem(key, "must be a duration such as \"30s\", \"10m\", \"1h30m\" or \"7d\"");
  else if (*value < from || *value > to)
    problem(key, fmt::format("must be {} to {}", format_duration(from), format_duration(to)));
  else
    out = *value;
}

void Section::read_size(std::string_view key, std::uint64_t from, std::uint64_t to,
                        std::uint64_t& out) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  std::optional<std::uint64_t> value;
  if (const auto text = node->value_exact<std::string>()) {
    if (const auto size = parse_size(*text)) value = *size;
  } else if (const auto number = node->value_exact<std::int64_t>(); number && *number >= 0) {
    value = static_cast<std::uint64_t>(*number);
  }
  if (value && *value >= from && *value <= to)
    out = *value;
  else
    problem(key, fmt::format("must be a size from {} to {}, such as \"16MiB\"", format_size(from),
                             format_size(to)));
}

bool Section::read_rate(std::string_view key, bool bytes, double from, double to,
                        std::optional<double>& out) {
  const auto text = text_of(
      key, bytes ? "a rate in quotes, such as \"25MB/s\"" : "a rate in quotes, such as \"400/s\"");
  if (!text) return false;
  if (*text == "none") {
    out = std::nullopt;
    return true;
  }
  const auto value = parse_rate(*text, bytes);
  if (!value) {
    problem(key, bytes ? "must be a rate such as \"25MB/s\", or \"none\""
                       : "must be a rate such as \"400/s\" or \"20k/s\", or \"none\"");
  } else if (*value < from || *value > to) {
    problem(key, fmt::format("must be {} to {}", format_rate(from, bytes), format_rate(to, bytes)));
  } else {
    out = *value;
    return true;
  }
  return false;
}

bool Section::read(std::string_view key, std::vector<Text>& out) {
  const toml::node* node = find(key);
  if (node == nullptr) return false;
  std::vector<Text> values;
  bool good = true;
  const auto add = [&](const toml::node& element) {
    auto text = element.value_exact<std::string>();
    good = good && text && !text->empty();
    if (good) values.push_back({std::move(*text), place(file_, element.source())});
  };
  if (const toml::array* array = node->as_array())
    for (const toml::node& element : *array) add(element);
  else
    add(*node);
  if (good)
    out = std::move(values);
  else
    problem(key, "must be text in quotes, not empty, or an array of such");
  return good;
}

std::optional<std::size_t> Section::read_word(std::string_view key,
                                              std::span<const std::string_view> words) {
  const std::string wanted = fmt::format("\"{}\"", fmt::join(words, "\" or \""));
  const auto text = text_of(key, wanted);
  if (!text) return std::nullopt;
  const auto found = std::find(words.begin(), words.end(), *text);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  problem(key, fmt::format("must be {}", wanted));
  return std::nullopt;
}

std::optional<Section> Section::section(std::string_view key) {
  const toml::node* node = find(key);
  if (node == nullptr) return std::nullopt;
  if (const toml::table* table = node->as_table())
    return Section{*table, file_, name_of(key), *problems_};
  problem(key, "must be a table");
  return std::nullopt;
}

std::vector<Section> Section::sections(std::string_view key) {
  std::vector<Section> out;
  const toml::node* node = find(key);
  if (node == nullptr) return out;
  const toml::array* array = node->as_array();
  const bool tables =
      array != nullptr && std::all_of(array->begin(), array->end(),
                                      [](const toml::node& element) { return element.is_table(); });
  if (!tables) {
    problem(key, fmt::format("must be tables: write [[{}]]", name_of(key)));
    return out;
  }
  for (const toml::node& element : *array)
    out.emplace_back(*element.as_table(), file_, name_of(key), *problems_);
  return out;
}

}  // namespace fw::config
