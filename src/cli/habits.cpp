// SPDX-License-Identifier: MIT
#include "cli/habits.hpp"

#include <algorithm>
#include <array>

namespace fw::cli {

namespace {

struct Habit {
  std::string_view word, instead;
};

constexpr std::string_view kBan = "floodwall ban ADDRESS";
constexpr std::string_view kAllow = "floodwall allow ADDRESS";
constexpr std::string_view kBans = "floodwall list bans";
constexpr std::string_view kStart =
    "floodwall mode enforce; the daemon: sudo systemctl start floodwall";
constexpr std::string_view kStop =
    "floodwall mode off, which detaches everything; without a daemon: sudo floodwalld --remove";

constexpr std::array kHabits{
    Habit{"accept", kAllow},
    Habit{"add", "floodwall ban ADDRESS, or floodwall allow ADDRESS"},
    Habit{"bans", kBans},
    Habit{"banned", kBans},
    Habit{"block", kBan},
    Habit{"blocked", kBans},
    Habit{"blacklist", kBan},
    Habit{"delete", "floodwall unban ADDRESS, or floodwall unallow ADDRESS"},
    Habit{"deny", kBan},
    Habit{"disable", kStop},
    Habit{"drop", kBan},
    Habit{"enable", kStart},
    Habit{"find", "floodwall why ADDRESS"},
    Habit{"grep", "floodwall why ADDRESS"},
    Habit{"info", "floodwall status"},
    Habit{"log", "floodwall events -f"},
    Habit{"logs", "floodwall events -f"},
    Habit{"off", kStop},
    Habit{"on", kStart},
    Habit{"reload", "floodwall apply"},
    Habit{"remove", "floodwall unban ADDRESS, or floodwall unallow ADDRESS"},
    Habit{"restart", "sudo systemctl restart floodwall; filtering goes on meanwhile"},
    Habit{"show", "floodwall status, or floodwall list bans"},
    Habit{"start", kStart},
    Habit{"stats", "floodwall status"},
    Habit{"stop", kStop},
    Habit{"tail", "floodwall events -f"},
    Habit{"test", "floodwall check, or floodwall selftest"},
    Habit{"unblock", "floodwall unban ADDRESS"},
    Habit{"whitelist", kAllow},
};

}  // namespace

std::string_view habit(std::string_view word) {
  const auto found = std::ranges::find(kHabits, word, &Habit::word);
  return found == kHabits.end() ? std::string_view{} : found->instead;
}

}  // namespace fw::cli
