// SPDX-License-Identifier: MIT
#include "host/network_card.hpp"

#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>

#include <libmnl/libmnl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "base/fd.hpp"
#include "base/file.hpp"
#include "host/netlink.hpp"

namespace fw::host {

namespace {

constexpr unsigned kMostFeatures = 256, kMostSpread = 4096;  // judgement: far above any driver's

class Ethtool {
 public:
  explicit Ethtool(const std::string& interface)
      : interface_(interface), socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}

  bool ask(void* request) const {
    ifreq about{};
    if (!socket_.valid() || interface_.size() >= sizeof about.ifr_name) return false;
    std::memcpy(&about.ifr_name[0], interface_.data(), interface_.size());
    about.ifr_data = static_cast<char*>(request);
    return ::ioctl(socket_.get(), SIOCETHTOOL, &about) == 0;
  }

 private:
  std::string interface_;
  UniqueFd socket_;
};

// A request of ethtool: a struct, then an array of `count` elements of `element_bytes`.
template <typename Head>
class Request {
 public:
  Request(std::size_t count, std::size_t element_bytes)
      : words_((sizeof(Head) + count * element_bytes + sizeof(std::uint64_t) - 1) /
               sizeof(std::uint64_t)) {}
  Head* head() { return reinterpret_cast<Head*>(words_.data()); }
  void* behind() { return reinterpret_cast<std::byte*>(words_.data()) + sizeof(Head); }

 private:
  std::vector<std::uint64_t> words_;
};

unsigned count_of_strings(const Ethtool& ethtool, unsigned set) {
  Request<ethtool_sset_info> info(1, sizeof(std::uint32_t));
  info.head()->cmd = ETHTOOL_GSSET_INFO;
  info.head()->sset_mask = 1ULL << set;
  if (!ethtool.ask(info.head()) || info.head()->sset_mask == 0) return 0;
  std::uint32_t count = 0;
  std::memcpy(&count, info.behind(), sizeof count);
  return count;
}

void read_features(const Ethtool& ethtool, NetworkCard& card) {
  const unsigned count = count_of_strings(ethtool, ETH_SS_FEATURES);
  if (count == 0 || count > kMostFeatures) return;
  Request<ethtool_gstrings> names(count, ETH_GSTRING_LEN);
  names.head()->cmd = ETHTOOL_GSTRINGS;
  names.head()->string_set = ETH_SS_FEATURES;
  names.head()->len = count;
  const unsigned blocks = (count + 31) / 32;
  Request<ethtool_gfeatures> values(blocks, sizeof(ethtool_get_features_block));
  values.head()->cmd = ETHTOOL_GFEATURES;
  values.head()->size = blocks;
  if (!ethtool.ask(names.head()) || !ethtool.ask(values.head())) return;
  const auto* name = static_cast<const char*>(names.behind());
  const auto* block = static_cast<const ethtool_get_features_block*>(values.behind());
  for (unsigned i = 0; i < count; i++, name += ETH_GSTRING_LEN) {
    const std::uint32_t bit = 1U << (i % 32);
    const ethtool_get_features_block& one = block[i / 32];
    const std::string key(name, ::strnlen(name, ETH_GSTRING_LEN));
    card.features[key] = (one.active & bit) != 0;
    card.changeable[key] = (one.available & bit) != 0 && (one.never_changed & bit) == 0;
  }
}

void read_spread(const Ethtool& ethtool, NetworkCard& card) {
  ethtool_rxfh_indir size{};
  size.cmd = ETHTOOL_GRXFHINDIR;
  if (!ethtool.ask(&size) || size.size == 0 || size.size > kMostSpread) return;
  Request<ethtool_rxfh_indir> table(size.size, sizeof(std::uint32_t));
  table.head()->cmd = ETHTOOL_GRXFHINDIR;
  table.head()->size = size.size;
  if (!ethtool.ask(table.head())) return;
  const auto* queue = static_cast<const std::uint32_t*>(table.behind());
  card.spread.assign(queue, queue + size.size);
}

}  // namespace

NetworkCard read_network_card(const std::string& interface) {
  NetworkCard card;
  const Ethtool ethtool(interface);
  read_features(ethtool, card);
  ethtool_channels channels{};
  channels.cmd = ETHTOOL_GCHANNELS;
  if (ethtool.ask(&channels)) {
    card.queues = channels.combined_count + channels.rx_count;
    card.combined = channels.max_combined != 0;
    card.most_queues = card.combined ? channels.max_combined : channels.max_rx;
  }
  ethtool_ringparam ring{};
  ring.cmd = ETHTOOL_GRINGPARAM;
  if (ethtool.ask(&ring)) {
    card.ring = ring.rx_pending;
    card.most_ring = ring.rx_max_pending;
  }
  read_spread(ethtool, card);
  if (const auto text = read_file("/proc/sys/net/ipv4/conf/" + interface + "/rp_filter", 16))
    card.strict_path = text->substr(0, text->find('\n'));
  return card;
}

std::map<unsigned, unsigned> lower_interfaces() {
  std::map<unsigned, unsigned> lower;
  auto netlink = Netlink::open(NETLINK_ROUTE);
  if (!netlink) return lower;
  const auto read = [&lower](const nlmsghdr& message) {
    if (message.nlmsg_type != RTM_NEWLINK ||
        mnl_nlmsg_get_payload_len(&message) < sizeof(ifinfomsg))
      return;
    const auto* header = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(&message));
    unsigned below = 0;
    std::string_view kind;
    for_each_attribute(message, sizeof *header, [&](const nlattr& attribute) {
      const unsigned type = mnl_attr_get_type(&attribute);
      if (type == IFLA_LINK) below = mnl_attr_get_u32(&attribute);
      if (type != IFLA_LINKINFO) return;
      for_each_nested(attribute, [&kind](const nlattr& inner) {
        if (mnl_attr_get_type(&inner) == IFLA_INFO_KIND) kind = mnl_attr_get_str(&inner);
      });
    });
    if (below != 0 && (kind == "vlan" || kind == "macvlan"))
      lower[static_cast<unsigned>(header->ifi_index)] = below;
  };
  const ifinfomsg every{};
  (void)netlink->dump(RTM_GETLINK, std::as_bytes(std::span(&every, 1)), read);
  return lower;
}

}  // namespace fw::host
