// SPDX-License-Identifier: MIT
// The one table of commands. The API's routes, the daemon's dispatch, the CLI's parser, its help
// and shell completion all come from it; engine/commands.cpp holds the handler of each verb.
//
// A verb travels as POST /v1/VERB with a JSON object: its arguments as an array of strings under
// the name of the argument, its options under theirs (strings; flags are true). The reply is the
// verb's JSON object, or {"error": {"kind": "refused", "exit": 5, "message": "..."}}.
#pragma once

#include <array>
#include <span>
#include <string_view>

namespace fw::control {

enum class Access { read, change };  // change: root or a member of the API's group

struct Option {
  std::string_view name;   // "for"
  std::string_view value;  // "DURATION"; empty: a flag
  std::string_view help;
};

struct Verb {
  std::string_view name;
  std::string_view summary;                   // a line, imperative, no full stop
  std::string_view argument;                  // name of the positional arguments, empty: none
  std::size_t at_least, at_most;              // how many of them
  std::span<const std::string_view> choices;  // what an argument may be; empty: anything
  std::span<const Option> options;
  Access access;
};

inline constexpr std::size_t kMany = 100'000;
inline constexpr std::array<std::string_view, 7> kLists{"bans",       "deny",    "allow", "exempt",
                                                        "signatures", "attacks", "all"};
inline constexpr std::array<std::string_view, 3> kModes{"observe", "enforce", "off"};
inline constexpr Option kBrief{"brief", "",
                               "answer with the counts, not with a line for each address"};
inline constexpr std::array<Option, 5> kBanOptions{{
    {"for", "DURATION", "how long (30s 10m 1h 7d); default: ban.time"},
    {"forever", "", "until it is unbanned"},
    {"reason", "TEXT", "why; shown by why, list and the log"},
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
inline constexpr std::array<Option, 2> kSignatureOptions{{
    {"remove", "", "take it out; it is not found again during this attack"},
    {"pin", "", "keep it in force even when nothing matches it"},
}};
inline constexpr std::array<Option, 1> kBaselineOptions{{
    {"reset", "", "forget it: the budgets are the configured ones until an hour of peace was seen"},
}};
inline constexpr std::array<Option, 3> kEventOptions{{
    {"since", "DURATION", "only those of the last 1h, 30m ..."},
    {"after", "ID", "only those after this id (for following)"},
    {"limit", "N", "at most so many, the newest (default 1000)"},
}};

inline constexpr std::array kVerbs{
    Verb{"status",
         "what protects me, how, since when, and is anything wrong",
         "",
         0,
         0,
         {},
         {},
         Access::read},
    Verb{"list",
         "show bans, deny and allow entries, exemptions, signatures or attacks",
         "what",
         0,
         1,
         kLists,
         {},
         Access::read},
    Verb{"why",
         "every list, rule, counter and history that concerns an address",
         "address",
         1,
         kMany,
         {},
         {},
         Access::read},
    Verb{"ban",
         "drop everything from addresses or prefixes",
         "address",
         1,
         kMany,
         {},
         kBanOptions,
         Access::change},
    Verb{"unban", "let addresses back in", "address", 0, kMany, {}, kUnbanOptions, Access::change},
    Verb{"allow",
         "never drop addresses or prefixes; lifts their bans",
         "address",
         1,
         kMany,
         {},
         kAllowOptions,
         Access::change},
    Verb{"unallow",
         "take addresses off the allow list",
         "address",
         1,
         kMany,
         {},
         kUnallowOptions,
         Access::change},
    Verb{"mode",
         "show or set the mode; off detaches everything now",
         "mode",
         0,
         1,
         kModes,
         {},
         Access::change},
    Verb{"check", "is the configuration on disk valid?", "file", 0, 1, {}, {}, Access::read},
    Verb{"apply",
         "check the configuration and lists on disk and put them in force",
         "",
         0,
         0,
         {},
         {},
         Access::change},
    Verb{"signature",
         "remove or pin a signature that list signatures shows",
         "name",
         1,
         1,
         {},
         kSignatureOptions,
         Access::change},
    Verb{"baseline",
         "what is usual here, and the budgets that come of it",
         "",
         0,
         0,
         {},
         kBaselineOptions,
         Access::change},
    Verb{"suggest",
         "budgets for floodwall.toml, from what is usual here or in a capture",
         "",
         0,
         0,
         {},
         {},
         Access::read},
    Verb{"events",
         "what happened: bans, unbans, limits, reloads",
         "",
         0,
         0,
         {},
         kEventOptions,
         Access::read},
};

// Null if there is none of that name.
[[nodiscard]] constexpr const Verb* find_verb(std::string_view name) {
  for (const Verb& verb : kVerbs)
    if (verb.name == name) return &verb;
  return nullptr;
}

}  // namespace fw::control
