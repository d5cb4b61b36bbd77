// SPDX-License-Identifier: MIT
// Reading one table of a TOML file.
#include "config/section.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <bit>
#include <charconv>

#include "base/nearest.hpp"
#include "config/keys.hpp"

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

// Nothing if the value is no whole number from..to, or 0 where that is allowed as well.
std::optional<unsigned> whole_number(const toml::node& node, unsigned from, unsigned to,
                                     bool or_zero) {
  const auto value = node.value_exact<std::int64_t>();
  if (!value || *value < 0 || *value > to) return std::nullopt;
  if (*value < from && !(or_zero && *value == 0)) return std::nullopt;
  return static_cast<unsigned>(*value);
}

// "80", "8000-8999"; `range` keeps its protocol.
bool parse_numbers(std::string_view text, PortRange& range) {
  const auto number = [](std::string_view digits, std::uint16_t& out) {
    const char* begin = digits.data();
    const char* end = begin + digits.size();
    const auto [at, error] = std::from_chars(begin, end, out);
    return error == std::errc{} && at == end && out != 0;
  };
  const std::size_t dash = text.find('-');
  if (!number(text.substr(0, dash), range.first)) return false;
  range.last = range.first;
  if (dash == std::string_view::npos) return true;
  return number(text.substr(dash + 1), range.last) && range.last >= range.first;
}

// "tcp/80" is one range, "tcp+udp/53" two; none: it is no port.
std::vector<PortRange> parse_ports(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return {};
  const std::string_view protocol = text.substr(0, slash);
  const bool both = protocol == "tcp+udp" || protocol == "udp+tcp";
  PortRange range;
  if (!parse_numbers(text.substr(slash + 1), range)) return {};
  std::vector<PortRange> out;
  for (const bool udp : {false, true}) {
    range.udp = udp;
    if (both || protocol == (udp ? "udp" : "tcp")) out.push_back(range);
  }
  return out;
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
    const bool is_top = !path_.empty() && std::ranges::any_of(kTopKeys, [&](const auto& top) {
      return top.name == name;
    });
    if (is_top) {
      problems_->push_back(fmt::format(
          "{}: {}: unknown key; \"{}\" is a key of the top: write it above the first [table]",
          place(file_, key.source()), name_of(name), name));
      continue;
    }
    const auto nearest = std::min_element(known_.begin(), known_.end(),
                                          [&](const std::string& a, const std::string& b) {
                                            return edit_distance(a, name) < edit_distance(b, name);
                                          });
    problems_->push_back(fmt::format("{}: {}: unknown key; did you mean \"{}\"?",
                                     place(file_, key.source()), name_of(name), *nearest));
  }
}

bool Section::read(std::string_view key, const Flag&, bool& out) {
  const toml::node* node = find(key);
  if (node == nullptr) return false;
  const auto value = node->value_exact<bool>();
  if (value)
    out = *value;
  else
    problem(key, "must be true or false");
  return value.has_value();
}

// The string under a key, if there is one; anything else is a problem that says what is `wanted`.
std::optional<std::string> Section::text_of(std::string_view key, std::string_view wanted) {
  const toml::node* node = find(key);
  if (node == nullptr) return std::nullopt;
  auto value = node->value_exact<std::string>();
  if (!value) problem(key, fmt::format("must be {}", wanted));
  return value;
}

bool Section::read(std::string_view key, const Word& type, std::string& out) {
  auto value = text_of(key, "text in quotes");
  if (!value) return false;
  std::string fault = "must not be empty";
  if (!value->empty()) fault = type.check != nullptr ? type.check(*value) : "";
  if (fault.empty())
    out = std::move(*value);
  else
    problem(key, fault);
  return fault.empty();
}

// A problem with it does not quote it.
bool Section::read(std::string_view key, const Secret& type, std::string& out) {
  const toml::node* node = find(key);
  if (node == nullptr) return false;
  auto value = node->value_exact<std::string>();
  std::string fault = value ? "" : "must be text in quotes";
  if (value && value->empty()) fault = "must not be empty";
  if (fault.empty() && type.check != nullptr) fault = type.check(*value);
  if (fault.empty())
    out = std::move(*value);
  else
    problems_->push_back(fmt::format("{}: {}: {}", where(key), name_of(key), fault));
  return fault.empty();
}

bool Section::read(std::string_view key, const Folder&, std::filesystem::path& out) {
  const auto value = text_of(key, "text in quotes");
  if (!value) return false;
  const bool good = value->starts_with('/');
  if (good)
    out = *value;
  else
    problem(key, "must be a path from the root, such as \"/var/log/floodwall\"");
  return good;
}

bool Section::read(std::string_view key, const Number& type, unsigned& out) {
  const toml::node* node = find(key);
  if (node == nullptr) return false;
  const auto value = whole_number(*node, type.from, type.to, !type.zero.empty());
  if (value)
    out = *value;
  else
    problem(key, fmt::format("must be a whole number from {}", range_text(type, false)));
  return value.has_value();
}

bool Section::read(std::string_view key, const PowerOfTwo& type, unsigned& out) {
  unsigned value = 0;
  if (!read(key, Number{type.from, type.to}, value)) return false;
  if (std::has_single_bit(value)) {
    out = value;
    return true;
  }
  const std::uint64_t below = std::bit_floor(value);
  const bool up = value - below > below / 2;
  problem(key, fmt::format("must be a power of two; the nearest is {}", up ? below * 2 : below));
  return false;
}

bool Section::read(std::string_view key, const RisingNumbers& type, std::vector<unsigned>& out) {
  const toml::node* node = find(key);
  if (node == nullptr) return false;
  const toml::array* array = node->as_array();
  if (array == nullptr || array->empty()) {
    problem(key, "must be an array of numbers such as [1, 5, 30]");
    return false;
  }
  std::vector<unsigned> values;
  for (const toml::node& element : *array) {
    const auto value = whole_number(element, type.from, type.to, false);
    if (!value) {
      problems_->push_back(fmt::format("{}: {}: {} must be a whole number from {} to {}",
                                       place(file_, element.source()), name_of(key),
                                       value_text(element), type.from, type.to));
      return false;
    }
    values.push_back(*value);
  }
  const bool rising = std::ranges::is_sorted(values);
  if (rising)
    out = std::move(values);
  else
    problem(key, type.falling);
  return rising;
}

bool Section::read(std::string_view key, const Duration& type, Milliseconds& out) {
  const auto text = text_of(key, "a duration in quotes, such as \"60s\"");
  if (!text) return false;
  if (type.or_none && *text == "none") {
    out = Milliseconds{0};
    return true;
  }
  const std::string_view or_none = type.or_none ? ", or \"none\"" : "";
  const auto value = parse_duration(*text);
  if (value && *value >= type.from && *value <= type.to) {
    out = *value;
    return true;
  }
  if (value)
    problem(key, fmt::format("must be {} to {}{}", format_duration(type.from),
                             format_duration(type.to), or_none));
  else
    problem(key, fmt::format("must be a duration such as \"30s\", \"10m\", \"1h30m\" or \"7d\"{}",
                             or_none));
  return false;
}

bool Section::read(std::string_view key, const Duration& type, std::optional<Milliseconds>& out) {
  Milliseconds value{0};
  if (!read(key, type, value)) return false;
  out = value;
  return true;
}

bool Section::read(std::string_view key, const Size& type, std::uint64_t& out) {
  const toml::node* node = find(key);
  if (node == nullptr) return false;
  std::optional<std::uint64_t> value;
  if (const auto text = node->value_exact<std::string>()) {
    if (const auto size = parse_size(*text)) value = *size;
  } else if (const auto number = node->value_exact<std::int64_t>(); number && *number >= 0) {
    value = static_cast<std::uint64_t>(*number);
  }
  const bool good = value && *value >= type.from && *value <= type.to;
  if (good)
    out = *value;
  else
    problem(key, fmt::format("must be a size from {}, such as \"16MiB\"", range_text(type, false)));
  return good;
}

bool Section::read(std::string_view key, const Rate& type, bool bytes, std::optional<double>& out) {
  const auto text = text_of(
      key, bytes ? "a rate in quotes, such as \"25MB/s\"" : "a rate in quotes, such as \"400/s\"");
  if (!text) return false;
  if (*text == "none") {
    out = std::nullopt;
    return true;
  }
  const double from = bytes ? type.from_bytes : type.from, to = bytes ? type.to_bytes : type.to;
  const auto value = parse_rate(*text, bytes);
  if (value && *value >= from && *value <= to) {
    out = *value;
    return true;
  }
  if (value)
    problem(key, fmt::format("must be {} to {}", format_rate(from, bytes), format_rate(to, bytes)));
  else
    problem(key, bytes ? "must be a rate such as \"25MB/s\", or \"none\""
                       : "must be a rate such as \"400/s\" or \"20k/s\", or \"none\"");
  return false;
}

// One string or an array of strings, none of them empty.
std::optional<std::vector<PlacedText>> Section::texts_of(std::string_view key) {
  const toml::node* node = find(key);
  if (node == nullptr) return std::nullopt;
  std::vector<PlacedText> values;
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
  if (good) return values;
  problem(key, "must be text in quotes, not empty, or an array of such");
  return std::nullopt;
}

bool Section::read(std::string_view key, const Words& type, std::vector<std::string>& out) {
  auto texts = texts_of(key);
  if (!texts) return false;
  std::vector<std::string> values;
  values.reserve(texts->size());
  for (PlacedText& text : *texts) values.push_back(std::move(text.text));
  const std::string fault = type.check != nullptr ? type.check(values) : "";
  if (fault.empty())
    out = std::move(values);
  else
    problem(key, fault);
  return fault.empty();
}

bool Section::read(std::string_view key, const Ports&, std::vector<PortRange>& out,
                   std::vector<PlacedText>& places) {
  const auto texts = texts_of(key);
  if (!texts) return false;
  if (texts->empty()) problem(key, "must name a port, such as \"tcp/80\"");
  bool good = !texts->empty();
  for (const PlacedText& text : *texts) {
    const auto ranges = parse_ports(text.text);
    if (ranges.empty()) {
      problems_->push_back(
          fmt::format("{}: {} = \"{}\": must be a protocol and ports from 1 to 65535, such as "
                      "\"tcp/80\", \"udp/27015\", \"tcp/8000-8999\" or \"tcp+udp/53\"",
                      text.where, name_of(key), text.text));
      good = false;
    }
    for (const PortRange& range : ranges) {
      out.push_back(range);
      places.push_back(text);
    }
  }
  return good;
}

std::optional<std::size_t> Section::read_choice(std::string_view key,
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
