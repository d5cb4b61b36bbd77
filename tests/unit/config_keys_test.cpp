// SPDX-License-Identifier: MIT
// The table of keys is complete: every member of the configuration has a key, and every key is
// read, written and reported as a change.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "config/changes.hpp"
#include "config/config.hpp"
#include "config/keys.hpp"
#include "config_good.hpp"

namespace {

using namespace fw::config;
using fw::Milliseconds;
using fw::test::good;

// Another valid value than `value`.
bool other(const Flag&, bool value) {
  return !value;
}
unsigned other(const Number& type, unsigned value) {
  return value == type.to ? type.from : type.to;
}
unsigned other(const PowerOfTwo& type, unsigned value) {
  return value == type.to ? type.from : type.to;
}
std::vector<unsigned> other(const RisingNumbers& type, const std::vector<unsigned>&) {
  return {type.from, type.from, type.to};
}
Milliseconds other(const Duration& type, Milliseconds value) {
  return value == type.to ? type.from : type.to;
}
std::optional<Milliseconds> other(const Duration& type, std::optional<Milliseconds> value) {
  return other(type, value.value_or(type.from));
}
std::uint64_t other(const Size& type, std::uint64_t value) {
  return value == type.to ? type.from : type.to;
}
template <typename Enum>
Enum other(const Choice& type, Enum value) {
  return static_cast<Enum>((static_cast<std::size_t>(value) + 1) % type.words.size());
}
template <typename Enum>
std::optional<Enum> other(const Choice& type, std::optional<Enum> value) {
  return other(type, value.value_or(Enum{}));
}
// The first that the key takes.
std::string other(const Word& type, const std::string&) {
  for (const char* text : {"other", "/other", "127.0.0.1:9"})
    if (type.check == nullptr || type.check(text).empty()) return text;
  return "";
}
std::string other(const Secret&, const std::string&) {
  return "https://other.example.org/token";
}
std::vector<std::string> other(const Words&, const std::vector<std::string>&) {
  return {"other", "another"};
}
std::filesystem::path other(const Folder&, const std::filesystem::path&) {
  return "/other";
}
std::vector<PortRange> other(const Ports&, const std::vector<PortRange>&) {
  return {{true, 5, 5}, {false, 6, 7}};
}
// A limit must not exceed its ban_at: the rate is between the default limits and bans.
std::optional<double> other(const Rate&, const std::optional<double>&, bool bytes) {
  return bytes ? 500e3 : 120;
}

template <typename Record>
void change(const Key<Record>& key, Record& record, bool bytes) {
  std::visit(
      [&](const auto& field) {
        auto& value = record.*field.member;
        if constexpr (requires { field.type.from_bytes; })
          value = other(field.type, value, bytes);
        else
          value = other(field.type, value);
      },
      key.field);
}

std::vector<std::string> texts(const std::vector<Change>& changes) {
  std::vector<std::string> out;
  for (const Change& change : changes) out.push_back(change.what);
  return out;
}

TEST(keys, each_is_read_written_and_reported_as_a_change) {
  std::set<std::string> seen;
  for_each_record([&](const std::string& path, auto keys, auto record_of, bool bytes) {
    for (const auto& key : keys) {
      const std::string name =
          path.empty() ? std::string(key.name) : path + "." + std::string(key.name);
      SCOPED_TRACE(name);
      EXPECT_TRUE(seen.insert(name).second) << "is in the table twice";
      const Config original;
      Config changed;
      change(key, record_of(changed), bytes);
      const std::vector<std::string> reported = texts(compare(original, changed));
      EXPECT_EQ(reported, std::vector<std::string>{name});
      EXPECT_TRUE(compare(changed, changed).empty());
      const std::string header = path.empty() ? "" : fmt::format("[{}]\n", path);
      const std::string value = toml_text(key, record_of(changed), bytes);
      const Config read = good(header + fmt::format("{} = {}\n", key.name, value));
      EXPECT_EQ(read, changed);
    }
  });
}

TEST(keys, of_a_service_are_read_written_and_reported_as_a_change) {
  Service service{
      .name = "a", .ports = {{false, 80, 80}}, .limits = {}, .ban_time = {}, .challenge = {}};
  const auto text = [](const Service& of) {
    std::string out = "[[service]]\n";
    for (const Key<Service>& key : kServiceKeys)
      if (const std::string value = toml_text(key, of); !value.empty())
        out += fmt::format("{} = {}\n", key.name, value);
    return out;
  };
  Config before;
  before.services = {service};
  EXPECT_EQ(good(text(service)), before);
  for (const Key<Service>& key : kServiceKeys) {
    SCOPED_TRACE(key.name);
    Config after = before;
    change(key, after.services[0], false);
    EXPECT_EQ(good(text(after.services[0])), after);
    if (key.name == "name")
      EXPECT_EQ(texts(compare(before, after)),
                (std::vector<std::string>{"service \"other\"", "service \"a\""}));
    else
      EXPECT_EQ(texts(compare(before, after)),
                std::vector<std::string>{fmt::format("service \"a\" {}", key.name)});
  }
  Config with_limits = before;
  with_limits.services[0].limits = Config::defaults();
  EXPECT_EQ(compare(before, with_limits).front().text(), "service \"a\" has limits of its own");
  Config other_limit = with_limits;
  (*other_limit.services[0].limits)[FW_METRIC_SYN].limit = 7;
  EXPECT_EQ(compare(with_limits, other_limit).front().text(),
            "service \"a\" syn.limit 100/s -> 7/s");
}

TEST(alerts, are_read_compared_and_never_shown_with_their_secret) {
  const std::string text =
      "[[alert]]\nname = \"a\"\nurl = \"https://hooks.example.org/TOKEN\"\nshape = \"slack\"\n"
      "[[alert]]\nname = \"b\"\ncommand = [\"/bin/page\", \"x\"]\non = \"attack\"\nper_minute = "
      "2\n";
  const Config read = good(text);
  ASSERT_EQ(read.alerts.size(), 2U);
  EXPECT_EQ(read.alerts[0].url, "https://hooks.example.org/TOKEN");
  EXPECT_EQ(read.alerts[0].shape, WebhookShape::slack);
  EXPECT_EQ(read.alerts[1].command, (std::vector<std::string>{"/bin/page", "x"}));
  EXPECT_EQ(read.alerts[1].on, std::vector<std::string>{"attack"});
  Config next = read;
  next.alerts[0].url = "https://hooks.example.org/OTHER";
  EXPECT_EQ(texts(compare(read, next)), std::vector<std::string>{"alert \"a\" url"});
  EXPECT_EQ(compare(read, next).front().text().find("OTHER"), std::string::npos);
  next.alerts[0].url = "https://elsewhere.example.org/OTHER";
  EXPECT_EQ(compare(read, next).front().text(),
            "alert \"a\" url https://hooks.example.org/... -> https://elsewhere.example.org/...");
  next.alerts.pop_back();
  EXPECT_EQ(texts(compare(read, next)).back(), "alert \"b\"");
}

TEST(alerts, that_cannot_be_are_refused_without_their_secret) {
  const auto error = [](const std::string& keys) {
    const auto read = parse("[[alert]]\n" + keys, "floodwall.toml");
    return read ? std::string() : read.error().message;
  };
  EXPECT_NE(error("name = \"a\"\n").find("goes nowhere"), std::string::npos);
  EXPECT_NE(error("name = \"a\"\nurl = \"http://h/\"\nmail = \"root\"\n").find("has one of"),
            std::string::npos);
  for (const char* url : {"ftp://TOKEN@h", "TOKEN", "http://h/TO KEN", "https://"}) {
    const std::string said = error(fmt::format("name = \"a\"\nurl = \"{}\"\n", url));
    EXPECT_NE(said.find("floodwall.toml:3:1: alert.url: must"), std::string::npos) << said;
    EXPECT_EQ(said.find("TO"), std::string::npos) << said;
  }
  EXPECT_NE(error("name = \"a\"\ncommand = \"page\"\n"), "");
  EXPECT_NE(error("name = \"a\"\nmail = \"-oQ/tmp@x\"\n"), "");
  EXPECT_NE(error("name = \"a\"\nmail = \"root\"\non = \"atack\"\n"), "");
  EXPECT_NE(error("name = \"a\"\nmail = \"root\"\n[[alert]]\nname = \"a\"\nmail = \"root\"\n")
                .find("is taken at floodwall.toml:2"),
            std::string::npos);
}

TEST(keys, are_in_the_starter_file) {
  const std::string text = starter_text({"auto"}, Mode::enforce);
  for_each_plain_group([&](const auto& group, auto) {
    const std::size_t from = text.find(fmt::format("[{}]", group.path));
    ASSERT_NE(from, std::string::npos) << group.path;
    const std::string section = text.substr(from, text.find("\n\n", from) - from);
    for (const auto& key : group.keys)
      EXPECT_NE(section.find(fmt::format("\n{} ", key.name)),
                section.find(fmt::format("\n# {} ", key.name)))
          << group.path << "." << key.name;
  });
}

// How many members a struct has, by how many it can be initialised with.
struct Anything {
  template <typename T>
  operator T() const;  // NOLINT(google-explicit-constructor): its whole purpose
};
template <typename Struct, typename... Members>
consteval std::size_t members() {
  if constexpr (requires { Struct{Members{}..., Anything{}}; })
    return members<Struct, Members..., Anything>();
  else
    return sizeof...(Members);
}

TEST(keys, fill_every_member) {
  for_each_plain_group([&]<typename Record>(const KeyGroup<Record>& group, auto) {
    EXPECT_EQ(members<Record>(), group.keys.size()) << "[" << group.path << "]";
  });
  EXPECT_EQ(members<Limit>(), kLimitKeys.size());
  EXPECT_EQ(members<Budget>(), kBudgetKeys.size());
  EXPECT_EQ(members<Service>(), kServiceKeys.size() + 1) << "and its limits";
  EXPECT_EQ(members<Alert>(), kAlertKeys.size());
  EXPECT_EQ(members<PrefixLimit>(), kPrefixKeys.size() + 1) << "and its limits";
  std::size_t groups = 0;
  for_each_plain_group([&](const auto&, auto) { groups++; });
  EXPECT_EQ(members<Config>(), kTopKeys.size() + groups + 5)
      << "limits, prefix, budgets, services, alerts";
}

}  // namespace
