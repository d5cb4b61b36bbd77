// SPDX-License-Identifier: MIT
#include "web/sessions.hpp"

#include <algorithm>

namespace fw::web {
namespace {

Address source_of(const Address& from) {
  return from.is_v4() ? from : masked(from, 64);
}

}  // namespace

Result<std::string> Sessions::open(Role role, std::uint64_t now_ns) {
  auto secret = random_text();
  if (!secret) return secret;
  if (sessions_.size() >= kMostSessions)
    sessions_.erase(std::ranges::min_element(sessions_, {},
                                             [](const auto& each) { return each.second.used_ns; }));
  sessions_[digest(*secret)] = {.role = role, .since_ns = now_ns, .used_ns = now_ns};
  return secret;
}

std::optional<Role> Sessions::find(std::string_view secret, std::uint64_t now_ns) {
  const auto found = sessions_.find(digest(secret));
  if (found == sessions_.end()) return std::nullopt;
  Session& session = found->second;
  if (now_ns - session.used_ns > kIdleNs || now_ns - session.since_ns > kLongestNs) {
    sessions_.erase(found);
    return std::nullopt;
  }
  session.used_ns = now_ns;
  return session.role;
}

bool FailedTries::may_try(const Address& from, std::uint64_t now_ns) const {
  const auto found = tries_.find(source_of(from));
  return found == tries_.end() || found->second.count < kTries ||
         now_ns - found->second.since_ns > kTriesNs;
}

void FailedTries::failed(const Address& from, std::uint64_t now_ns) {
  const Address source = source_of(from);
  if (tries_.size() >= kMostTriers && !tries_.contains(source))
    tries_.erase(std::ranges::min_element(tries_, {},
                                          [](const auto& each) { return each.second.since_ns; }));
  Tries& tries = tries_[source];
  if (tries.count == 0 || now_ns - tries.since_ns > kTriesNs) tries = {now_ns, 0};
  ++tries.count;
}

}  // namespace fw::web
