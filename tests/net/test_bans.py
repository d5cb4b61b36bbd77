# SPDX-License-Identifier: MIT
"""A ban stops everything its source sends, at once and until it ends, and nobody else."""
import ipaddress
import random
import time

import pytest
from scapy.layers.inet6 import ICMPv6ND_NS, ICMPv6NDOptSrcLLAddr, IPv6
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Raw

import peers
import wire
from lab import QUIET, Lab, wait_until
from tap import passed

TAGGED = pytest.mark.xdp_only("the kernel hands such frames to the VLAN's interface, or ppp0")
OF_OTHERS = ("vlan", "qinq", "double-8100", "pppoe", "pppoe-in-vlan")
KINDS = [pytest.param(family, kind, id=f"ipv{family}-{kind}",
                      marks=TAGGED if kind in OF_OTHERS else ())
         for family in (4, 6) for kind in wire.KINDS[family]]


@pytest.fixture(scope="module")
def standing():
    """One lab for the tests that only look: client 3 of each family is banned."""
    with Lab() as lab:
        lab.start_daemon()
        lab.cli("ban", lab.link(4).client(3), lab.link(6).client(3))
        yield lab


@pytest.mark.parametrize("family, kind", KINDS)
def test_ban_stops_every_kind_of_packet(standing, family, kind):
    link = standing.link(family)
    banned = wire.kind(link, kind, link.client(3), link.dut)
    innocent = wire.kind(link, kind, link.client(4), link.dut)
    before = standing.count("ban")
    assert standing.passed([banned, innocent]) == [innocent[1]]
    assert standing.count("ban") == before + 1


@pytest.mark.xdp_only("it sees IP only, so no ARP")
def test_banned_source_can_not_take_the_link_down(standing):
    """ARP and neighbour discovery pass: without them the host is off the net for everybody."""
    mark = wire.token()
    link = standing.link(4)
    ether = Ether(src=link.ether.src, dst="ff:ff:ff:ff:ff:ff")
    arp = ether / ARP(op=1, psrc=link.client(3), pdst=link.dut) / Raw(mark)
    assert standing.comes_through((bytes(arp), mark))
    mark = wire.token()
    link = standing.link(6)
    ask = link.ether / IPv6(src=link.client(3), dst=link.dut, hlim=255) / ICMPv6ND_NS(
        tgt=link.dut) / ICMPv6NDOptSrcLLAddr(lladdr=link.ether.src)
    mark = bytes(ask)[-8:]
    before = standing.counters()
    standing.passed([(bytes(ask), mark)])
    after = standing.counters()
    assert after["link"] >= before.get("link", 0) + 1
    assert after["ban"] == before["ban"]


def test_ban_of_a_prefix_stops_every_address_in_it_and_none_beside(lab, link):
    lab.start_daemon()
    prefix = "10.9.4.0/23" if link.family == 4 else "fd09:0:0:100::/56"
    inside, beside = (("10.9.4.0", "10.9.5.255"), ("10.9.3.255", "10.9.6.0")) \
        if link.family == 4 else (("fd09:0:0:100::", "fd09:0:0:1ff:ffff:ffff:ffff:ffff"),
                                  ("fd09:0:0:ff:ffff:ffff:ffff:ffff", "fd09:0:0:200::"))
    lab.cli("ban", prefix)
    frames = {src: wire.udp(link, src, link.dut) for src in inside + beside}
    assert lab.passed(list(frames.values())) == [frames[src][1] for src in beside]
    lab.cli("unban", prefix)
    assert len(lab.passed(list(frames.values()))) == 4


def test_unban_lets_back_in_at_once_and_only_that_one(lab, link):
    lab.start_daemon()
    first, second = (wire.udp(link, link.client(n), link.dut) for n in (3, 4))
    lab.cli("ban", link.client(3), link.client(4))
    assert lab.passed([first, second]) == []
    lab.cli("unban", link.client(3))
    assert lab.passed([first, second]) == [first[1]]
    lab.cli("unban", "--all")
    assert lab.passed([first, second]) == [first[1], second[1]]


def test_banning_and_unbanning_are_idempotent(lab, link):
    lab.start_daemon()
    lab.cli("ban", link.client(3), "--for", "10m")
    lab.cli("ban", link.client(3), "--for", "1h")
    (ban,) = lab.bans().values()
    assert 3590 < ban["left_s"] <= 3600
    lab.cli("unban", link.client(3))
    lab.cli("unban", link.client(3))
    lab.cli("unban", link.client(3), "--strict", code=1)


@pytest.mark.parametrize("written", ["::ffff:10.9.1.3", "::FFFF:0a09:0103", "0:0:0:0:0:ffff:10.9.1.3"])
def test_mapped_form_is_the_ipv4_address(lab, written):
    lab.start_daemon()
    link = lab.link(4)
    frame = wire.udp(link, "10.9.1.3", link.dut)
    lab.cli("ban", written)
    assert list(lab.bans()) == ["10.9.1.3"]
    assert not lab.comes_through(frame)
    lab.cli("unban", "10.9.1.3")
    assert lab.comes_through(frame)


def test_open_tcp_connection_and_udp_stream_of_a_banned_source_stop_at_once(lab, link):
    lab.start_daemon()
    dut, side = lab.dut_ns, lab.peers_ns
    with peers.TcpServer(dut, link.family, 8080) as tcp_server, \
            peers.UdpServer(dut, link.family, 8081) as udp_server:
        streams = {}
        for number in (3, 4):
            source = link.client(number)
            streams[number] = [peers.tcp(side, link.family, source, link.dut, 8080),
                               peers.udp(side, link.family, source, link.dut, 8081)]
            assert all(stream.exchange(b"before") for stream in streams[number])
        lab.cli("ban", link.client(3))
        for stream in streams[3]:
            stream.send(b"after the ban")
        assert all(stream.exchange(b"still here") for stream in streams[4])
        for server in (tcp_server, udp_server):
            assert server.received(link.client(3)) == b"before"
            assert server.received(link.client(4)) == b"beforestill here"
        lab.cli("unban", link.client(3))
        assert streams[3][1].exchange(b"back"), "the UDP stream goes on after the ban"
        assert streams[3][0].exchange(b"back", timeout=10), "TCP sends again what was dropped"
        for stream in streams[3] + streams[4]:
            stream.close()


def test_ban_covers_a_port_that_dnat_publishes_into_a_container(family):
    with Lab(container=True) as lab:
        link, dut = lab.link(family), lab.dut_ns
        table, inner = ("ip", "10.77.0.2:80") if family == 4 else ("ip6", "[fd77::2]:80")
        for line in (f"add table {table} nat",
                     f"add chain {table} nat pre {{ type nat hook prerouting priority -100 ; }}",
                     f"add rule {table} nat pre iifname up0 tcp dport 8088 dnat to {inner}"):
            lab.run("nft", line, where="dut")
        lab.start_daemon()
        with peers.TcpServer(lab.box_ns, family, 80) as server:
            talk = [peers.tcp(lab.peers_ns, family, link.client(n), link.dut, 8088) for n in (3, 4)]
            assert all(client.exchange(b"hello") for client in talk)
            lab.cli("ban", link.client(3))
            talk[0].send(b"after the ban")
            assert talk[1].exchange(b"again")
            assert server.received(link.client(3)) == b"hello"
            assert not peers.can_connect(lab.peers_ns, family, link.client(3), link.dut, 8088)
            assert peers.can_connect(lab.peers_ns, family, link.client(4), link.dut, 8088)
            for client in talk:
                client.close()
        assert dut


SPOOFED = 300_000  # live, from an independent sender; 10 M of them are a test of the policy itself
TRAFGEN = {
    4: "{{ eth(da={dst}, sa={src}), ipv4(sa=drnd(), da={dut}), udp(sp=drnd(), dp=drnd()), "
       "fill(0, 20) }}",
    6: "{{ eth(da={dst}, sa={src}, type=0x86dd), 0x60, 0, 0, 0, c16(28), 17, 64, 0x20, drnd(15), "
       "0xfd, 0x09, fill(0, 13), 2, drnd(4), c16(28), 0, 0, fill(0, 20) }}",
}


@pytest.mark.expects("AttackStart", "Suppressed")
def test_bans_stand_after_a_flood_of_spoofed_sources(lab, link):
    lab.start_daemon()
    banned = [f"10.20.{n >> 8}.{n & 255}" if link.family == 4 else f"fd20:0:0:{n:x}::1"
              for n in range(1, 1001)]
    lab.cli("ban", "-", "--for", "1h", stdin="\n".join(banned))
    config = lab.folder / "spoofed.cfg"
    config.write_text(TRAFGEN[link.family].format(
        dst=link.ether.dst, src=link.ether.src, dut=link.dut))
    before = lab.api.call("status")["traffic"]["packets"]
    # A ring of 32 frames: more under way than the socket may hold, and trafgen gives up.
    lab.run("trafgen", "--dev", "peer0", "--conf", config, "--num", SPOOFED, "--cpus", 1,
            "--no-sock-mem", "--ring-size", "64KiB", timeout=120)
    seen = lab.api.call("status")["traffic"]["packets"] - before
    print(f"{seen} of {SPOOFED} spoofed packets arrived")
    assert seen > SPOOFED / 2, "the flood did not arrive"
    assert set(lab.bans()) == set(banned)
    first = wire.udp(link, banned[0], link.dut)
    frames = [wire.from_source(first, link.family, ipaddress.ip_address(src).packed)
              for src in banned]
    dropped = lab.count("ban")
    assert lab.passed(frames) == []
    assert lab.count("ban") == dropped + len(banned)


@pytest.mark.expects("Suppressed")
def test_hundred_thousand_bans_in_one_request_are_all_in_force(lab, link):
    lab.start_daemon(lab.config(tables=QUIET + "[tables]\nbans = 131072\n"))
    count, family = 100_000, link.family
    addresses = [0x0b000000 + n * 7 if family == 4 else (0xfd0b << 112) + (n * 7 << 64) + 1
                 for n in range(count)]
    texts = [str(ipaddress.ip_address(number)) for number in addresses]
    start = time.monotonic()
    reply = lab.api.call("ban", address=texts, **{"for": "1h"})
    print(f"100,000 bans of IPv{family} through the API: {time.monotonic() - start:.2f} s")
    assert reply["count"] == count
    assert lab.api.call("status")["counts"]["bans"] == count
    first = wire.udp(link, texts[0], link.dut)
    size = 4 if family == 4 else 16
    frames = [wire.from_source(first, family, number.to_bytes(size, "big")) for number in addresses]
    dropped = lab.count("ban")
    assert lab.passed(frames) == []
    assert lab.count("ban") == dropped + count
    some = random.Random(5).sample(range(count), 1000)
    lab.api.call("unban", address=[texts[n] for n in some])
    assert len(lab.passed([frames[n] for n in some])) == 1000, "unbanned ones are let back in"
    lab.cli("unban", "--all")
    assert lab.bans() == {}
    assert len(lab.passed(frames[:1000])) == 1000


def test_flood_from_one_ipv6_host_bans_its_64_and_not_the_next(lab):
    """It has 2^64 addresses, and changes them."""
    lab.start_daemon(lab.config(tables='[limit.default]\nudp = { ban_at = "200/s" }\n'))
    link = lab.link(6)
    sources = [wire.udp(link, f"fd30:0:0:5::{n:x}", link.dut) for n in range(1, 11)]
    with lab.tap() as tap, lab.sender() as out:
        end = time.monotonic() + 12
        while not lab.bans():
            assert time.monotonic() < end, "the flood was not answered"
            passed(out, tap, [frame for source in sources for frame in wire.copies(source, 10)],
                   rate=400)
    assert list(lab.bans()) == ["fd30:0:0:5::/64"]
    neighbours = [wire.udp(link, source, link.dut)
                  for source in ("fd30:0:0:5:ffff::9", "fd30:0:0:6::1", "fd30:0:0:4:ffff::1")]
    assert lab.passed(neighbours) == [mark for _, mark in neighbours[1:]]
    lab.cli("unban", "fd30:0:0:5::/64")
    assert len(lab.passed(neighbours)) == 3, "what it sent before is forgotten too"


def test_ban_says_how_long_and_ends_by_itself(lab, link):
    lab.start_daemon()
    frame = wire.udp(link, link.client(3), link.dut)
    lab.cli("ban", link.client(3), "--for", "1s", "--reason", "a test")
    assert lab.bans()[link.client(3)]["reason"] == "a test"
    assert not lab.comes_through(frame)
    wait_until(lambda: lab.comes_through(frame), 5, "the ban ends")
    (line,) = lab.wait_for_log("Unban")
    assert f" {link.client(3)} " in line and "reason=expired" in line
    assert lab.bans() == {}
