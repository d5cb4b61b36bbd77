// SPDX-License-Identifier: MIT
// The configuration: what every key means, and what is said about every mistake.
#include "config/config.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <array>
#include <filesystem>
#include <regex>
#include <sstream>

#include "base/file.hpp"
#include "config_good.hpp"

namespace {

using fw::config::Action;
using fw::config::Config;
using fw::config::DatapathKind;
using fw::config::Mode;
using fw::config::PortRange;
using fw::test::good;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

std::string bad(std::string_view toml) {
  const auto config = fw::config::parse(toml, "f");
  if (config) return "no problem found";
  EXPECT_EQ(config.error().kind, fw::ErrorKind::invalid_config);
  return config.error().message;
}

TEST(config, of_an_empty_file_is_the_default) {
  EXPECT_EQ(good(""), Config{});
}

TEST(config, every_key_is_read) {
  const Config c = good(R"(
mode = "observe"
interface = ["eth1", "eth2"]
datapath = "xdp"
keep_filtering = false
[ban]
time = "2m"
escalate = [1, 2]
memory = "12h"
prefix_v6 = 56
per_minute = 60
[exempt]
own_addresses = false
gateway = false
dns = false
dhcp = false
operator_sessions = false
[limit.default]
packets = { limit = "10k/s", ban_at = "20000/s", burst = "500ms" }
bytes = { limit = "25MB/s" }
syn = { limit = "none", ban_at = "none" }
udp = { ban_at = "5/s" }
[budget.tcp_syn]
limit = "40/s"
burst = 300
served_burst = 400
[budget.other]
limit = "none"
[detect]
signatures = false
syn_cookies = false
capacity = "5k/s"
learn = false
capture = false
scan_ports = 9
scan_ban = "10m"
[[service]]
name = "game"
port = "udp/27015"
packets = { limit = "1000/s", ban_at = "2000/s" }
ban_time = "5m"
[[service]]
name = "web"
port = ["tcp/80", "tcp+udp/8000-8999"]
action = "pass"
[lists]
allow = "mine.list"
deny = ["deny.list", "feeds/*.netset"]
[nfqueue]
queue = 5000

[tables]
sources = 1024
flows = 67108864
bans = 4096
[log]
folder = "/tmp/x"
rotate = "1MiB"
keep = 0
journal = false
[api]
group = "adm"
)");
  EXPECT_EQ(c.mode, Mode::observe);
  EXPECT_EQ(c.interfaces, (std::vector<std::string>{"eth1", "eth2"}));
  EXPECT_EQ(c.datapath, DatapathKind::xdp);
  EXPECT_FALSE(c.keep_filtering);
  EXPECT_EQ(c.nfqueue.queue, 5000U);
  EXPECT_EQ(c.ban, (fw::config::Ban{minutes{2}, {1, 2}, hours{12}, 56, 60}));
  EXPECT_EQ(c.exempt, (fw::config::Exempt{false, false, false, false, false}));
  EXPECT_EQ(c.limit_default[FW_METRIC_PACKETS],
            (fw::config::Limit{10'000, 20'000, milliseconds{500}}));
  EXPECT_EQ(c.limit_default[FW_METRIC_BYTES], (fw::config::Limit{25e6, {}, seconds{1}}));
  EXPECT_EQ(c.limit_default[FW_METRIC_SYN], (fw::config::Limit{{}, {}, milliseconds{2500}}));
  EXPECT_EQ(c.limit_default[FW_METRIC_UDP], (fw::config::Limit{{}, 5, seconds{1}}));
  EXPECT_EQ(c.limit_default[FW_METRIC_ICMP], Config::defaults()[FW_METRIC_ICMP]);
  EXPECT_EQ(c.budgets[FW_CLASS_TCP_SYN], (fw::config::Budget{40, 300, 400}));
  EXPECT_EQ(c.budgets[FW_CLASS_OTHER].limit, std::nullopt);
  EXPECT_EQ(c.budgets[FW_CLASS_UDP_NEW], Config::default_budgets()[FW_CLASS_UDP_NEW]);
  EXPECT_EQ(c.detect, (fw::config::Detect{.signatures = false,
                                          .learn = false,
                                          .syn_cookies = false,
                                          .capacity = 5000,
                                          .scan_ports = 9,
                                          .scan_ban = minutes{10},
                                          .capture = false}));
  ASSERT_EQ(c.services.size(), 2U);
  EXPECT_EQ(c.services[0].name, "game");
  EXPECT_EQ(c.services[0].ports, (std::vector<PortRange>{{true, 27'015, 27'015}}));
  EXPECT_EQ(c.services[0].ban_time, minutes{5});
  ASSERT_TRUE(c.services[0].limits);
  EXPECT_EQ((*c.services[0].limits)[FW_METRIC_PACKETS],
            (fw::config::Limit{1000, 2000, milliseconds{500}}));
  EXPECT_EQ((*c.services[0].limits)[FW_METRIC_BYTES], c.limit_default[FW_METRIC_BYTES])
      << "what a service does not say is inherited";
  EXPECT_EQ(c.services[1].ports,
            (std::vector<PortRange>{{false, 80, 80}, {false, 8000, 8999}, {true, 8000, 8999}}));
  EXPECT_EQ(c.services[1].action, Action::pass);
  EXPECT_FALSE(c.services[1].limits);
  EXPECT_FALSE(c.services[1].ban_time);
  EXPECT_EQ(c.lists.allow, std::vector<std::string>{"mine.list"});
  EXPECT_EQ(c.lists.deny, (std::vector<std::string>{"deny.list", "feeds/*.netset"}));
  EXPECT_EQ(c.tables, (fw::config::Tables{1024, 67'108'864, 4096}));
  EXPECT_EQ(c.log, (fw::config::Log{"/tmp/x", 1U << 20, 0, false}));
  EXPECT_EQ(c.api.group, "adm");
}

TEST(config, a_mistake_is_named_with_its_place_and_what_would_be_right) {
  constexpr std::array kCases{
      std::pair{"mode = \"on\"", "f:1:1: mode = \"on\": must be \"observe\" or \"enforce\""},
      std::pair{"mode = 1", "f:1:1: mode = 1: must be \"observe\" or \"enforce\""},
      std::pair{"mod = \"observe\"", "f:1:1: mod: unknown key; did you mean \"mode\"?"},
      std::pair{
          "[ban]\nmode = \"observe\"",
          "f:2:1: ban.mode: unknown key; \"mode\" is a key of the top: write it above the first "
          "[table]"},
      std::pair{"[bann]\ntime = \"1m\"", "f:1:2: bann: unknown key; did you mean \"ban\"?"},
      std::pair{"[ban]\ntiem = \"1m\"", "f:2:1: ban.tiem: unknown key; did you mean \"time\"?"},
      std::pair{"ban = 5", "f:1:1: ban = 5: must be a table"},
      std::pair{"keep_filtering = \"yes\"",
                "f:1:1: keep_filtering = \"yes\": must be true or false"},
      std::pair{
          "interface = \"an-interface-too-long\"",
          "f:1:1: interface = \"an-interface-too-long\": \"an-interface-too-long\" is no name "
          "of an interface"},
      std::pair{"interface = []",
                "f:1:1: interface = [...]: must be \"auto\" or name an interface"},
      std::pair{"interface = [\"auto\", \"eth1\"]",
                "f:1:1: interface = [...]: \"auto\" stands alone: it means every uplink"},
      std::pair{"interface = [\"eth1\", \"eth1\"]",
                "f:1:1: interface = [...]: \"eth1\" is named twice"},
      std::pair{"interface = [\"eth1\", 2]",
                "f:1:1: interface = [...]: must be text in quotes, not empty, or an array of such"},
      std::pair{"[ban]\ntime = 60",
                "f:2:1: ban.time = 60: must be a duration in quotes, such as \"60s\""},
      std::pair{
          "[ban]\ntime = \"60\"",
          "f:2:1: ban.time = \"60\": must be a duration such as \"30s\", \"10m\", \"1h30m\" or "
          "\"7d\""},
      std::pair{"[ban]\ntime = \"100ms\"", "f:2:1: ban.time = \"100ms\": must be 1s to 30d"},
      std::pair{"[ban]\nescalate = []",
                "f:2:1: ban.escalate = [...]: must be an array of numbers such as [1, 5, 30]"},
      std::pair{"[ban]\nescalate = [1, 0]",
                "f:2:16: ban.escalate: 0 must be a whole number from 1 to 100000"},
      std::pair{"[ban]\nescalate = [5, 1]",
                "f:2:1: ban.escalate = [...]: a later offence must not be held shorter than an "
                "earlier one"},
      std::pair{"[ban]\nprefix_v6 = 32",
                "f:2:1: ban.prefix_v6 = 32: must be a whole number from 48 to 128"},
      std::pair{"[ban]\nprefix_v6 = -1",
                "f:2:1: ban.prefix_v6 = -1: must be a whole number from 48 to 128"},
      std::pair{
          "[ban]\nper_minute = 9",
          "f:2:1: ban.per_minute = 9: must be a whole number from 10 to 1000000, or 0: no bans "
          "but those made by hand"},
      std::pair{"[limit.default]\nsyn = { limit = \"0/s\" }",
                "f:2:9: limit.default.syn.limit = \"0/s\": must be 0.125/s to 1M/s"},
      std::pair{"[limit.default]\nsyn = { limit = 5 }",
                "f:2:9: limit.default.syn.limit = 5: must be a rate in quotes, such as \"400/s\""},
      std::pair{"[limit.default]\nsyn = { limit = \"5\" }",
                "f:2:9: limit.default.syn.limit = \"5\": must be a rate such as \"400/s\" or "
                "\"20k/s\", or \"none\""},
      std::pair{
          "[limit.default]\nbytes = { limit = \"5/s\" }",
          "f:2:11: limit.default.bytes.limit = \"5/s\": must be a rate such as \"25MB/s\", or "
          "\"none\""},
      std::pair{"[limit.default]\nbytes = { ban_at = \"200GB/s\" }",
                "f:2:11: limit.default.bytes.ban_at = \"200GB/s\": must be 1kB/s to 100GB/s"},
      std::pair{"[limit.default]\nudp = { limit = \"5/s\", burst = \"9s\" }",
                "f:2:24: limit.default.udp.burst = \"9s\": must be 10ms to 8s"},
      std::pair{"[limit.default]\nudp = { limit = \"50/s\", ban_at = \"20/s\" }",
                "f:2:1: limit.default: ban_at (20/s) must not be below limit (50/s)"},
      std::pair{"[limit.default]\nsyn = { limit = \"5k/s\" }",
                "f:2:1: limit.default: ban_at (150/s, inherited) must not be below limit (5k/s)"},
      std::pair{"[limit.default]\nsyns = { limit = \"5/s\" }",
                "f:2:1: limit.default.syns: unknown key; did you mean \"syn\"?"},
      std::pair{"[limit.other]\n", "f:1:8: limit.other: unknown key; did you mean \"prefix\"?"},
      std::pair{"[limit.prefix]\nprefix_v4 = 32\n",
                "f:2:1: limit.prefix.prefix_v4 = 32: must be a whole number from 8 to 31"},
      std::pair{"[limit.prefix]\nprefix_v6 = 12\n",
                "f:2:1: limit.prefix.prefix_v6 = 12: must be a whole number from 16 to 127"},
      std::pair{"[limit.prefix]\nprefix_v6 = 64\nsyn = { limit = \"5/s\" }\n",
                "f:2:1: limit.prefix.prefix_v6 = 64: an IPv6 source is its first 64 bits "
                "(ban.prefix_v6): a prefix of several must be shorter"},
      std::pair{"[ban]\nprefix_v6 = 48\n[limit.prefix]\nsyn = { limit = \"5/s\" }\n",
                "f:3:1: limit.prefix.prefix_v6 = 48: an IPv6 source is its first 48 bits "
                "(ban.prefix_v6): a prefix of several must be shorter"},
      std::pair{"[limit.prefix]\nudp = { limit = \"50/s\", ban_at = \"20/s\" }",
                "f:2:1: limit.prefix: ban_at (20/s) must not be below limit (50/s)"},
      std::pair{"[limit.prefix]\nprefix = 24\n",
                "f:2:1: limit.prefix.prefix: unknown key; did you mean \"prefix_v4\"?"},
      std::pair{"[service]\nname = \"a\"",
                "f:1:2: service = {...}: must be tables: write [[service]]"},
      std::pair{"[[service]]\nport = \"tcp/80\"",
                "f:1:1: service.name: a service needs one, such as \"web\""},
      std::pair{"[[service]]\nname = \"\"\nport = \"tcp/80\"",
                "f:2:1: service.name = \"\": must not be empty"},
      std::pair{"[[service]]\nname = \"a b\"\nport = \"tcp/80\"",
                "f:2:1: service.name = \"a b\": must be at most 32 letters, digits, - _ or ."},
      std::pair{
          "[[service]]\nname = \"default\"\nport = \"tcp/80\"",
          "f:2:1: service.name = \"default\": is the name of [limit.default]: choose another"},
      std::pair{"[[service]]\nname = \"a\"",
                "f:1:1: service.port: a service needs one, such as \"tcp/80\""},
      std::pair{"[[service]]\nname = \"a\"\nport = \"tcp/80\"\naction = \"drop\"\nsyn = { limit = "
                "\"5/s\" }",
                "f:4:1: service.action = \"drop\": such a service has no limits: leave them out"},
      std::pair{"[[service]]\nname = \"a\"\nport = [\"tcp/80\", \"tcp/80-90\"]",
                "f:3:19: service \"a\": port \"tcp/80-90\" overlaps \"tcp/80\" of service \"a\" at "
                "f:3:9"},
      std::pair{"[[service]]\nname = \"a\"\nport = \"tcp+udp/80\"\n[[service]]\nname = "
                "\"b\"\nport = \"udp/1-100\"",
                "f:6:8: service \"b\": port \"udp/1-100\" overlaps \"tcp+udp/80\" of service \"a\" "
                "at f:3:8"},
      std::pair{"[[service]]\nname = \"a\"\nport = \"tcp/1\"\n[[service]]\nname = \"a\"\nport = "
                "\"udp/1\"",
                "f:5:1: service.name = \"a\": is taken at f:2:1"},
      std::pair{
          "[lists]\ndeny = [\"a\", \"\"]",
          "f:2:1: lists.deny = [...]: must be text in quotes, not empty, or an array of such"},
      std::pair{"[tables]\nsources = 300000",
                "f:2:1: tables.sources = 300000: must be a power of two; the nearest is 262144"},
      std::pair{"[nfqueue]\nqueue = 65521",
                "f:2:1: nfqueue.queue = 65521: must be a whole number from 0 to 65520"},
      std::pair{"[tables]\nbans = 400000",
                "f:2:1: tables.bans = 400000: must be a power of two; the nearest is 524288"},
      std::pair{"[tables]\nflows = 512",
                "f:2:1: tables.flows = 512: must be a whole number from 1024 to 67108864"},
      std::pair{"[log]\nfolder = \"log\"",
                "f:2:1: log.folder = \"log\": must be a path from the root, such as "
                "\"/var/log/floodwall\""},
      std::pair{"[log]\nrotate = \"1k\"",
                "f:2:1: log.rotate = \"1k\": must be a size from 64KiB to 10GiB, such as "
                "\"16MiB\""},
      std::pair{"[api]\ngroup = 0", "f:2:1: api.group = 0: must be text in quotes"},
      std::pair{"[web]\nlisten = \"8870\"",
                "f:2:1: web.listen = \"8870\": must be an address and a port, as "
                "\"127.0.0.1:8870\" or \"[::1]:8870\"; or \"off\""},
      std::pair{"[web]\nlisten = \"[::]:8870\"",
                "f:2:1: web.listen = \"[::]:8870\": others can reach it: set web.certificate and "
                "web.key, or listen on 127.0.0.1 and come by ssh -L"},
      std::pair{"[web]\nlisten = \"127.0.0.1:1\"\nkey = \"/k\"",
                "f:2:1: web: certificate and key go together: set both"},
  };
  for (const auto& [toml, message] : kCases) EXPECT_EQ(bad(toml), message) << toml;
}

TEST(config, a_service_port_must_be_a_protocol_and_ports) {
  for (const std::string port : {"80", "tcp", "tcp/", "tcp/0", "tcp/65536", "tcp/90-80", "sctp/1",
                                 "tcp/80-", "tcp/http", "TCP/80", "tcp/80,81"})
    EXPECT_EQ(bad("[[service]]\nname = \"a\"\nport = \"" + port + "\""),
              "f:3:8: service.port = \"" + port +
                  "\": must be a protocol and ports from 1 to 65535, such as \"tcp/80\", "
                  "\"udp/27015\", \"tcp/8000-8999\" or \"tcp+udp/53\"");
}

TEST(config, all_problems_are_reported_in_one_go) {
  EXPECT_EQ(bad("mode = \"on\"\n[ban]\ntime = 1\nfoo = 2\n[limit.default]\nicmp = { limit = "
                "\"0/s\" }\n"),
            "f:1:1: mode = \"on\": must be \"observe\" or \"enforce\"\n"
            "f:3:1: ban.time = 1: must be a duration in quotes, such as \"60s\"\n"
            "f:4:1: ban.foo: unknown key; did you mean \"time\"?\n"
            "f:6:10: limit.default.icmp.limit = \"0/s\": must be 0.125/s to 1M/s");
}

TEST(config, what_is_no_toml_is_reported_where_it_stops_being_it) {
  EXPECT_TRUE(bad("mode = \"observe\"\nkeep = = 1\n").starts_with("f:2:8: ")) << bad("a = = 1");
  EXPECT_TRUE(bad("mode = \"observe\"\nmode = \"enforce\"\n").starts_with("f:2:")) << "key twice";
  EXPECT_NE(bad("mode = \"\xff\xfe\""), "no problem found");
}

TEST(config, holds_254_services_and_no_more) {
  std::string text;
  for (int i = 1; i <= 254; i++)
    text += "[[service]]\nname = \"s" + std::to_string(i) + "\"\nport = \"tcp/" +
            std::to_string(i) + "\"\n";
  EXPECT_EQ(good(text).services.size(), 254U);
  text += "[[service]]\nname = \"last\"\nport = \"tcp/999\"\n";
  EXPECT_EQ(bad(text), "f:764:1: service: more than 254 services");
}

class ConfigFolder : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "fw-config-XXXXXX").native();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    std::filesystem::create_directory(folder_ / "conf.d");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void put(const std::string& name, std::string_view text) {
    ASSERT_TRUE(fw::write_file(folder_ / name, text));
  }
  [[nodiscard]] auto load() const { return fw::config::load(folder_ / "floodwall.toml"); }
  std::filesystem::path folder_;
};

TEST_F(ConfigFolder, later_files_override_single_keys_and_append_services) {
  put("floodwall.toml",
      "mode = \"observe\"\n[ban]\ntime = \"2m\"\nprefix_v6 = 56\n[limit.default]\nudp = { limit = "
      "\"100/s\", ban_at = \"200/s\" }\n[[service]]\nname = \"a\"\nport = \"tcp/1\"\nsyn = { limit "
      "= \"7/s\" }\n");
  put("conf.d/20-b.toml", "[ban]\ntime = \"4m\"\n[[service]]\nname = \"b\"\nport = \"tcp/2\"\n");
  put("conf.d/10-a.toml",
      "[ban]\ntime = \"3m\"\nmemory = \"2h\"\n[limit.default]\nudp = { ban_at = \"300/s\" }\n");
  put("conf.d/30-not-toml.bak", "nonsense");
  const auto config = load();
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->mode, Mode::observe);
  EXPECT_EQ(config->ban.time, minutes{4});
  EXPECT_EQ(config->ban.memory, hours{2});
  EXPECT_EQ(config->ban.prefix_v6, 56U);
  EXPECT_EQ(config->limit_default[FW_METRIC_UDP], (fw::config::Limit{100, 300, seconds{1}}));
  ASSERT_EQ(config->services.size(), 2U);
  EXPECT_EQ(config->services[1].name, "b");
  EXPECT_EQ((*config->services[0].limits)[FW_METRIC_UDP].ban_at, 300)
      << "a service inherits the default as it is in the end";
}

TEST_F(ConfigFolder, problems_name_the_file_they_are_in) {
  put("floodwall.toml", "mode = \"on\"\n[[service]]\nname = \"a\"\nport = \"tcp/1\"\n");
  put("conf.d/x.toml", "\n mod = 1\n[[service]]\nname = \"b\"\nport = \"tcp/1\"\n");
  put("conf.d/y.toml", "[");
  const auto config = load();
  ASSERT_FALSE(config);
  const std::string& message = config.error().message;
  EXPECT_TRUE(message.starts_with(
      "floodwall.toml:1:1: mode = \"on\": must be \"observe\" or \"enforce\"\n"
      "conf.d/x.toml:2:2: mod: unknown key; did you mean \"mode\"?\n"
      "conf.d/x.toml:5:8: service \"b\": port \"tcp/1\" overlaps \"tcp/1\" of service \"a\" at "
      "floodwall.toml:4:8\n"
      "conf.d/y.toml:1:2: "))
      << message;
}

TEST_F(ConfigFolder, a_missing_file_is_an_error) {
  const auto config = load();
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().message, "cannot read " + (folder_ / "floodwall.toml").native() +
                                        ": No such file or directory: floodwall setup "
                                        "writes a first one");
  EXPECT_EQ(config.error().kind, fw::ErrorKind::invalid_config);
}

TEST(starter_text, says_what_holds_anyway) {
  EXPECT_EQ(good(fw::config::starter_text({"auto"}, Mode::enforce)), Config{});
  Config expected;
  expected.mode = Mode::observe;
  expected.interfaces = {"eth1", "eth2"};
  EXPECT_EQ(good(fw::config::starter_text({"eth1", "eth2"}, Mode::observe)), expected);
}

// Every line that is a comment but could be a line of the file, made one.
std::string without_comment_marks(const std::string& text) {
  const std::regex line(R"(# (\[.*|\w+ *= .*))");
  std::istringstream in(text);
  std::string out;
  for (std::string one; std::getline(in, one);)
    out += (std::regex_match(one, line) ? one.substr(2) : one) + "\n";
  return out;
}

TEST(starter_text, gives_examples_that_are_valid) {
  const std::string text = without_comment_marks(fw::config::starter_text({"auto"}, Mode::enforce));
  Config config = good(text);
  ASSERT_EQ(config.services.size(), 1U);
  EXPECT_EQ(config.services[0].name, "game");
  EXPECT_EQ(config.limit_default[FW_METRIC_BYTES].limit, 25e6);
  EXPECT_EQ(config.limit_prefix.limits[FW_METRIC_PACKETS].ban_at, 200e3);
  // But for these examples the comments are defaults as well.
  ASSERT_EQ(config.alerts.size(), 1U);
  EXPECT_EQ(config.alerts[0].name, "oncall");
  config.services.clear();
  config.alerts.clear();
  config.limit_default = Config::defaults();
  config.limit_prefix = {};
  EXPECT_EQ(config, Config{});
}

TEST(starter_text, has_lines_of_at_most_100_columns) {
  std::istringstream text(fw::config::starter_text({"auto"}, Mode::enforce));
  for (std::string line; std::getline(text, line);) EXPECT_LE(line.size(), 100U) << line;
}

}  // namespace
