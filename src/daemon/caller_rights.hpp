// SPDX-License-Identifier: MIT
// Reading files with the rights of somebody else, so that nobody reads through the daemon what he
// may not read himself.
#pragma once

#include <sys/types.h>

#include <vector>

#include "base/error.hpp"

namespace fw::daemon {

// While it lives, the calling thread, and no other one, opens files as that user; it must end in
// the same thread. Root's rights are left as they are.
class CallerRights {
 public:
  // Fails with not_permitted if the process may not become that user; the rights are as before.
  [[nodiscard]] static Result<CallerRights> take(uid_t uid, gid_t gid,
                                                 const std::vector<gid_t>& groups);
  ~CallerRights();
  CallerRights(CallerRights&& other) noexcept;
  CallerRights& operator=(CallerRights&&) = delete;

 private:
  CallerRights() = default;
  bool taken_ = false;
  uid_t uid_ = 0;  // of the thread, before
  gid_t gid_ = 0;
  std::vector<gid_t> groups_;
};

}  // namespace fw::daemon
