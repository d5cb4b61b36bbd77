// SPDX-License-Identifier: MIT
// `floodwall` without a process: what is asked of the daemon for which command line, and which exit
// status.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>
#include <vector>

#include "base/version.hpp"
#include "cli/completion.hpp"
#include "cli/run.hpp"

namespace {

using fw::ErrorKind;
using nlohmann::json;

// In place of what src/floodwall does.
fw::Result<int> show_line(const fw::cli::CommandLine& line, fw::cli::World& world) {
  world.out << line.command->syntax.name;
  for (const std::string& argument : line.arguments) world.out << " " << argument;
  for (const auto& [name, value] : line.options) world.out << " " << name << "=" << value;
  return 7;
}
fw::Result<int> fail_here(const fw::cli::CommandLine&, fw::cli::World&) {
  return fw::fail(ErrorKind::not_permitted, "needs root");
}
constexpr std::array<fw::cli::LocalCommand, 4> kLocal{{
    {"replay", show_line},
    {"setup", show_line},
    {"suggest", show_line},
    {"selftest", fail_here},
}};

// A run against a daemon that gives prepared replies.
struct Session {
  struct Call {
    std::string socket, verb;
    json request;
  };
  std::vector<fw::Result<json>> replies{json::object()};  // the last one stays
  std::vector<Call> calls;
  std::vector<fw::control::Request> lists;  // those that travelled as lines
  std::string input;
  std::string out, err;
  int pauses = 0;  // before `events -f` ends

  int operator()(std::vector<std::string> arguments) {
    std::istringstream in(input);
    std::ostringstream to, to_err;
    fw::cli::World world{
        .in = in,
        .out = to,
        .err = to_err,
        .style = {},
        .socket = "/run/x.sock",
        .call = [this](const std::filesystem::path& socket, std::string_view verb,
                       const json& request) -> fw::Result<json> {
          calls.push_back({socket.native(), std::string(verb), request});
          return replies.at(std::min(calls.size(), replies.size()) - 1);
        },
        .call_list = [this](const std::filesystem::path&,
                            const fw::control::Request& request) -> fw::Result<json> {
          lists.push_back(request);
          return replies.at(std::min(lists.size(), replies.size()) - 1);
        },
        .pause = [this] { return pauses-- > 0; },
    };
    const int status = fw::cli::run(arguments, kLocal, world);
    out = to.str();
    err = to_err.str();
    return status;
  }
};

// ------------------------------------------------------------- command lines

TEST(command_lines, become_requests) {
  struct Case {
    std::vector<std::string> line;
    const char* verb;
    json request;
  };
  const std::vector<Case> cases{
      {{"status"}, "status", json::object()},
      {{"list", "bans"}, "list", {{"what", {"bans"}}}},
      {{"ban", "203.0.113.7", "--for", "1h", "2001:db8::/32", "--force"},
       "ban",
       {{"address", {"203.0.113.7", "2001:db8::/32"}}, {"for", "1h"}, {"force", true}}},
      {{"ban", "--for=7d", "203.0.113.7"}, "ban", {{"address", {"203.0.113.7"}}, {"for", "7d"}}},
      {{"ban", "203.0.113.7", "--reason", "[a, b]"},
       "ban",
       {{"address", {"203.0.113.7"}}, {"reason", "[a, b]"}}},
      {{"unban", "--all"}, "unban", {{"all", true}}},
      {{"mode", "observe"}, "mode", {{"mode", {"observe"}}}},
      {{"mode"}, "mode", json::object()},
      {{"events", "--since", "1h"}, "events", {{"since", "1h"}}},
      {{"allow", "--", "192.0.2.1"}, "allow", {{"address", {"192.0.2.1"}}}},
  };
  for (const Case& c : cases) {
    Session run;
    EXPECT_EQ(run(c.line), 0) << run.err;
    ASSERT_EQ(run.calls.size(), 1U);
    EXPECT_EQ(run.calls[0].verb, c.verb);
    EXPECT_EQ(run.calls[0].request, c.request);
    EXPECT_EQ(run.calls[0].socket, "/run/x.sock");
  }
}

TEST(command_lines, that_are_wrong_ask_nothing_and_say_what_is_right) {
  struct Case {
    std::vector<std::string> line;
    const char* says;
  };
  const std::vector<Case> cases{
      {{}, "which command?"},
      {{"bna", "192.0.2.1"}, "no command \"bna\": did you mean \"ban\"?"},
      {{"block", "192.0.2.1"}, "floodwall ban ADDRESS"},
      {{"stop"}, "floodwall mode off"},
      {{"reload"}, "floodwall apply"},
      {{"log"}, "floodwall events -f"},
      {{"show"}, "floodwall list bans"},
      {{"--socket", "/x", "stauts"}, "did you mean \"status\"?"},
      {{"--jsno", "status"}, "did you mean \"--json\"?"},
      {{"ban", "192.0.2.1", "--forevr"}, "did you mean \"--forever\"?"},
      {{"ban"}, "needs at least 1 address"},
      {{"ban", "192.0.2.1", "--for"}, "--for"},
      {{"ban", "192.0.2.1", "--for", "1h", "--for", "2h"}, "--for: At Most 1 required"},
      {{"ban", "192.0.2.1", "--for", "soon"}, "not a duration"},
      {{"status", "now"}, "status takes no \"now\""},
      {{"mode", "enfroce"}, "did you mean \"enforce\"?"},
      {{"list", "bans", "deny"}, "list takes no \"deny\""},
      {{"replay"}, "needs 1 file"},
      {{"replay", "a", "--protcet", "192.0.2.1"}, "did you mean \"--protect\"?"},
      {{"selftest", "--ban-time", "soon"}, "not a duration"},
      {{"setup", "--socket", "/x"}, "no option \"--socket\""},
  };
  for (const Case& c : cases) {
    Session run;
    EXPECT_EQ(run(c.line), 2);
    EXPECT_TRUE(run.calls.empty());
    EXPECT_TRUE(run.err.starts_with("floodwall: ")) << run.err;
    EXPECT_NE(run.err.find(c.says), std::string::npos) << run.err;
    EXPECT_EQ(run.out, "");
  }
}

TEST(command_lines, take_json_and_socket_before_and_after_the_command) {
  for (const std::vector<std::string>& line :
       {std::vector<std::string>{"--json", "--socket", "/s", "status"},
        std::vector<std::string>{"status", "--json", "--socket=/s"}}) {
    Session run;
    run.replies = {json{{"healthy", true}}};
    EXPECT_EQ(run(line), 0);
    EXPECT_EQ(run.calls.at(0).socket, "/s");
    EXPECT_EQ(run.out, "{\n  \"healthy\": true\n}\n");
  }
}

TEST(command_lines, read_addresses_from_standard_input_in_one_call) {
  Session run;
  run.input = "# feed\n192.0.2.1\r\n\n  192.0.2.2 # home\n";
  for (int i = 0; i < 50'000; ++i) run.input += "2001:db8::1\n";
  EXPECT_EQ(run({"ban", "192.0.2.9", "-"}), 0);
  EXPECT_TRUE(run.calls.empty());
  ASSERT_EQ(run.lists.size(), 1U);
  const std::vector<std::string>& addresses = run.lists[0].arguments;
  EXPECT_EQ(addresses.size(), 50'003U);
  EXPECT_EQ(addresses.at(0), "192.0.2.9");
  EXPECT_EQ(addresses.at(1), "192.0.2.1");
  EXPECT_EQ(addresses.at(2), "192.0.2.2");
}

TEST(command_lines, ask_to_be_brief_about_more_addresses_than_they_print) {
  Session run;
  run.replies = {json{{"count", 21}, {"changed", 20}}};
  for (int i = 0; i < 20; ++i) run.input += "192.0.2.1\n";
  EXPECT_EQ(run({"ban", "-"}), 0);
  EXPECT_FALSE(run.calls.at(0).request.contains("brief"));
  run.input += "192.0.2.1\n";
  EXPECT_EQ(run({"ban", "-", "--for", "1h"}), 0);
  EXPECT_EQ(run.out, "ban: 21 addresses, 20 changed\n");
  EXPECT_EQ(run.lists.at(0).option("for"), "1h");
  EXPECT_TRUE(run.lists.at(0).flag("brief"));
  EXPECT_EQ(run({"ban", "-", "--json"}), 0);
  EXPECT_FALSE(run.lists.at(1).flag("brief")) << "--json prints an answer for each";
  EXPECT_EQ(run({"why", "-"}), 0);
  EXPECT_FALSE(run.lists.at(2).flag("brief"));
}

TEST(command_lines, refuse_an_address_of_two_lines_among_many) {
  Session run;
  std::vector<std::string> arguments(22, "192.0.2.1");
  arguments.front() = "ban";
  arguments.back() = "192.0.2.1\n192.0.2.2";
  EXPECT_EQ(run(arguments), 2);
  EXPECT_TRUE(run.lists.empty());
}

TEST(command_lines, with_nothing_on_standard_input_succeed_without_a_call) {
  Session run;
  run.input = "# empty today\n";
  EXPECT_EQ(run({"ban", "-"}), 0);
  EXPECT_TRUE(run.calls.empty());
}

TEST(exit_status, is_the_kind_of_the_error) {
  for (const ErrorKind kind : {ErrorKind::failed, ErrorKind::usage, ErrorKind::not_running,
                               ErrorKind::not_permitted, ErrorKind::invalid_config}) {
    Session run;
    run.replies = {fw::fail(kind, "so it is")};
    EXPECT_EQ(run({"status"}), static_cast<int>(kind));
    EXPECT_EQ(run.err, "floodwall: so it is\n");
    EXPECT_EQ(run.out, "");
  }
  Session run;
  run.replies = {fw::fail(ErrorKind::refused, "203.0.113.1 is your gateway")};
  EXPECT_EQ(run({"ban", "203.0.113.1", "--json"}), 5);
  EXPECT_EQ(run.err, "refused: 203.0.113.1 is your gateway\n");
  EXPECT_EQ(json::parse(run.out).at("error").at("exit"), 5);
}

TEST(help, names_every_command_and_every_option) {
  Session run;
  EXPECT_EQ(run({"--help"}), 0);
  for (const auto& command : fw::cli::kCommands)
    EXPECT_NE(run.out.find(command.syntax.summary), std::string::npos) << command.syntax.name;
  for (const auto& [syntax, asks, group, notes] : fw::cli::kCommands) {
    EXPECT_EQ(run({std::string(syntax.name), "--help"}), 0);
    EXPECT_NE(run.out.find(fmt::format("Usage: floodwall {}", syntax.name)), std::string::npos);
    EXPECT_NE(run.out.find(notes), std::string::npos) << run.out;
    for (const auto& option : syntax.options)
      EXPECT_NE(run.out.find(fmt::format("--{}", option.name)), std::string::npos) << run.out;
    EXPECT_EQ(run.out.find("--socket") != std::string::npos, asks != nullptr) << run.out;
  }
  EXPECT_TRUE(run.calls.empty());
}

TEST(documents, name_no_command_that_is_not_there) {
  for (const char* name : {"README.md", "docs/api.md", "docs/configuration.md", "docs/replay.md"}) {
    std::ifstream file(std::string(FLOODWALL_SOURCE "/") + name);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    EXPECT_FALSE(text.empty()) << name;
    const std::regex quoted("`(?:sudo )?floodwall ([a-z]+)");
    for (std::sregex_iterator found(text.begin(), text.end(), quoted), end; found != end; ++found)
      EXPECT_NE(fw::cli::find_command((*found)[1].str()), nullptr) << name << ": " << found->str();
  }
}

TEST(documents, of_the_api_describe_every_verb_and_option) {
  std::ifstream file(FLOODWALL_SOURCE "/docs/api.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  for (const auto& verb : fw::control::kVerbs) {
    EXPECT_TRUE(std::regex_search(text, std::regex(fmt::format("\n### .*\\b{}\\b", verb.name))))
        << verb.name;
    for (const auto& option : verb.options)
      EXPECT_TRUE(text.find(fmt::format("`{}`", option.name)) != std::string::npos ||
                  text.find(fmt::format("\"{}\":", option.name)) != std::string::npos)
          << verb.name << " " << option.name;
  }
}

TEST(help, tells_the_version) {
  Session run;
  EXPECT_EQ(run({"--version"}), 0);
  EXPECT_EQ(run.out, fmt::format("floodwall {}\n", fw::kVersion));
}

TEST(commands, verbs_of_the_api_are_all_among_them) {
  for (const auto& verb : fw::control::kVerbs) {
    const auto* const command = fw::cli::find_command(verb.name);
    ASSERT_NE(command, nullptr) << verb.name;
    EXPECT_EQ(command->asks->name, verb.name);
  }
}

TEST(local_commands, get_their_line_held_to_the_table_and_give_the_exit_status) {
  Session run;
  EXPECT_EQ(run({"setup", "--interface", "eth0", "--yes", "--interface=eth1"}), 7) << run.err;
  EXPECT_EQ(run.out, "setup interface=eth0 interface=eth1 yes=");
  EXPECT_EQ(run({"suggest", "a.pcap", "--protect", "192.0.2.1"}), 7) << run.err;
  EXPECT_EQ(run.out, "suggest a.pcap protect=192.0.2.1") << "though the API has a verb suggest";
  EXPECT_TRUE(run.calls.empty());
}

TEST(local_commands, fail_as_the_others_do) {
  Session run;
  EXPECT_EQ(run({"selftest", "--json"}), 4);
  EXPECT_EQ(run.err, "floodwall: needs root\n");
  EXPECT_EQ(json::parse(run.out).at("error").at("kind"), "not_permitted");
}

// -------------------------------------------------------------------- events

TEST(following_events, asks_for_what_came_after_the_last) {
  Session run;
  run.replies = {
      json{{"events", {{{"text", "one"}}, {{"text", "two"}}}}, {"next", "2"}},
      json{{"events", json::array()}, {"next", 2}},
      fw::fail(ErrorKind::not_running, "gone"),
      json{{"events", {{{"text", "three"}}}}, {"next", "3"}},
  };
  run.pauses = 3;
  EXPECT_EQ(run({"events", "-f", "--since", "1h"}), 0);
  EXPECT_EQ(run.out, "one\ntwo\nthree\n");
  EXPECT_EQ(run.err, "floodwall: the daemon has gone; waiting for it\n");
  ASSERT_EQ(run.calls.size(), 4U);
  EXPECT_EQ(run.calls[0].request, (json{{"since", "1h"}}));
  EXPECT_EQ(run.calls[1].request, (json{{"after", "2"}}));
  EXPECT_EQ(run.calls[3].request, (json{{"after", "2"}}));
}

TEST(following_events, as_json_gives_one_object_a_line) {
  Session run;
  run.replies = {json{{"events", {{{"id", 1}}, {{"id", 2}}}}, {"next", "2"}}};
  EXPECT_EQ(run({"events", "--follow", "--json"}), 0);
  EXPECT_EQ(run.out, "{\"id\":1}\n{\"id\":2}\n");
}

TEST(following_events, ends_if_there_is_no_daemon_to_begin_with) {
  Session run;
  run.replies = {fw::fail(ErrorKind::not_running, "gone")};
  run.pauses = 3;
  EXPECT_EQ(run({"events", "-f"}), 3);
  EXPECT_EQ(run.calls.size(), 1U);
}

// ---------------------------------------------------------------- completion

// The words that bash offers at the end of `line`.
std::string bash_offers(const std::string& script, const std::string& line) {
  std::string path = (std::filesystem::temp_directory_path() / "fw-complete-XXXXXX").native();
  const int fd = ::mkstemp(path.data());
  if (fd < 0) return "no temporary file";
  ::close(fd);
  std::ofstream(path) << script << "COMP_WORDS=(" << line
                      << ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_floodwall\n"
                         "echo \"${COMPREPLY[*]}\"\n";
  FILE* const pipe = ::popen(("bash --norc " + path).c_str(), "r");
  std::array<char, 1000> text{};
  const std::size_t length = pipe != nullptr ? std::fread(text.data(), 1, text.size(), pipe) : 0;
  if (pipe != nullptr) ::pclose(pipe);
  std::filesystem::remove(path);
  return {text.data(), length};
}

TEST(bash_completion, offers_what_the_table_holds) {
  const std::string script = fw::cli::completion("bash").value();
  EXPECT_EQ(bash_offers(script, "floodwall st"), "status\n");
  EXPECT_EQ(bash_offers(script, "floodwall re"), "replay\n");
  EXPECT_EQ(bash_offers(script, "floodwall --json --socket /x li"), "list\n");
  EXPECT_EQ(bash_offers(script, "floodwall mode o"), "observe off\n");
  EXPECT_EQ(bash_offers(script, "floodwall ban 192.0.2.1 --fo"), "--for --forever --force\n");
  EXPECT_EQ(bash_offers(script, "floodwall ban --for 1"), "\n");
  EXPECT_EQ(bash_offers(script, "floodwall events --fo"), "--follow\n");
  EXPECT_EQ(bash_offers(script, "floodwall completion z"), "zsh\n");
  EXPECT_EQ(bash_offers(script, "floodwall setup --s"), "\n") << "it asks no daemon";
}

TEST(completion, of_every_shell_names_every_command_and_option) {
  for (const std::string_view shell : fw::cli::kShells) {
    const std::string script = fw::cli::completion(shell).value();
    for (const auto& command : fw::cli::kCommands) {
      EXPECT_NE(script.find(command.syntax.name), std::string::npos) << command.syntax.name;
      for (const auto& option : command.syntax.options)
        EXPECT_NE(script.find(option.name), std::string::npos) << shell << " " << option.name;
    }
  }
  EXPECT_FALSE(fw::cli::completion("tcsh"));
}

}  // namespace
