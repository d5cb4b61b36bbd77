// SPDX-License-Identifier: MIT
#include "host/link_type.hpp"

#include <linux/if_arp.h>  // and linux/if.h, which net/if.h contradicts

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/fd.hpp"

namespace fw::host {

namespace {

LinkHeader header_of(unsigned arphrd) {
  switch (arphrd) {
    case ARPHRD_ETHER:
    case ARPHRD_LOOPBACK:
      return LinkHeader::ethernet;
    case ARPHRD_NONE:  // tun, WireGuard, XFRM
    case ARPHRD_PPP:
    case ARPHRD_RAWIP:  // modems
    case ARPHRD_SLIP:
    case ARPHRD_CSLIP:
    case ARPHRD_TUNNEL:
    case ARPHRD_TUNNEL6:
    case ARPHRD_SIT:
    case ARPHRD_IPGRE:
    case ARPHRD_IP6GRE:
      return LinkHeader::none;
    default:
      return LinkHeader::other;
  }
}

}  // namespace

Result<LinkType> link_type(const std::string& interface) {
  ifreq request{};
  if (interface.size() >= sizeof request.ifr_name)
    return fail_errno("read the type of " + interface, ENODEV);
  std::memcpy(request.ifr_name, interface.data(), interface.size());
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.valid() || ::ioctl(socket.get(), SIOCGIFHWADDR, &request) != 0)
    return fail_errno("read the type of " + interface, errno);
  const unsigned arphrd = request.ifr_hwaddr.sa_family;
  return LinkType{.header = header_of(arphrd), .arphrd = arphrd};
}

}  // namespace fw::host
