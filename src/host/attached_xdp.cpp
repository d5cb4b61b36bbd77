// SPDX-License-Identifier: MIT
#include "host/attached_xdp.hpp"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <libmnl/libmnl.h>
#include <sys/socket.h>

#include <span>

#include "host/netlink.hpp"

namespace fw::host {

Result<std::vector<std::string>> interfaces_with_xdp() {
  auto netlink = Netlink::open(NETLINK_ROUTE);
  if (!netlink) return std::unexpected(netlink.error());
  std::vector<std::string> found;
  const ifinfomsg links{};
  const auto done =
      netlink->dump(RTM_GETLINK, std::as_bytes(std::span(&links, 1)), [&](const nlmsghdr& message) {
        if (message.nlmsg_type != RTM_NEWLINK) return;
        std::string name;
        bool attached = false;
        for_each_attribute(message, sizeof(ifinfomsg), [&](const nlattr& attribute) {
          if (mnl_attr_get_type(&attribute) == IFLA_IFNAME) name = mnl_attr_get_str(&attribute);
          if (mnl_attr_get_type(&attribute) != IFLA_XDP) return;
          for_each_nested(attribute, [&](const nlattr& inner) {
            if (mnl_attr_get_type(&inner) == IFLA_XDP_ATTACHED)
              attached = mnl_attr_get_u8(&inner) != XDP_ATTACHED_NONE;
          });
        });
        if (attached) found.push_back(std::move(name));
      });
  if (!done) return std::unexpected(done.error());
  return found;
}

}  // namespace fw::host
