// SPDX-License-Identifier: MIT
#include "daemon/order_log.hpp"

#include <fmt/format.h>
#include <pwd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <utility>
#include <vector>

namespace fw::daemon {
namespace {

using engine::Field;

// All are judgement: what a person can follow, and what a line may hold.
constexpr std::uint64_t kCostNs = kSecond;
constexpr std::uint64_t kBurstNs = 20 * kCostNs;
constexpr std::uint64_t kSumEveryNs = 10 * kSecond;
constexpr std::size_t kSumsAtOnce = 4;  // ten times a second: the journal takes 50 a second
constexpr std::size_t kMostTallies = 256;
constexpr std::size_t kMostArguments = 8;
constexpr std::size_t kLongestWord = 128;
// Of all users for whom there is no tally any more: a user namespace may have 65,536.
constexpr uid_t kOthers = static_cast<uid_t>(-1);

std::string_view cut(std::string_view text) {
  return text.substr(0, kLongestWord);
}

void add_word(std::string& words, std::string_view word) {
  words += fmt::format("{}{}{}", words.empty() ? "" : " ", cut(word),
                       word.size() > kLongestWord ? "..." : "");
}

std::string words_of(const control::Request& request) {
  std::string words;
  for (std::size_t i = 0; i < std::min(request.arguments.size(), kMostArguments); ++i)
    add_word(words, request.arguments[i]);
  if (request.arguments.size() > kMostArguments)
    add_word(words, fmt::format("and {} more", request.arguments.size() - kMostArguments));
  for (const auto& [name, value] : request.options) {
    add_word(words, fmt::format("--{}", name));
    if (!value.empty()) add_word(words, value);
  }
  return words;
}

}  // namespace

void OrderLog::add(const control::Request& request, const control::Peer& peer,
                   std::string_view result, const Now& now) {
  Tally& tally = tally_of({peer.uid, request.verb->name}, now);
  const std::uint64_t tat_ns = std::max(tally.tat_ns, now.mono_ns) + kCostNs;
  if (tat_ns > now.mono_ns + kBurstNs) {
    if (tally.count++ == 0) tally.due_ns = now.mono_ns + kSumEveryNs;
    if (result != "done") ++tally.refused;
    return;
  }
  tally.tat_ns = tat_ns;
  journal_.write(engine::EventType::order, now, [&] {
    engine::EventDetails details{"", {}};
    const auto add_text = [&](std::string_view key, const std::string& text) {
      if (!text.empty()) details.fields.push_back(Field::text(key, text));
    };
    if (peer.web.empty()) {
      details.fields.push_back(Field::count("uid", peer.uid));
      add_text("user", user_name(peer.uid));
      details.fields.push_back(Field::count("pid", static_cast<std::uint64_t>(peer.pid)));
    }
    add_text("web", peer.web);
    details.fields.push_back(Field::text("verb", request.verb->name));
    add_text("arguments", words_of(request));
    details.fields.push_back(Field::text("result", result));
    return details;
  });
}

void OrderLog::summarise(const Now& now) {
  std::size_t sums = 0;
  for (auto& [key, tally] : tallies_) {
    if (tally.count == 0 || now.mono_ns < tally.due_ns) continue;
    if (++sums > kSumsAtOnce) return;
    const auto& [uid, verb] = key;
    journal_.write(engine::EventType::orders_summed, now, [&] {
      engine::EventDetails details{"", {}};
      if (uid != kOthers) {
        details.fields.push_back(Field::count("uid", uid));
        if (const std::string name = user_name(uid); !name.empty())
          details.fields.push_back(Field::text("user", name));
      }
      details.fields.push_back(Field::text("verb", verb));
      details.fields.push_back(Field::count("count", tally.count));
      details.fields.push_back(Field::count("refused", tally.refused));
      return details;
    });
    tally.count = tally.refused = 0;
  }
}

OrderLog::Tally& OrderLog::tally_of(const Key& key, const Now& now) {
  if (const auto found = tallies_.find(key); found != tallies_.end()) return found->second;
  if (tallies_.size() < kMostTallies) return tallies_[key];
  // Who had nothing to say for a while has no claim on a place.
  std::erase_if(tallies_, [&](const auto& entry) {
    return entry.second.count == 0 && entry.second.tat_ns <= now.mono_ns;
  });
  return tallies_[tallies_.size() < kMostTallies ? key : Key{kOthers, key.second}];
}

std::string OrderLog::user_name(uid_t uid) const {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(users_.c_str(), "re"),
                                                             std::fclose);
  if (!file) return {};
  std::vector<char> buffer(4096);
  passwd entry{};
  passwd* found = nullptr;
  while (::fgetpwent_r(file.get(), &entry, buffer.data(), buffer.size(), &found) == 0)
    if (entry.pw_uid == uid) return entry.pw_name;
  return {};
}

}  // namespace fw::daemon
