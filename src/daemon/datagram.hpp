// SPDX-License-Identifier: MIT
// Datagrams to a local service (the system journal, the service manager). Sending never blocks; a
// service that is missing or too slow does not get the message.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/fd.hpp"

namespace fw::daemon {

class Datagram {
 public:
  // `path`: of a Unix socket; a leading '@' means the abstract namespace (unix(7)).
  explicit Datagram(std::string path) : path_(std::move(path)) {}

  // False: it was not delivered.
  bool send(std::string_view message);

 private:
  std::string path_;
  UniqueFd socket_;
};

}  // namespace fw::daemon
