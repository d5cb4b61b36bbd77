// SPDX-License-Identifier: MIT
// The API's one table of verbs: its routes, the check of a request and the daemon's dispatch come
// from it, and most of the command line (cli/command_table.hpp). engine/commands.cpp holds the
// handler of each verb.
//
// A verb travels as POST /v1/VERB with a JSON object: its arguments as an array of strings under
// the name of the argument, its options under theirs (strings; flags are true). The reply is the
// verb's JSON object, or {"error": {"kind": "refused", "exit": 5, "message": "..."}}.
#pragma once

#include <array>
#include <span>
#include <string_view>

namespace fw::control {

// Whether GET will do too, and the right that it takes: members of api.read_group may only read.
enum class Access { read, change };

struct Option {
  std::string_view name;   // "for"
  std::string_view value;  // "DURATION"; empty: a flag
  std::string_view help;
  bool repeats = false;  // may be given more than once (no option of the API may)
};

struct Verb {
  std::string_view name;
  std::string_view summary;                     // a line, imperative, no full stop
  std::string_view argument{};                  // name of the positional arguments; empty: none
  std::size_t at_least = 0, at_most = 0;        // how many of them
  std::span<const std::string_view> choices{};  // what an argument may be; empty: anything
  std::span<const Option> options{};
  Access access = Access::read;
  bool bare_shows = false;  // without arguments and options it changes nothing
};

inline constexpr std::size_t kMany = 100'000;
inline constexpr std::array<std::string_view, 9> kLists{
    "bans", "deny", "allow", "exempt", "signatures", "attacks", "sources", "ports", "all"};
inline constexpr std::array<Option, 1> kListOptions{{
    {"by", "ORDER", "sources and ports: by packets (default), or by what is dropped of them"},
}};
inline constexpr std::array<std::string_view, 3> kModes{"observe", "enforce", "off"};
inline constexpr std::array<Option, 1> kWhyOptions{{
    {"port", "PORT", "of what it sends there, as udp/27015"},
}};
inline constexpr Option kBrief{"brief", "", "answer with counts, not with a line per address"};
inline constexpr std::array<Option, 5> kBanOptions{{
    {"for", "DURATION", "how long (30s 10m 1h 7d); default: until it is unbanned"},
    {"forever", "", "until it is unbanned: the default"},
    {"reason", "TEXT", "why; shown by why, list and the log; replaces an earlier one"},
    {"force", "", "even if it is exempt, allowed or one of this host's own"},
    kBrief,
}};
inline constexpr std::array<Option, 3> kUnbanOptions{{
    {"all", "", "every ban"},
    {"strict", "", "fail if an address is not banned"},
    kBrief,
}};
inline constexpr std::array<Option, 3> kAllowOptions{{
    {"for", "DURATION", "only for this long; else it is added to allow.list"},
    {"comment", "TEXT", "written beside the entry"},
    kBrief,
}};
inline constexpr std::array<Option, 2> kUnallowOptions{{
    {"strict", "", "fail if an address is not allowed"},
    kBrief,
}};
inline constexpr std::array<Option, 1> kModeOptions{{
    {"force", "", "enforce even if your SSH session or what this host needs would be cut off"},
}};
inline constexpr std::array<Option, 3> kApplyOptions{{
    {"confirm", "DURATION", "the former one returns after this time unless floodwall confirm"},
    {"accept", "", "take list files as they are, however little is left of them"},
    {"force", "", "even if your SSH session or what this host needs would be cut off"},
}};
inline constexpr std::array<Option, 2> kSignatureOptions{{
    {"remove", "", "take it out; it is not found again during this attack"},
    {"pin", "", "keep it in force even when nothing matches it"},
}};
inline constexpr std::array<Option, 1> kBaselineOptions{{
    {"reset", "", "forget it: budgets are as configured until an hour of normal load was seen"},
}};
inline constexpr std::array<Option, 8> kEventOptions{{
    {"address", "PREFIX", "about an address in it, or a prefix around it"},
    {"type", "TYPE,...", "of these types: Ban, AttackStart ... (docs/events.md)"},
    {"attack", "ID", "of an attack that list attacks shows, and of its signatures"},
    {"from", "TIME", "from 03:15 (the last one, UTC) or 2026-05-01T03:15 on"},
    {"until", "TIME", "before that"},
    {"since", "DURATION", "only those of the last 1h, 30m ..."},
    {"after", "N", "only those after this id (for following)"},
    {"limit", "N", "at most so many, the newest (default 1000)"},
}};

inline constexpr std::array<std::string_view, 1> kWebOrders{"token"};
inline constexpr std::array<Option, 1> kWebOptions{{
    {"read", "", "token: one that may look, and change nothing (also for /metrics)"},
}};

inline constexpr std::array kVerbs{
    Verb{.name = "status",
         .summary = "show what goes on now: rates, attack, problems, interfaces, counters"},
    Verb{.name = "list",
         .summary = "show bans, lists, attacks; the heaviest sources or ports of the last 10 s",
         .argument = "what",
         .at_most = 1,
         .choices = kLists,
         .options = kListOptions},
    Verb{.name = "why",
         .summary = "say what happens to an address's packets, and which rule decides it",
         .argument = "address",
         .at_least = 1,
         .at_most = kMany,
         .options = kWhyOptions},
    Verb{.name = "ban",
         .summary = "drop every packet from addresses or prefixes",
         .argument = "address",
         .at_least = 1,
         .at_most = kMany,
         .options = kBanOptions,
         .access = Access::change},
    Verb{.name = "unban",
         .summary = "lift the bans of addresses",
         .argument = "address",
         .at_most = kMany,
         .options = kUnbanOptions,
         .access = Access::change},
    Verb{.name = "allow",
         .summary = "never drop packets from addresses or prefixes, and lift their bans",
         .argument = "address",
         .at_least = 1,
         .at_most = kMany,
         .options = kAllowOptions,
         .access = Access::change},
    Verb{.name = "unallow",
         .summary = "take addresses off the allow list",
         .argument = "address",
         .at_least = 1,
         .at_most = kMany,
         .options = kUnallowOptions,
         .access = Access::change},
    Verb{.name = "mode",
         .summary = "show or set the mode; off detaches from every interface at once",
         .argument = "mode",
         .at_most = 1,
         .choices = kModes,
         .options = kModeOptions,
         .access = Access::change,
         .bare_shows = true},
    Verb{.name = "check",
         .summary = "check the configuration and lists on disk, and what apply would refuse"},
    Verb{.name = "apply",
         .summary = "check the configuration and lists on disk and use them from now on",
         .options = kApplyOptions,
         .access = Access::change},
    Verb{.name = "confirm",
         .summary = "keep the configuration that apply --confirm put in force",
         .access = Access::change},
    Verb{.name = "signature",
         .summary = "remove or pin a signature that list signatures shows",
         .argument = "name",
         .at_least = 1,
         .at_most = 1,
         .options = kSignatureOptions,
         .access = Access::change},
    Verb{.name = "baseline",
         .summary = "show the normal load here, and the budgets learned from it",
         .options = kBaselineOptions,
         .access = Access::change,
         .bare_shows = true},
    Verb{.name = "suggest",
         .summary = "write budgets for floodwall.toml from the normal load here"},
    Verb{.name = "alert",
         .summary = "send a test message to every alert of the configuration, or to one",
         .argument = "what",
         .at_least = 1,
         .at_most = 2,
         .access = Access::change},
    Verb{.name = "metrics",
         .summary = "print counters and states for Prometheus (docs/metrics.md)"},
    Verb{.name = "attack",
         .summary = "report an attack: when, how much, who, how it was stopped",
         .argument = "id",
         .at_most = 1},
    Verb{.name = "events",
         .summary = "show what happened: attacks, bans, limits, reloads",
         .options = kEventOptions},
    Verb{.name = "settings",
         .summary = "show the settings in force, and the line of the file that each comes from"},
    Verb{.name = "web",
         .summary = "say where the web page is, or make a token to log in there",
         .argument = "what",
         .at_most = 1,
         .choices = kWebOrders,
         .options = kWebOptions,
         .access = Access::change,
         .bare_shows = true},
};

// Null if there is none of that name.
[[nodiscard]] constexpr const Verb* find_verb(std::string_view name) {
  for (const Verb& verb : kVerbs)
    if (verb.name == name) return &verb;
  return nullptr;
}

}  // namespace fw::control
