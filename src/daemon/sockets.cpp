// SPDX-License-Identifier: MIT
#include "daemon/sockets.hpp"

#include <netinet/in.h>

#include <atomic>

#include "datapath/address_key.hpp"
#include "datapath/datapath.hpp"
#include "policy/policy.h"

namespace fw::daemon {
namespace {

constexpr std::size_t kPorts = std::size_t{FW_PORT_LINES} * FW_LINE_BYTES;     // TCP's, then UDP's
constexpr std::size_t kServed = std::size_t{FW_SERVED_LINES} * FW_LINE_BYTES;  // and protocols

bool is_loopback(const Address& address) {
  return address.is_v4() ? address.v4_number() >> 24 == 127 : address == Address{0, 1};
}

}  // namespace

Result<std::size_t> establish_flows(datapath::Datapath& datapath, const Now& now) {
  const auto sockets = host::connected_sockets();
  if (!sockets) return std::unexpected(sockets.error());
  fw_env env = datapath.tables().env(datapath.config());
  std::size_t established = 0;
  for (const host::Socket& socket : *sockets) {
    if (!may_be_peer(socket.remote)) continue;  // never arrives on an uplink
    fw_policy_flow_establish(&env, key_of(socket.remote), socket.remote_port, key_of(socket.local),
                             socket.local_port, socket.proto, now.mono_ns);
    ++established;
  }
  return established;
}

void mark_listening(std::span<fw_port_line> served, const std::vector<host::Socket>& listeners,
                    const std::set<std::uint8_t>& protocols) {
  std::vector<fw_u8> wanted(kServed);
  for (const std::uint8_t protocol : protocols) wanted[kPorts + protocol] = FW_PORT_LISTENS;
  for (const host::Socket& socket : listeners) {
    if (is_loopback(socket.local)) continue;
    wanted[(socket.proto == IPPROTO_UDP ? kPorts / 2 : 0) + socket.local_port] |=
        FW_PORT_LISTENS |
        (socket.receive_bytes >= FW_LARGE_RCVBUF_BYTES ? FW_PORT_LARGE_RCVBUF : 0);
  }
  for (std::size_t i = 0; i < kServed && i / FW_LINE_BYTES < served.size(); i++) {
    const std::atomic_ref<fw_u8> known(served[i / FW_LINE_BYTES].value[i % FW_LINE_BYTES]);
    fw_u8 was = known.load(std::memory_order_relaxed);
    const auto is =
        static_cast<fw_u8>((was & ~(FW_PORT_LISTENS | FW_PORT_LARGE_RCVBUF)) | wanted[i]);
    // The policy may set FW_PORT_ANSWERS at this moment. Then the exchange fails, the policy's
    // write stands, and the next call tries again.
    if (is != was) known.compare_exchange_strong(was, is);
  }
}

}  // namespace fw::daemon
