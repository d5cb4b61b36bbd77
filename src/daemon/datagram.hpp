// SPDX-License-Identifier: MIT
// Datagrams to a service of this machine (the system journal, the service manager). Never blocks
// and never fails loudly: who is not there, or too slow, does not get the message.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/fd.hpp"

namespace fw::daemon {

class Datagram {
 public:
  // `path` is that of a Unix socket; a first '@' stands for the abstract namespace.
  explicit Datagram(std::string path) : path_(std::move(path)) {}

  // False: nobody took it.
  bool send(std::string_view message);

 private:
  std::string path_;
  UniqueFd socket_;
};

}  // namespace fw::daemon
