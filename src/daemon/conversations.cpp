// SPDX-License-Identifier: MIT
#include "daemon/conversations.hpp"

#include "datapath/address_key.hpp"
#include "host/sockets.hpp"
#include "policy/policy.h"

namespace fw::daemon {

Result<std::size_t> prove_conversations(datapath::Datapath& datapath, const Now& now) {
  const auto sockets = host::connected_sockets();
  if (!sockets) return std::unexpected(sockets.error());
  fw_env env = datapath.tables().env(datapath.config());
  std::size_t verified = 0;
  for (const host::Socket& socket : *sockets) {
    if (is_special(socket.remote)) continue;  // never arrives on an uplink
    fw_policy_flow_establish(&env, key_of(socket.remote), socket.remote_port, key_of(socket.local),
                             socket.local_port, socket.proto, now.mono_ns);
    ++verified;
  }
  return verified;
}

}  // namespace fw::daemon
