// SPDX-License-Identifier: MIT
// The one table of `floodwall`'s commands, those that ask the daemon and those that need none. The
// parser, the help and the shell completion come from it. A command of the daemon's takes its row
// from the API's table (control/verbs.hpp); the code of the others is in src/floodwall.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "control/verbs.hpp"

namespace fw::cli {

using control::Option;

struct Command {
  control::Verb syntax;                 // what the command line understands
  const control::Verb* asks = nullptr;  // what the daemon is asked; null: nothing, ever
  std::string_view group;               // the heading in the help
  std::string_view notes{};             // the end of its own help
};

inline constexpr std::array<Option, 3> kGlobalOptions{{
    {"json", "", "print the reply as JSON"},
    {"socket", "PATH", "the daemon's socket (or $FLOODWALL_SOCKET)"},
    {"help", "", "print this help"},
}};

inline constexpr std::array<std::string_view, 3> kShells{"bash", "zsh", "fish"};

inline constexpr Option kFollow{"follow", "", "go on and print what happens (or -f)"};
inline constexpr auto kEventsOptions = [] {
  std::array<Option, control::kEventOptions.size() + 1> all{};
  std::ranges::copy(control::kEventOptions, all.begin());
  all.back() = kFollow;
  return all;
}();

inline constexpr std::array<Option, 2> kTopOptions{{
    {"interval", "DURATION", "how often to look, 200ms to 1m (default 1s)"},
    {"once", "", "print one frame as text and end; also what a pipe gets"},
}};

inline constexpr Option kProtect{"protect", "ADDR,...", "this host's addresses in the capture",
                                 true};
inline constexpr std::array<Option, 2> kSuggestOptions{{
    kProtect,
    {"config", "FILE", "compare with this floodwall.toml (default: the built-in settings)"},
}};
inline constexpr std::array<Option, 5> kReplayOptions{{
    kProtect,
    {"config", "FILE", "use this floodwall.toml (default: the built-in settings, no lists)"},
    {"profile", "NAME", "who decides: default, or seed (the limiter Floodwall grew out of)"},
    {"capacity", "RATE",
     "what a service bears above its budget, such as 10k/s; default 0: nothing"},
    {"verdicts", "FILE", "write a line for each packet: index, pass or drop, reason"},
}};
inline constexpr std::array<Option, 2> kAttackOptions{{
    {"abuse-mail", "PREFIX", "print a mail about this source, or those in this prefix"},
    {"geo", "FILE",
     "countries and networks from this MMDB file (default: those in /usr/share/GeoIP and "
     "/var/lib/GeoIP)",
     true},
}};
inline constexpr std::array<Option, 4> kSetupOptions{{
    {"interface", "IF", "protect this interface instead of the uplink (may be repeated)", true},
    {"observe", "", "only report: write mode = \"observe\""},
    {"yes", "", "do not ask before writing"},
    {"config", "FILE", "write this file (default: /etc/floodwall/floodwall.toml)"},
}};
inline constexpr std::array<Option, 2> kSelftestOptions{{
    {"ban-time", "DURATION", "how long the flooder is banned (default: 2s)"},
    {"keep-log", "", "leave the daemon's log in ./floodwall-selftest.log"},
}};

inline constexpr std::array<Option, 3> kDoctorOptions{{
    {"all", "", "show what is ok as well"},
    {"fail-on", "SEVERITY", "exit status 1 from this on: warning (default) or problem"},
    {"config", "FILE", "the daemon's floodwall.toml (default: /etc/floodwall/floodwall.toml)"},
}};

inline constexpr std::string_view kLook = "See what happens";
inline constexpr std::string_view kAct = "Change what passes";
inline constexpr std::string_view kConfigure = "Configure";
inline constexpr std::string_view kHere = "Without the daemon";

// The row of a command that is a verb of the API and nothing more.
consteval Command verb_of_daemon(std::string_view name, std::string_view group) {
  return {.syntax = *control::find_verb(name), .asks = control::find_verb(name), .group = group};
}

consteval Command events_command() {
  Command command = verb_of_daemon("events", kLook);
  command.syntax.options = kEventsOptions;
  return command;
}

consteval Command alert_command() {
  Command command = verb_of_daemon("alert", kConfigure);
  command.notes =
      "floodwall alert test [NAME] says what each target answered. Exit status 1 if one failed.";
  return command;
}

inline constexpr std::array kCommands{
    verb_of_daemon("status", kLook),
    Command{
        .syntax = {.name = "top",
                   .summary = "watch it live: rates, budgets, sources; ban or allow by key",
                   .options = kTopOptions},
        .asks = control::find_verb("status"),
        .group = kLook,
        .notes =
            "Keys: up, down select a source; b bans it for an hour, B until it is unbanned, "
            "u unbans,\n"
            "a allows it for an hour, A for good (allow.list); each asks first. d: by what is "
            "dropped,\n"
            "or by packets. p: sources or prefixes. q ends it. Colours: not with NO_COLOR set. "
            "Classes:\n"
            "docs/reasons.md; USED is of the fullest budget of the class.",
    },
    verb_of_daemon("list", kLook),
    verb_of_daemon("why", kLook),
    Command{
        .syntax = {.name = "attack",
                   .summary = "report an attack: when, how much, who, how it was stopped",
                   .argument = "id",
                   .at_least = 0,
                   .at_most = 1,
                   .options = kAttackOptions},
        .asks = control::find_verb("attack"),
        .group = kLook,
        .notes = "Without ID: the attack that goes on, else the last one. As Markdown, or --json.\n"
                 "An abuse mail is written only for a source whose address cannot be forged.",
    },
    events_command(),
    verb_of_daemon("metrics", kLook),
    verb_of_daemon("ban", kAct),
    verb_of_daemon("unban", kAct),
    verb_of_daemon("allow", kAct),
    verb_of_daemon("unallow", kAct),
    verb_of_daemon("signature", kAct),
    verb_of_daemon("mode", kAct),
    Command{
        .syntax = {.name = "check",
                   .summary = "check a configuration and its lists, without using them",
                   .argument = "file",
                   .at_least = 0,
                   .at_most = 1},
        .asks = control::find_verb("check"),
        .group = kConfigure,
        .notes = "Without FILE the running daemon checks its own configuration; if none runs,\n"
                 "/etc/floodwall/floodwall.toml is checked here, with your rights.",
    },
    verb_of_daemon("apply", kConfigure),
    verb_of_daemon("confirm", kConfigure),
    alert_command(),
    verb_of_daemon("settings", kConfigure),
    verb_of_daemon("web", kConfigure),
    verb_of_daemon("baseline", kConfigure),
    Command{
        .syntax = {.name = "suggest",
                   .summary = "write budgets for floodwall.toml from normal load or a capture",
                   .argument = "file",
                   .at_least = 0,
                   .at_most = 1,
                   .options = kSuggestOptions},
        .asks = control::find_verb("suggest"),
        .group = kConfigure,
        .notes =
            "Without FILE: from the normal load that floodwalld saw since its first start. With a\n"
            "capture of a time without attacks: from that, with neither privilege nor daemon. "
            "Save\n"
            "the output in conf.d beside floodwall.toml, then: floodwall check, floodwall apply.",
    },
    Command{
        .syntax = {.name = "setup",
                   .summary = "look at this host and write its first configuration",
                   .options = kSetupOptions},
        .group = kHere,
        .notes =
            "On a terminal it asks what this machine is, shows what it would write, and tries it\n"
            "for two minutes if the daemon runs. Replaces no file but its own conf.d/setup.toml.",
    },
    Command{
        .syntax = {.name = "selftest",
                   .summary = "prove, in network namespaces, that this kernel blocks a flood",
                   .options = kSelftestOptions},
        .group = kHere,
        .notes = "Needs root. Touches nothing of this host and leaves nothing behind.",
    },
    Command{
        .syntax = {.name = "doctor",
                   .summary = "look at this host: what a flood would find, and what mends it",
                   .options = kDoctorOptions},
        .asks = control::find_verb("status"),
        .group = kHere,
        .notes = "Changes nothing. Needs neither the daemon nor root, and says what it could not "
                 "see.\n"
                 "Exit status: 0 if nothing is worse than a note, 1 for a warning or problem.",
    },
    Command{
        .syntax = {.name = "replay",
                   .summary = "say what Floodwall would have done with a capture",
                   .argument = "file",
                   .at_least = 1,
                   .at_most = 1,
                   .options = kReplayOptions},
        .group = kHere,
        .notes = "Judges a capture (pcap or pcapng, also gzip-compressed; - is standard input) as\n"
                 "floodwalld would have, on the capture's own clock. Touches nothing, needs no "
                 "privilege.\n"
                 "Exit status 1 also for a capture that is damaged.",
    },
    Command{
        .syntax = {.name = "completion",
                   .summary = "print the completion script of a shell",
                   .argument = "shell",
                   .at_least = 1,
                   .at_most = 1,
                   .choices = kShells},
        .group = kHere,
    },
    Command{
        .syntax = {.name = "version", .summary = "print the version"},
        .group = kHere,
    },
};

// Null if there is none of that name.
[[nodiscard]] constexpr const Command* find_command(std::string_view name) {
  for (const Command& command : kCommands)
    if (command.syntax.name == name) return &command;
  return nullptr;
}

}  // namespace fw::cli
