# SPDX-License-Identifier: MIT
"""SYN cookies from the datapath: who asks from a forged address gets an answer he never sees, and
real clients connect in the middle of it."""
import contextlib
import itertools
import random
import socket
import struct
import threading
import time

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether

import netns
import peers
from lab import Lab, QUIET, wait_until

pytestmark = [pytest.mark.xdp_only("only a driver's program can send an answer back"),
              pytest.mark.expects("AttackStart")]

SOL_PACKET, PACKET_AUXDATA, PACKET_IGNORE_OUTGOING, TP_STATUS_VLAN_VALID = 263, 8, 23, 1 << 4
PORT = 8080
NEW_CLIENTS = 120
# Next to nothing is in budget, nothing above it is borne, and nothing has a signature: what connects
# has passed by a cookie.
NARROW = QUIET + ('[budget.tcp_syn]\nlimit = "1/s"\nburst = 8\nserved_burst = 8\n'
                  '[detect]\nsignatures = false\ncapacity = "none"\n')


def address(family, number):
    """Of a client that nobody has seen yet."""
    return f"10.9.2.{number}" if family == 4 else f"fd09:1:0:{number:x}::1"


def prepare(lab, syncookies=2):
    """Clients' addresses; answers to forged addresses end silently at the peers."""
    netns.ip_batch(lab.peers_ns, ["route add blackhole default", "route add blackhole ::/0"] + [
        f"address add dev lo {address(family, n)}/{32 if family == 4 else 128}"
        f"{'' if family == 4 else ' nodad'}"
        for n in range(1, NEW_CLIENTS + 1) for family in (4, 6)])
    lab.xdp_on_peer()
    with netns.inside(lab.dut_ns), open("/proc/sys/net/ipv4/tcp_syncookies", "w",
                                         encoding="ascii") as file:
        file.write(str(syncookies))


def syn_frame(link, src, dst, tags=(), **fields):
    packet = link.ether
    for tag in tags:
        packet = packet / tag
    packet = packet / (IP(src=src, dst=dst) if link.family == 4 else IPv6(src=src, dst=dst))
    return bytes(packet / TCP(**{"sport": 40000, "dport": PORT, "flags": "S", "seq": 7, **fields}))


def _checksum(*parts):
    """RFC 1071."""
    words = sum(sum(struct.unpack(f">{len(part) // 2}H", part)) for part in parts)
    words = (words & 0xffff) + (words >> 16)
    return ~((words & 0xffff) + (words >> 16)) & 0xffff


def forged(link, dst, count, seed=1):
    """SYNs from `count` addresses and ports that a kernel takes: scapy is too slow for floods."""
    dice, out = random.Random(seed), []
    frame = bytearray(syn_frame(link, "192.0.2.1" if link.family == 4 else "2001:db8::1", dst))
    ip, tcp = 14, 34 if link.family == 4 else 54
    for _ in range(count):
        source = dice.randrange(0x14000000, 0x60000000)
        struct.pack_into(">H", frame, tcp, dice.randrange(1024, 65536))
        struct.pack_into(">H", frame, tcp + 16, 0)
        if link.family == 6:
            struct.pack_into(">IIQ", frame, ip + 8, 0x2a000000, source, 1)
            addresses = frame[ip + 8:ip + 40]
        else:
            struct.pack_into(">HI", frame, ip + 10, 0, source)
            struct.pack_into(">H", frame, ip + 10, _checksum(frame[ip:tcp]))
            addresses = frame[ip + 12:ip + 20]
        struct.pack_into(">H", frame, tcp + 16, _checksum(addresses, b"\0\x06\0\x14", frame[tcp:]))
        out.append(bytes(frame))
    return out


class Flood(contextlib.AbstractContextManager):
    """Sends frames over and over, `rate` a second, until it is closed."""

    def __init__(self, sender, frames, rate=3000):
        self._sender, self._frames, self._rate = sender, frames, rate
        self.sent, self._end = 0, threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self):
        start = time.monotonic()
        while not self._end.wait(0.01):
            due = min(int((time.monotonic() - start) * self._rate), self.sent + self._rate // 20)
            while self.sent < due:
                self._sender.send(self._frames[self.sent % len(self._frames)])
                self.sent += 1

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()


def statistic(lab, name):
    """A counter of TCP on the host under test: /proc/net/netstat."""
    with netns.inside(lab.dut_ns), open("/proc/thread-self/net/netstat", encoding="ascii") as file:
        names, values = (line.split() for line in file.readlines()[:2])
    return int(values[names.index(name)])


def backlog(lab):
    """Half-open connections in the kernel of the host under test."""
    return len(lab.run("ss", "-H", "-t", "-n", "state", "syn-recv", where="dut").stdout.splitlines())


def connect(lab, link, source, target=None):
    """A new client's connection, from the SYN to the end."""
    try:
        with peers.tcp(lab.peers_ns, link.family, source, target or link.dut, PORT) as client:
            return client.exchange(b"hello")
    except OSError:
        return False


def connect_all(lab, link, count=NEW_CLIENTS):
    """How many new clients are served, and the largest backlog meanwhile."""
    served, deepest = 0, 0
    for number in range(1, count + 1):
        served += connect(lab, link, address(link.family, number))
        if number % 10 == 0:
            deepest = max(deepest, backlog(lab))
    return served, deepest


@pytest.mark.parametrize("kind", ["veth", "bridge"])
@pytest.mark.parametrize("syncookies", [2, 1])
def test_new_clients_connect_in_the_middle_of_a_forged_flood(family, syncookies, kind):
    """On a bridge the program runs after the driver (generic XDP)."""
    with Lab(uplink_kind=kind) as lab:
        link = lab.link(family)
        prepare(lab, syncookies)
        with peers.TcpServer(lab.dut_ns, family, PORT) as server:
            lab.start_daemon(lab.config(tables=NARROW))
            with peers.tcp(lab.peers_ns, family, link.client(2), link.dut, PORT) as old:
                assert old.exchange(b"before")
                with Flood(lab.sender(), forged(link, link.dut, 4000)) as flood:
                    wait_until(lambda: lab.count("challenge") > 500, 20, "answers by cookie")
                    served, deepest = connect_all(lab, link)
                    assert old.exchange(b"meanwhile")
                assert served >= 0.99 * NEW_CLIENTS
                # 2: none is kept. 1: the listener's own (512) is filled once, as without Floodwall.
                assert deepest <= (16 if syncookies == 2 else 513)
                assert statistic(lab, "SyncookiesRecv") >= NEW_CLIENTS // 2
                assert lab.count("challenge") >= flood.sent // 4
                assert lab.bans() == {}
                assert old.exchange(b"after")
            assert len(server.received(link.client(2))) == len(b"beforemeanwhileafter")


@pytest.mark.parametrize("why", ["the sysctl is 0", "it is switched off"])
def test_syns_above_their_budget_are_dropped_where_there_are_no_cookies(lab, link, why):
    prepare(lab, 0 if "sysctl" in why else 2)
    with peers.TcpServer(lab.dut_ns, link.family, PORT):
        tables = NARROW if "sysctl" in why else NARROW + "syn_cookies = false\n"
        lab.start_daemon(lab.config(tables=tables))
        frames = forged(link, link.dut, 400)
        with lab.sender() as out:
            for frame in frames:
                out.send(frame)
            wait_until(lambda: lab.count("budget") >= 350, 10, "dropped over budget")
    assert lab.count("challenge") == 0


class Answers(contextlib.AbstractContextManager):
    """The TCP packets that leave the host under test, as seen on the peers' end of the wire."""

    def __init__(self, lab):
        with netns.inside(lab.peers_ns):
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self._socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self._socket.bind(("peer0", 3))
        self._socket.settimeout(5)

    def next_to(self, port):
        """The next one to that port, with the tag that the kernel took out of it."""
        while True:
            frame, extra, _, _ = self._socket.recvmsg(65536, 256)
            for level, kind, data in extra:
                status, tag, protocol = struct.unpack("=I12xHH", data[:20])
                if (level, kind) == (SOL_PACKET, PACKET_AUXDATA) and status & TP_STATUS_VLAN_VALID:
                    frame = frame[:12] + struct.pack(">HH", protocol, tag) + frame[12:]
            packet = Ether(frame)
            if TCP in packet and packet[TCP].dport == port:
                return packet

    def __exit__(self, *_):
        self._socket.close()


def exhaust_budget(lab, link):
    """Every SYN after this is above its budget."""
    with lab.sender() as out:
        for frame in forged(link, link.dut, 200, seed=2):
            out.send(frame)
    wait_until(lambda: lab.count("challenge") + lab.count("budget") > 100, 10, "the budget is used up")


def check_answer(answer, link, client, has_room):
    """Everything that RFC 9293 and the IP layers ask of a SYN-ACK for seq = 0xfffffffe."""
    assert (answer.src, answer.dst) == (link.ether.dst, link.ether.src)
    ip, tcp = answer[IP if link.family == 4 else IPv6], answer[TCP]
    assert (ip.src, ip.dst) == (link.dut, client)
    assert (tcp.sport, tcp.flags, tcp.ack, tcp.urgptr) == (PORT, "SA", 0xffffffff, 0)
    low, high = (536, 1460) if link.family == 4 else (1220, 1440)  # no path is narrower
    mss = dict(tcp.options).get("MSS", low)
    assert "MSS" in dict(tcp.options) or not has_room, "only a frame that cannot grow leaves it out"
    assert low <= mss <= high
    assert tcp.window >= 10 * mss
    again = answer.copy()
    del again[TCP].chksum
    if link.family == 4:
        del again[IP].chksum
    assert bytes(again) == bytes(answer), "checksums and lengths are right"


@pytest.mark.parametrize("options", [[], [("MSS", 1200)],
                                     [("MSS", 9000), ("SAckOK", b""), ("Timestamp", (1, 0)),
                                      ("NOP", None), ("WScale", 7)]])
@pytest.mark.parametrize("tags", [[], [Dot1Q(vlan=7)], [Dot1AD(vlan=5), Dot1Q(vlan=7)]])
def test_answer_is_a_syn_ack_as_rfc_9293_has_it(lab, link, options, tags):
    """What a real client receives, read by another implementation of SYN cookies; with the tags of the
    question."""
    prepare(lab)
    with peers.TcpServer(lab.dut_ns, link.family, PORT):
        lab.start_daemon(lab.config(tables=NARROW))
        exhaust_budget(lab, link)
        client = address(link.family, 1)
        with Answers(lab) as answers, lab.sender() as out:
            out.send(syn_frame(link, client, link.dut, tags, sport=45678, seq=0xfffffffe,
                               options=options))
            answer = answers.next_to(45678)
    check_answer(answer, link, client, has_room=bool(options))
    layers = [layer.vlan for layer in (answer.getlayer(n) for n in range(1, 1 + len(tags)))]
    assert layers == [tag.vlan for tag in tags]


def test_forged_syn_does_a_standing_connection_no_harm(lab, link):
    prepare(lab)
    with peers.TcpServer(lab.dut_ns, link.family, PORT):
        lab.start_daemon(lab.config(tables=NARROW))
        with peers.tcp(lab.peers_ns, link.family, link.client(2), link.dut, PORT) as user:
            assert user.exchange(b"hello")
            exhaust_budget(lab, link)
            before = lab.counters()
            with lab.sender() as out:
                for _ in range(20):
                    out.send(syn_frame(link, link.client(2), link.dut, sport=user.local_port()))
            assert user.exchange(b"still here")
            after = lab.counters()
            assert sum(after.values()) >= sum(before.values()) + 20
            assert after["challenge"] == before["challenge"]
            assert after["verified"] > before["verified"]


def forward(lab, family, tool, verb="-A"):
    """The port goes into the container, by a rule that `tool` makes (-A) or takes away (-D)."""
    inner = "10.77.0.2" if family == 4 else "fd77::2"
    table = "ip" if family == 4 else "ip6"
    if tool != "nft":
        lab.run(table + tool[2:], "-t", "nat", verb, "PREROUTING", "-p", "tcp", "--dport", PORT, "-j",
                "DNAT", "--to-destination", inner, where="dut")
    elif verb == "-D":
        lab.run("nft", f"delete table {table} nat", where="dut")
    else:
        lab.run("nft", f"add table {table} nat; add chain {table} nat pre "
                       "{ type nat hook prerouting priority -100; }; "
                       f"add rule {table} nat pre tcp dport {PORT} dnat to {inner}", where="dut")


@pytest.mark.parametrize("tool", ["nft", "iptables-nft", "iptables-legacy"])
def test_nothing_is_answered_while_ports_are_forwarded_to_a_container(family, tool):
    """As Docker does it: its proxy listens on the host for connections that a rule sends elsewhere."""
    with Lab(container=True) as lab:
        link = lab.link(family)
        prepare(lab)
        forward(lab, family, tool)
        with peers.TcpServer(lab.dut_ns, family, PORT), peers.TcpServer(lab.box_ns, family, PORT):
            lab.start_daemon(lab.config(tables=NARROW))
            assert "forwarded" in lab.api.call("status")["syn_cookies"]
            assert connect(lab, link, address(family, 1)), "within the budget the container answers"
            exhaust_budget(lab, link)
            assert lab.count("challenge") == 0
            forward(lab, family, tool, "-D")
            wait_until(lambda: lab.api.call("status")["syn_cookies"] == "on", 30, "cookies again")
            exhaust_budget(lab, link)
            assert lab.count("challenge") > 0
            assert connect(lab, link, address(family, 2)), "and now the host itself does"


def test_syns_to_what_is_not_an_address_of_this_host_are_not_answered(lab, link):
    """As a bridge's port or a promiscuous interface hears them: nothing is forwarded here."""
    prepare(lab)
    neighbour = "10.9.0.77" if link.family == 4 else "fd09::77"
    with peers.TcpServer(lab.dut_ns, link.family, PORT):
        lab.start_daemon(lab.config(tables=NARROW))
        exhaust_budget(lab, link)
        challenged, budget = lab.count("challenge"), lab.count("budget")
        with lab.sender() as out:
            for number in range(50):
                out.send(syn_frame(link, link.client(7), neighbour, sport=50000 + number))
            wait_until(lambda: lab.count("budget") >= budget + 40, 10, "dropped over budget")
        assert lab.count("challenge") == challenged


def test_syns_to_a_closed_port_or_to_a_host_behind_are_not_answered(family):
    """The listener on any address is not the one that a forwarded packet is for."""
    with Lab(container=True) as lab:
        link = lab.link(family)
        prepare(lab)
        behind = "10.77.0.2" if family == 4 else "fd77::2"
        with peers.TcpServer(lab.dut_ns, family, PORT):
            lab.start_daemon(lab.config(tables=NARROW))
            exhaust_budget(lab, link)
            challenged, budget = lab.count("challenge"), lab.count("budget")
            client = link.client(7)
            ports = itertools.cycle(range(50000, 50050))
            with lab.sender() as out:
                def refused():
                    sport = next(ports)
                    out.send(syn_frame(link, client, behind, sport=sport))
                    out.send(syn_frame(link, client, link.dut, sport=sport, dport=81))
                    return lab.count("budget") >= budget + 80
                wait_until(refused, 30, "dropped over budget")
            assert lab.count("challenge") == challenged
