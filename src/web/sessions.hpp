// SPDX-License-Identifier: MIT
// Who has logged in, and who tried in vain. Both are bounded; time is an argument, in nanoseconds
// of the clock that does not step. No threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/address.hpp"
#include "base/now.hpp"
#include "web/tokens.hpp"

namespace fw::web {

// All judgement.
inline constexpr std::size_t kMostSessions = 128;
inline constexpr std::uint64_t kIdleNs = 2 * 3600 * kSecond, kLongestNs = 24 * 3600 * kSecond;
inline constexpr unsigned kTries = 5;  // in vain, of a source a minute
inline constexpr std::uint64_t kTriesNs = 60 * kSecond;
inline constexpr std::size_t kMostTriers = 1024;

class Sessions {
 public:
  // The secret of the cookie. When there are too many, the one that was used least lately ends.
  [[nodiscard]] Result<std::string> open(Role role, std::uint64_t now_ns);
  // None: there is no such session, or it is over. It counts as used.
  [[nodiscard]] std::optional<Role> find(std::string_view secret, std::uint64_t now_ns);
  void close(std::string_view secret) { sessions_.erase(digest(secret)); }
  void close_all() { sessions_.clear(); }
  [[nodiscard]] std::size_t size() const { return sessions_.size(); }

 private:
  struct Session {
    Role role;
    std::uint64_t since_ns, used_ns;
  };
  std::map<Digest, Session> sessions_;
};

class FailedTries {
 public:
  // A source is an address, or an IPv6 /64.
  [[nodiscard]] bool may_try(const Address& from, std::uint64_t now_ns) const;
  void failed(const Address& from, std::uint64_t now_ns);

 private:
  struct Tries {
    std::uint64_t since_ns = 0;
    unsigned count = 0;
  };
  std::map<Address, Tries> tries_;
};

}  // namespace fw::web
