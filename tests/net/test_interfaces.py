# SPDX-License-Identifier: MIT
"""Interfaces: several, odd, taken, deleted and back again."""
import contextlib
import fcntl
import json
import os
import socket
import struct
import subprocess

import pytest

import netns
import peers
import wire
from lab import ATTACHMENT, KIND, PINS, QUIET, Lab, wait_until
from tap import Tap, passed

FOREIGN = """
struct xdp_md { unsigned int data, data_end; };
__attribute__((section("xdp"), used)) int their_guard(struct xdp_md *ctx) { return 2; }
char terms[] __attribute__((section("license"))) = "GPL";
"""


def interfaces(lab):
    return {entry["name"]: entry for entry in lab.api.call("status")["interfaces"]}


def attached(lab, name="up0"):
    return interfaces(lab).get(name, {}).get("attachment")


def xdp_ids(lab):
    (net,) = json.loads(lab.run("bpftool", "-j", "net", where="dut").stdout)
    return {entry["devname"]: (entry["kind"] if "kind" in entry else entry.get("mode"), entry["id"])
            for entry in net["xdp"]}


def test_two_uplinks_are_one_firewall(family):
    with Lab(uplinks=2) as lab:
        lab.start_daemon()
        assert [attached(lab, name) for name in ("up0", "up1")] == [ATTACHMENT] * 2
        lab.cli("ban", lab.link(family).client(3))
        for uplink in (0, 1):
            link = lab.link(family, uplink)
            banned, innocent = (wire.udp(link, link.client(n), link.dut) for n in (3, 4))
            assert lab.passed([banned, innocent], uplink) == [innocent[1]]
        assert lab.count("ban") == 2
        lab.cli("unban", lab.link(family).client(3))
        for uplink in (0, 1):
            link = lab.link(family, uplink)
            assert lab.comes_through(wire.udp(link, link.client(3), link.dut), uplink)


@pytest.mark.xdp_only("its queues end with the daemon")
@pytest.mark.parametrize("exists", [True, False], ids=["there", "gone"])
def test_interface_that_left_the_configuration_while_no_daemon_ran_is_let_go(exists):
    with Lab(uplinks=2) as lab:
        lab.start_daemon()
        assert set(xdp_ids(lab)) == {"up0", "up1"}
        lab.kill9()
        if not exists:
            lab.run("ip", "link", "del", "up1", where="dut")
        lab.start_daemon(lab.config(top='interface = "up0"\n'))
        assert list(interfaces(lab)) == ["up0"] and attached(lab) == "native"
        assert set(xdp_ids(lab)) == {"up0"}
        assert not list(PINS.glob("links/*up1"))


def test_limits_count_a_source_over_all_uplinks(family):
    with Lab(uplinks=2) as lab:
        lab.start_daemon(lab.config(tables='[limit.default]\nudp = { limit = "150/s" }\n'))
        first, second = lab.link(family, 0), lab.link(family, 1)
        assert len(lab.passed(wire.copies(wire.udp(first, first.client(3), first.dut), 100))) == 100
        through = lab.passed(wire.copies(wire.udp(second, first.client(3), second.dut), 100), 1)
        assert len(through) < 75


def test_interface_auto_is_the_one_with_the_default_route(lab, family):
    lab.start_daemon(lab.config(top='interface = "auto"\n'))
    assert list(interfaces(lab)) == ["up0"] and attached(lab) == ATTACHMENT
    link = lab.link(family)
    lab.cli("ban", link.client(3))
    assert not lab.comes_through(wire.udp(link, link.client(3), link.dut))


def test_interface_that_is_deleted_and_comes_back_is_protected_again(lab, link):
    lab.start_daemon()
    lab.cli("ban", link.client(3))
    lab.run("ip", "link", "del", "up0", where="dut")
    wait_until(lambda: attached(lab) == "none", 10, "the loss is reported")
    assert not lab.api.call("status")["healthy"]
    lab.wait_for_log("Detach", "up0")
    lab.add_uplink(0)
    wait_until(lambda: attached(lab) == ATTACHMENT, 10, "protected again")
    assert not lab.comes_through(wire.udp(link, link.client(3), link.dut))
    assert lab.comes_through(wire.udp(link, link.client(4), link.dut))
    wait_until(lambda: lab.api.call("status")["healthy"], 10, "healthy again")
    wait_until(lambda: len(lab.log_lines("Attach")) == 2, 5, "the log says so")


@pytest.mark.xdp_only("it sees IP packets once, on the bridge")
def test_packets_of_an_uplink_that_became_a_port_of_a_bridge_count_once(lab):
    link = lab.link(4)
    lab.start_daemon(lab.config(top='interface = "auto"\n'))
    lab.cli("ban", link.client(3))
    netns.ip_batch(lab.dut_ns, [
        "link add br0 address 02:00:00:00:00:02 type bridge", "link set br0 up", "link set up0 master br0",
        "address del 10.9.0.2/24 dev up0", "address add 10.9.0.2/24 dev br0", "route add default via 10.9.0.1",
        "neighbour replace 10.9.0.1 lladdr 02:00:00:00:00:01 dev br0 nud permanent"])
    wait_until(lambda: list(interfaces(lab)) == ["br0"], 5, "the bridge is the uplink, and up0 is let go")
    before = lab.counters()
    with Tap(lab.dut_ns, "br0") as tap, lab.sender() as out:
        innocent = wire.copies(wire.udp(link, link.client(4), link.dut), 50)
        frames = innocent + [wire.udp(link, link.client(3), link.dut)]
        assert passed(out, tap, frames) == [token for _, token in innocent]
    assert 50 <= lab.count("pass") - before.get("pass", 0) < 60


@pytest.mark.expects("Detach")
def test_interface_that_appears_after_the_start_is_protected(lab, link):
    lab.run("ip", "link", "del", "up0", where="dut")
    lab.start_daemon()
    assert attached(lab) in ("none", None)
    lab.list_file("deny.list").write_text(f"{link.client(3)}\n")
    lab.cli("apply")
    lab.add_uplink(0)
    wait_until(lambda: attached(lab) == ATTACHMENT, 10, "protected")
    assert not lab.comes_through(wire.udp(link, link.client(3), link.dut))


def test_jumbo_frames_are_judged_as_well_as_others(family):
    with Lab(mtu=9000) as lab:
        link = lab.link(family)
        lab.start_daemon()
        assert attached(lab) == ATTACHMENT
        banned, innocent = (wire.udp(link, link.client(n), link.dut, pad=8800) for n in (3, 4))
        lab.cli("ban", link.client(3))
        assert lab.passed([banned, innocent]) == [innocent[1]]
        with peers.TcpServer(lab.dut_ns, family, 8080), \
                peers.tcp(lab.peers_ns, family, link.client(4), link.dut, 8080) as client:
            assert client.exchange(bytes(range(256)) * 4000)
        assert lab.count("malformed") == 0


def test_bytes_of_jumbo_frames_count_in_full(family):
    with Lab(mtu=9000) as lab:
        link = lab.link(family)
        lab.start_daemon(lab.config(tables='[limit.default]\nbytes = { limit = "90kB/s" }\n'))
        frames = wire.copies(wire.udp(link, link.client(3), link.dut, pad=8900), 60)
        assert 9 <= len(lab.passed(frames)) <= 14


@pytest.mark.xdp_only("it attaches to every kind of interface alike")
def test_interface_without_native_xdp_is_protected_and_reported_as_generic(family):
    with Lab(uplink_kind="bridge") as lab:
        link = lab.link(family)
        lab.start_daemon()
        assert attached(lab) == "generic"
        assert "generic" in lab.cli("status").out
        lab.cli("ban", link.client(3))
        for kind in wire.KINDS[family]:
            banned, innocent = (wire.kind(link, kind, link.client(n), link.dut) for n in (3, 4))
            assert lab.passed([banned, innocent]) == [innocent[1]], kind


TUNSETIFF, TUNSETLINK, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x400454CD, 1, 0x1000
INFINIBAND = 32  # a type of linux/if_arp.h


@contextlib.contextmanager
def tun(lab, name, info=False, link_type=None):
    """An interface without an Ethernet header in the host under test; what is written on it arrives there."""
    with netns.inside(lab.dut_ns):
        device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        flags = IFF_TUN if info else IFF_TUN | IFF_NO_PI
        fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
        if link_type is not None:
            fcntl.ioctl(device, TUNSETLINK, link_type)
    netns.ip_batch(lab.dut_ns, [f"link set {name} up", f"address add 192.0.2.2/24 dev {name}",
                                f"address add 2001:db8::2/64 dev {name} nodad"])
    try:
        yield device
    finally:
        os.close(device)


def heard_on_tun(device, server, family, source, info=False):
    """How many of three datagrams from a source reach the socket."""
    target = "192.0.2.2" if family == 4 else "2001:db8::2"
    datagram = bytes(wire.ip(family, source, target) / wire.UDP(sport=4000, dport=9999) / b"ask")
    for _ in range(3):
        prefix = struct.pack(">HH", 0, 0x0800 if family == 4 else 0x86dd) if info else b""
        os.write(device, prefix + datagram)
    # What arrives on a tun is judged and delivered within the write.
    heard = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            heard += server.recv(100, socket.MSG_DONTWAIT) == b"ask"
    return heard


@pytest.mark.expects("Detach")
@pytest.mark.xdp_only("its queues begin with the IP header everywhere")
@pytest.mark.parametrize("info", [False, True], ids=["plain", "with_packet_info"])
def test_interface_without_ethernet_header_is_judged_from_its_ip_header(lab, family, info):
    # Of the last two innocents the first 16 bits look like an EtherType where Ethernet has it.
    banned, denied, *innocents = {
        4: ["203.0.113.7", "203.0.113.8", "198.51.100.9", "8.0.1.9", "134.221.1.9"],
        6: ["2001:db8:7::1", "2001:db8:8::1", "2001:db8:9::1", "2001:db8:800::1", "2001:db8:86dd::1"],
    }[family]
    kind = socket.AF_INET if family == 4 else socket.AF_INET6
    with tun(lab, "ppp0", info) as device:
        with netns.inside(lab.dut_ns):
            server = socket.socket(kind, socket.SOCK_DGRAM)
        with server:
            server.bind(("", 9999))
            lab.list_file("deny.list").write_text(f"{denied}\n")
            lab.start_daemon(lab.config(top='interface = "ppp0"\n'))
            assert attached(lab, "ppp0") == "generic"
            lab.cli("ban", banned)
            assert heard_on_tun(device, server, family, banned, info) == 0
            assert heard_on_tun(device, server, family, denied, info) == 0
            for innocent in innocents:
                assert heard_on_tun(device, server, family, innocent, info) == 3, innocent
            assert lab.count("malformed") == 0
            server.sendto(b"answer", ("192.0.2.9" if family == 4 else "2001:db8::9", 4000))
            wait_until(lambda: lab.count("outgoing"), 5, "what this host sends is seen")


@pytest.mark.expects("Detach")
@pytest.mark.xdp_only("its queues are behind every link header")
def test_interface_of_a_type_that_is_not_understood_is_named(lab, link):
    with tun(lab, "odd0", link_type=INFINIBAND):
        lab.start_daemon(lab.config(top='interface = ["up0", "odd0"]\n'))
        status = lab.api.call("status")
        assert not status["healthy"] and attached(lab, "odd0") == "none"
        assert any("odd0" in problem for problem in status["problems"])
        assert attached(lab) == ATTACHMENT
        lab.cli("ban", link.client(3))
        assert not lab.comes_through(wire.udp(link, link.client(3), link.dut))


@pytest.fixture
def foreign(lab):
    """Somebody else's XDP program on up0; returns what bpftool says of it."""
    source, made = lab.folder / "foreign.c", lab.folder / "foreign.o"
    source.write_text(FOREIGN)
    subprocess.run(["clang-19", "-target", "bpf", "-O2", "-c", source, "-o", made], check=True)
    pin = f"{netns.BPF_FS}/theirs"
    lab.run("bpftool", "prog", "load", made, pin, where="dut")
    lab.run("bpftool", "net", "attach", "xdp", "pinned", pin, "dev", "up0", where="dut")
    return xdp_ids(lab)


@pytest.mark.expects("Detach")
@pytest.mark.xdp_only("it is beside an XDP program, not in its place")
def test_foreign_xdp_program_is_not_replaced_and_is_named(lab, foreign):
    assert foreign
    lab.start_daemon(wait=False)
    wait_until(lambda: lab.daemon.poll() is not None or lab.api.is_up(), 20, "the daemon decided")
    printed = lab.output()
    if lab.daemon.poll() is None:
        status = lab.api.call("status")
        printed += str(status)
        assert not status["healthy"] and attached(lab) == "none"
    assert "their_guard" in printed and "up0" in printed
    assert xdp_ids(lab) == foreign


@pytest.mark.expects("Detach")
@pytest.mark.xdp_only("it is beside an XDP program, not in its place")
def test_uplink_is_protected_once_the_foreign_program_is_gone(lab, link, foreign):
    assert foreign
    lab.start_daemon(wait=False)
    wait_until(lambda: lab.daemon.poll() is not None or lab.api.is_up(), 20, "the daemon decided")
    lab.run("bpftool", "net", "detach", "xdp", "dev", "up0", where="dut")
    if lab.daemon.poll() is None:
        lab.cli("apply")
    else:
        lab.start_daemon()
    wait_until(lambda: attached(lab) == ATTACHMENT, 10, "protected")
    lab.cli("ban", link.client(3))
    assert not lab.comes_through(wire.udp(link, link.client(3), link.dut))


def test_mode_off_leaves_a_foreign_filter_alone(lab):
    """The egress side shares the clsact hook with others. (u32: the filter every kernel has.)"""
    lab.run("tc", "qdisc", "add", "dev", "up0", "clsact", where="dut")
    lab.run("tc", "filter", "add", "dev", "up0", "egress", "prio", 7, "u32", "match", "u32", 0, 0,
            where="dut")
    before = lab.run("tc", "filter", "show", "dev", "up0", "egress", where="dut").stdout
    assert "u32" in before
    lab.start_daemon(lab.config(tables=QUIET))
    lab.cli("mode", "off")
    assert lab.run("tc", "filter", "show", "dev", "up0", "egress", where="dut").stdout == before


def test_loopback_and_other_interfaces_are_left_alone(lab, family):
    lab.start_daemon()
    assert list(xdp_ids(lab)) == (["up0"] if KIND == "xdp" else [])
    with peers.UdpServer(lab.dut_ns, family, 8081), \
            peers.udp(lab.dut_ns, family, "127.0.0.1" if family == 4 else "::1",
                      "127.0.0.1" if family == 4 else "::1", 8081) as client:
        assert client.exchange(b"local")
