// SPDX-License-Identifier: MIT
// Who ordered what, as events: each change that somebody asks for over the API, done or refused.
// Its volume is bounded for each user and verb, so that a user can neither fill the log nor hide
// one order behind many of another kind; what is not written one by one is counted. Reads no clock.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "base/now.hpp"
#include "control/dispatch.hpp"
#include "control/request.hpp"
#include "engine/journal/journal.hpp"

namespace fw::daemon {

class OrderLog {
 public:
  // The journal is borrowed. `users` is read for each event: only names that are in that file are
  // known, as a name service may keep its caller waiting.
  explicit OrderLog(engine::Journal& journal, std::filesystem::path users = "/etc/passwd")
      : journal_(journal), users_(std::move(users)) {}

  // `result`: "done", or the word of the error's kind.
  void add(const control::Request& request, const control::Peer& peer, std::string_view result,
           const Now& now);
  // Ten times a second. Writes the sums that are due: ten seconds after the first order that was
  // not written.
  void summarise(const Now& now);

  // Whether an event is the audit's.
  [[nodiscard]] static bool is_part(engine::EventType type) {
    return type == engine::EventType::order || type == engine::EventType::orders_summed;
  }

 private:
  struct Tally {
    std::uint64_t tat_ns = 0;  // theoretical arrival time (GCRA)
    std::uint64_t count = 0, refused = 0, due_ns = 0;
  };
  using Key = std::pair<uid_t, std::string_view>;  // user and verb

  [[nodiscard]] Tally& tally_of(const Key& key, const Now& now);
  [[nodiscard]] std::string user_name(uid_t uid) const;

  engine::Journal& journal_;
  std::filesystem::path users_;
  std::map<Key, Tally> tallies_;
};

}  // namespace fw::daemon
