// SPDX-License-Identifier: MIT
// proc(5), Documentation/networking/statistics.rst, net/core/net-procfs.c,
// nf_conntrack_standalone.c
#include "host/pressure.hpp"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <libmnl/libmnl.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <functional>

#include "base/file.hpp"
#include "host/netlink.hpp"

namespace fw::host {

namespace {

constexpr std::size_t kSoftirqField = 7;  // of "cpu0 user nice system idle iowait irq softirq ..."
constexpr std::size_t kStealField = 8;    // the last that is not counted in another one as well
constexpr std::size_t kDropsField = 1, kSqueezesField = 2;  // of softnet_stat, hexadecimal

void for_each_line(std::string_view text, const std::function<void(std::string_view)>& then) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    then(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> out;
  while (true) {
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    if (line.empty()) return out;
    const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
    out.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

std::uint64_t number_of(const std::vector<std::string_view>& fields, std::size_t at, int base) {
  std::uint64_t number = 0;
  if (at < fields.size())
    std::from_chars(fields[at].data(), fields[at].data() + fields[at].size(), number, base);
  return number;
}

std::uint64_t ring_drops_of(std::span<const std::string> interfaces) {
  auto netlink = Netlink::open(NETLINK_ROUTE);
  if (!netlink) return 0;
  std::uint64_t drops = 0;
  const ifinfomsg links{};
  (void)netlink->dump(
      RTM_GETLINK, std::as_bytes(std::span(&links, 1)), [&](const nlmsghdr& message) {
        if (message.nlmsg_type != RTM_NEWLINK) return;
        std::string_view name;
        rtnl_link_stats64 stats{};
        for_each_attribute(message, sizeof(ifinfomsg), [&](const nlattr& attribute) {
          if (mnl_attr_get_type(&attribute) == IFLA_IFNAME)
            name = mnl_attr_get_str(&attribute);
          else if (mnl_attr_get_type(&attribute) == IFLA_STATS64)
            std::memcpy(&stats, mnl_attr_get_payload(&attribute),
                        std::min<std::size_t>(sizeof stats, mnl_attr_get_payload_len(&attribute)));
        });
        if (std::ranges::find(interfaces, name) == interfaces.end()) return;
        drops += stats.rx_missed_errors + stats.rx_fifo_errors + stats.rx_over_errors;
      });
  return drops;
}

}  // namespace

void add_cpu_times(std::string_view stat, Pressure& pressure) {
  for_each_line(stat, [&](std::string_view line) {
    if (!line.starts_with("cpu") || line.starts_with("cpu ")) return;
    const auto fields = fields_of(line);
    CpuTime time{.softirq = number_of(fields, kSoftirqField, 10)};
    for (std::size_t i = 1; i <= kStealField; i++) time.all += number_of(fields, i, 10);
    pressure.cpus.push_back(time);
  });
}

void add_softnet(std::string_view softnet_stat, Pressure& pressure) {
  for_each_line(softnet_stat, [&](std::string_view line) {
    const auto fields = fields_of(line);
    pressure.backlog_drops += number_of(fields, kDropsField, 16);
    pressure.squeezes += number_of(fields, kSqueezesField, 16);
  });
}

void add_conntrack(std::string_view nf_conntrack, Pressure& pressure) {
  std::vector<std::string_view> names;
  for_each_line(nf_conntrack, [&](std::string_view line) {
    const auto fields = fields_of(line);
    if (names.empty()) {
      names = fields;
      return;
    }
    for (std::size_t i = 0; i < names.size(); i++)
      if (names[i] == "insert_failed" || names[i] == "drop" || names[i] == "early_drop")
        pressure.conntrack_drops += number_of(fields, i, 16);
  });
}

// A line with the names, then one with the numbers.
void add_udp(std::string_view snmp, Pressure& pressure) {
  std::vector<std::string_view> names;
  for_each_line(snmp, [&](std::string_view line) {
    if (!line.starts_with("Udp: ")) return;
    const auto fields = fields_of(line);
    for (std::size_t i = 0; i < names.size(); i++)
      if (names[i] == "RcvbufErrors" || names[i] == "MemErrors")
        pressure.udp_full += number_of(fields, i, 10);
      else if (names[i] == "InDatagrams")
        pressure.udp_read += number_of(fields, i, 10);
    names = fields;
  });
}

void add_udp6(std::string_view snmp6, Pressure& pressure) {
  for_each_line(snmp6, [&](std::string_view line) {
    const auto fields = fields_of(line);
    if (!fields.empty() && (fields[0] == "Udp6RcvbufErrors" || fields[0] == "Udp6MemErrors"))
      pressure.udp_full += number_of(fields, 1, 10);
    else if (!fields.empty() && fields[0] == "Udp6InDatagrams")
      pressure.udp_read += number_of(fields, 1, 10);
  });
}

Pressure read_pressure(std::span<const std::string> interfaces) {
  Pressure pressure;
  if (const auto text = read_file("/proc/stat")) add_cpu_times(*text, pressure);
  if (const auto text = read_file("/proc/net/softnet_stat")) add_softnet(*text, pressure);
  if (const auto text = read_file("/proc/net/stat/nf_conntrack")) add_conntrack(*text, pressure);
  if (const auto text = read_file("/proc/net/snmp")) add_udp(*text, pressure);
  if (const auto text = read_file("/proc/net/snmp6")) add_udp6(*text, pressure);
  pressure.ring_drops = ring_drops_of(interfaces);
  return pressure;
}

}  // namespace fw::host
