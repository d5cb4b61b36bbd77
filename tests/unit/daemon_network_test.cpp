// SPDX-License-Identifier: MIT
// What the daemon takes from the host's network: the interfaces it attaches to, the ports that
// listen.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "daemon/interfaces.hpp"
#include "daemon/sockets.hpp"
#include "harness/fake_datapath.hpp"

namespace {

using namespace fw;
using namespace fw::daemon;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// ------------------------------------------------------------------- interfaces

// Knows which interfaces it was told to attach; refuses one.
class Recorder : public test::FakeDatapath {
 public:
  Recorder() : FakeDatapath(1) {}

  Result<void> attach(const std::string& interface) override {
    if (interface == taken)
      return fail(ErrorKind::refused, interface + " already runs another XDP program");
    if (incapable) return fail("attach XDP to " + interface + ": Operation not supported");
    status[interface] = {.name = interface,
                         .attachment = datapath::Attachment::native,
                         .egress = true,
                         .problem = ""};
    return {};
  }
  void detach(const std::string& interface) override { status.erase(interface); }
  [[nodiscard]] std::vector<datapath::InterfaceStatus> interfaces() const override {
    std::vector<datapath::InterfaceStatus> out;
    for (const auto& [name, one] : status) out.push_back(one);
    return out;
  }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& [name, one] : status) out.push_back(name);
    return out;
  }

  std::string taken;
  bool incapable = false;
  std::map<std::string, datapath::InterfaceStatus> status;
};

host::Network network_of(const std::vector<std::string>& names,
                         const std::vector<std::string>& uplinks) {
  host::Network network;
  for (const std::string& name : names) network.interfaces.push_back({.name = name});
  for (const std::string& name : uplinks)
    network.default_routes.push_back({.has_gateway = true, .interface = name, .table = 254});
  return network;
}

TEST(Interfaces, auto_attaches_the_uplinks_and_new_ones_when_they_appear) {
  Recorder datapath;
  Interfaces interfaces;
  interfaces.update({"auto"}, network_of({"lo", "eth0", "eth1"}, {"eth0"}), datapath);
  EXPECT_THAT(datapath.names(), ElementsAre("eth0"));
  interfaces.update({"auto"}, network_of({"lo", "eth0", "eth1"}, {"eth0", "eth1"}), datapath);
  EXPECT_THAT(datapath.names(), ElementsAre("eth0", "eth1"));
  EXPECT_THAT(interfaces.problems(), IsEmpty());
}

TEST(Interfaces, auto_goes_on_protecting_an_uplink_whose_route_flaps) {
  Recorder datapath;
  Interfaces interfaces;
  interfaces.update({"auto"}, network_of({"eth0"}, {"eth0"}), datapath);
  interfaces.update({"auto"}, network_of({"eth0"}, {}), datapath);
  EXPECT_THAT(datapath.names(), ElementsAre("eth0"));
  interfaces.update({"auto"}, network_of({}, {}), datapath);
  EXPECT_THAT(datapath.names(), IsEmpty());
  EXPECT_THAT(interfaces.problems(), ElementsAre(HasSubstr("no uplink")));
}

TEST(Interfaces, named_interface_is_attached_once_it_appears) {
  Recorder datapath;
  Interfaces interfaces;
  interfaces.update({"up0"}, network_of({"eth0"}, {}), datapath);
  EXPECT_THAT(datapath.names(), IsEmpty());
  EXPECT_THAT(interfaces.problems(), ElementsAre(HasSubstr("up0: there is no such interface")));
  ASSERT_EQ(interfaces.unprotected().size(), 1U);
  EXPECT_EQ(interfaces.unprotected()[0].name, "up0");
  interfaces.update({"up0"}, network_of({"eth0", "up0"}, {}), datapath);
  EXPECT_THAT(datapath.names(), ElementsAre("up0"));
  EXPECT_THAT(interfaces.problems(), IsEmpty());
  EXPECT_TRUE(interfaces.unprotected().empty());
}

TEST(Interfaces, an_uplink_that_is_not_configured_is_named) {
  Recorder datapath;
  Interfaces interfaces;
  interfaces.update({"up0"}, network_of({"up0", "up1"}, {"up0", "up1"}), datapath);
  EXPECT_THAT(datapath.names(), ElementsAre("up0"));
  EXPECT_THAT(interfaces.problems(), ElementsAre(HasSubstr("up1 has a default route")));
}

TEST(Interfaces, a_card_that_was_renamed_with_its_program_is_not_called_unprotected) {
  Recorder datapath;
  Interfaces interfaces;
  host::Network network = network_of({"up0"}, {"up0"});
  network.interfaces[0].index = 7;
  interfaces.update({"up0"}, network, datapath);
  datapath.status["up0"].index = 7;
  network = network_of({"old0"}, {"old0"});
  network.interfaces[0].index = 7;
  interfaces.update({"up0"}, network, datapath);
  EXPECT_THAT(interfaces.problems(), ElementsAre(HasSubstr("up0: there is no such interface")));
  network.interfaces[0].index = 8;  // not that card
  interfaces.update({"up0"}, network, datapath);
  EXPECT_THAT(interfaces.problems(), ElementsAre(HasSubstr("up0: there is no such interface"),
                                                 HasSubstr("old0 has a default route")));
}

TEST(Interfaces, what_is_not_configured_any_more_is_detached) {
  Recorder datapath;
  Interfaces interfaces;
  const host::Network network = network_of({"up0", "up1"}, {});
  interfaces.update({"up0", "up1"}, network, datapath);
  interfaces.update({"up1"}, network, datapath);
  EXPECT_THAT(datapath.names(), ElementsAre("up1"));
}

TEST(Interfaces, one_that_cannot_be_attached_does_not_keep_the_others_open) {
  Recorder datapath;
  datapath.taken = "up0";
  Interfaces interfaces;
  interfaces.update({"up0", "up1"}, network_of({"up0", "up1"}, {}), datapath);
  EXPECT_THAT(datapath.names(), ElementsAre("up1"));
  EXPECT_THAT(interfaces.problems(), ElementsAre(HasSubstr("up0 already runs another")));
  ASSERT_EQ(interfaces.unprotected().size(), 1U);
  EXPECT_EQ(interfaces.unprotected()[0].name, "up0");
  EXPECT_THAT(interfaces.unprotected()[0].problem, HasSubstr("another XDP program"));
}

TEST(Interfaces, inability_is_told_from_an_interface_that_is_taken_or_gone) {
  Recorder datapath;
  datapath.taken = "up0";
  Interfaces interfaces;
  interfaces.update({"up0", "up9"}, network_of({"up0", "up1"}, {}), datapath);
  EXPECT_EQ(interfaces.inability(), "");
  datapath.incapable = true;
  interfaces.update({"up0", "up1"}, network_of({"up0", "up1"}, {}), datapath);
  EXPECT_THAT(interfaces.inability(), HasSubstr("up1: Operation not supported"));
  datapath.incapable = false;
  interfaces.update({"up0", "up1"}, network_of({"up0", "up1"}, {}), datapath);
  EXPECT_EQ(interfaces.inability(), "");
  datapath.incapable = true;
  interfaces.update({"up1", "up2"}, network_of({"up1", "up2"}, {}), datapath);
  EXPECT_EQ(interfaces.inability(), "") << "it is able to protect one of them";
}

// ------------------------------------------------------------------- ports that listen

struct ServedPorts {
  fw_u8& at(bool udp, unsigned port) {
    const std::size_t index = (udp ? 65'536U : 0U) + port;
    return lines[index / FW_LINE_BYTES].value[index % FW_LINE_BYTES];
  }
  std::vector<fw_port_line> lines{FW_SERVED_LINES};
};

host::Socket listener(const char* local, std::uint16_t port, std::uint8_t proto) {
  return {.local = Address::parse(local).value(), .local_port = port, .proto = proto};
}

TEST(listening, ports_are_marked_while_a_socket_listens) {
  ServedPorts served;
  mark_listening(served.lines, {listener("0.0.0.0", 514, 17), listener("::", 65'535, 6),
                                listener("192.0.2.1", 2055, 17), listener("fe80::1", 546, 17)});
  EXPECT_EQ(served.at(true, 514), FW_PORT_LISTENS);
  EXPECT_EQ(served.at(false, 65'535), FW_PORT_LISTENS);
  EXPECT_EQ(served.at(true, 2055), FW_PORT_LISTENS);
  EXPECT_EQ(served.at(true, 546), FW_PORT_LISTENS);
  EXPECT_EQ(served.at(false, 514), FW_PORT_CLOSED);
  mark_listening(served.lines, {listener("0.0.0.0", 514, 17)});
  EXPECT_EQ(served.at(true, 514), FW_PORT_LISTENS);
  EXPECT_EQ(served.at(true, 2055), FW_PORT_CLOSED);
}

TEST(listening, a_port_has_a_large_buffer_if_one_of_its_sockets_has) {
  ServedPorts served;
  host::Socket first = listener("0.0.0.0", 53, 17), second = listener("0.0.0.0", 53, 17);
  first.receive_bytes = 8 << 20;
  second.receive_bytes = 212'992;  // the kernel's default
  mark_listening(served.lines, {first, second});
  EXPECT_EQ(served.at(true, 53), FW_PORT_LISTENS | FW_PORT_LARGE_RCVBUF);
  mark_listening(served.lines, {second});
  EXPECT_EQ(served.at(true, 53), FW_PORT_LISTENS);
}

TEST(listening, what_answered_stays_a_port_that_answers) {
  ServedPorts served;
  served.at(true, 53) = served.at(true, 54) = FW_PORT_ANSWERS;
  mark_listening(served.lines, {listener("0.0.0.0", 53, 17)});
  EXPECT_EQ(served.at(true, 53), FW_PORT_ANSWERS | FW_PORT_LISTENS);
  EXPECT_EQ(served.at(true, 54), FW_PORT_ANSWERS);
  mark_listening(served.lines, {});
  EXPECT_EQ(served.at(true, 53), FW_PORT_ANSWERS);
}

TEST(listening, protocols_of_tunnels_are_marked_behind_the_ports) {
  ServedPorts served;
  const std::size_t gre = 2 * 65'536U + 47;
  mark_listening(served.lines, {}, {47});
  EXPECT_EQ(served.lines[gre / FW_LINE_BYTES].value[gre % FW_LINE_BYTES], FW_PORT_LISTENS);
  mark_listening(served.lines, {}, {});
  EXPECT_EQ(served.lines[gre / FW_LINE_BYTES].value[gre % FW_LINE_BYTES], FW_PORT_CLOSED);
}

TEST(listening, sockets_of_loopback_are_not_reached_from_elsewhere) {
  ServedPorts served;
  mark_listening(served.lines, {listener("127.0.0.53", 53, 17), listener("::1", 53, 17)});
  EXPECT_EQ(served.at(true, 53), FW_PORT_CLOSED);
}

}  // namespace
