# SPDX-License-Identifier: MIT
"""Questions over UDP that are asked back in a forged flood: clients of game servers (A2S) return a
number, resolvers come by TCP."""
import contextlib
import random
import select
import shutil
import socket
import struct
import threading

import pytest
from scapy.layers.dns import DNS, DNSQR
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1Q, Ether

import netns
from lab import QUIET, wait_until
from test_cookies import Answers, Flood, prepare

pytestmark = [pytest.mark.xdp_only("only a driver's program can send an answer back"),
              pytest.mark.expects("AttackStart")]

GAME, ANSWERS = 27015, 40
INFO, HEAD = b"\xff\xff\xff\xffTSource Engine Query\0", b"\xff\xff\xff\xff"
# Nothing but the challenges decides: no budget that a packet could exceed.
WIDE = QUIET + '[detect]\nsignatures = false\nudp_challenges = "auto"\n'


def _socket(namespace, family, kind=socket.SOCK_DGRAM):
    with netns.inside(namespace):
        return socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, kind)


class GameServer(contextlib.AbstractContextManager):
    """Answers A2S as game servers do; with `own` it wants numbers of its own first, as most do."""

    def __init__(self, namespace, family, own):
        self._socket, self._own = _socket(namespace, family), own
        self._socket.bind(("0.0.0.0" if family == 4 else "::", GAME))
        self.asked, self._open = 0, True
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self):
        while self._open:
            if not select.select([self._socket], [], [], 0.05)[0]:
                continue
            data, peer = self._socket.recvfrom(2048)
            self.asked += 1
            number = struct.pack(">I", hash((peer[0], "server")) & 0x7fffffff)
            kind, given = data[4:5], data[25:29] if data[4:5] == b"T" else data[5:9]
            if kind not in (b"T", b"U", b"V"):
                continue
            if (self._own and given != number) or given == HEAD:
                self._socket.sendto(HEAD + b"A" + number, peer)
            else:
                answer = {b"T": b"I", b"U": b"D", b"V": b"E"}[kind]
                self._socket.sendto(HEAD + answer + b"game" * 50, peer)

    def __exit__(self, *_):
        self._open = False
        self._thread.join()
        self._socket.close()


def query(lab, family, source, target, kind, challenges=4):
    """A client's question, with as many challenges as it puts up with. The answer, or None."""
    with contextlib.closing(_socket(lab.peers_ns, family)) as client:
        client.bind((source, 0))
        client.connect((target, GAME))
        client.settimeout(1)
        number = b"" if kind == b"T" else HEAD
        for _ in range(challenges + 1):
            client.send(INFO + number if kind == b"T" else HEAD + kind + number)
            try:
                answer = client.recv(2048)
            except OSError:
                return None
            if answer[4:5] != b"A":
                return answer
            number = answer[5:9]
        return None


def frames(link, payload, port, count, sport=None):
    """Questions of `count` addresses."""
    dice, out = random.Random(7), []
    for _ in range(count):
        number = dice.randrange(1 << 24)
        layer = (IP(src=f"20.{number >> 16}.{number >> 8 & 255}.{number & 255}", dst=link.dut)
                 if link.family == 4 else IPv6(src=f"2a00:0:0:{number & 0xffff:x}::1", dst=link.dut))
        out.append(bytes(link.ether / layer /
                         UDP(sport=sport or dice.randrange(1024, 65536), dport=port) / payload))
    return out


@pytest.mark.parametrize("own", [False, True], ids=["plain server", "server with own numbers"])
def test_game_clients_are_served_in_the_middle_of_forged_questions(lab, link, own):
    prepare(lab)
    with GameServer(lab.dut_ns, link.family, own) as server:
        lab.start_daemon(lab.config(tables=WIDE + '[budget.udp_new]\nlimit = "50/s"\n'))
        assert query(lab, link.family, link.client(1), link.dut, b"T", challenges=int(own))
        with Flood(lab.sender(), frames(link, INFO, GAME, 2000), 4000) as flood:
            wait_until(lambda: lab.count("challenge") > 1000, 20, "challenges")
            before, sent = server.asked, flood.sent
            served = [query(lab, link.family, link.client(number), link.dut, kind)
                      for number in range(2, ANSWERS) for kind in (b"T", b"U", b"V")]
            reached = server.asked - before
            assert reached < 3 * len(served) + 0.1 * (flood.sent - sent) + 100
        assert served.count(None) == 0
        assert lab.bans() == {}


class NameServer(contextlib.AbstractContextManager):
    """dnsmasq with one name."""

    def __init__(self, lab, family):
        self._process = lab.popen(
            "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
            "--bind-interfaces", f"--listen-address={lab.link(family).dut}", "--user=root",
            "--address=/game.example/192.0.2.80", "--pid-file=", where="dut")
        self._probe = lambda: lab.run("ss", "-Hlunt", where="dut").stdout.count(":53 ") >= 2
        wait_until(self._probe, 10, "dnsmasq")

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait()


def dig(lab, link, source):
    done = lab.run("dig", f"@{link.dut}", "-b", source, "game.example", "A", "+short", "+tries=2",
                   "+time=2", check=False)
    return "192.0.2.80" in done.stdout


@pytest.mark.skipif(not shutil.which("dnsmasq") or not shutil.which("dig"), reason="needs dnsmasq, dig")
def test_resolvers_come_by_tcp_in_the_middle_of_forged_questions(lab, link):
    prepare(lab)
    with NameServer(lab, link.family):
        lab.start_daemon(lab.config(tables=WIDE + '[[service]]\nname = "dns"\n'
                                    'port = "tcp+udp/53"\nchallenge = "on"\n'))
        wire = bytes(DNS(id=7, rd=1, qd=DNSQR(qname="game.example")))
        with Flood(lab.sender(), frames(link, wire, 53, 2000), 3000):
            wait_until(lambda: lab.count("challenge") > 1000, 20, "truncated answers")
            served = [dig(lab, link, link.client(number)) for number in range(1, 21)]
        assert all(served)


class Datagrams(Answers):
    def next_to(self, port):
        while True:
            packet = Ether(self._socket.recv(65536))
            if UDP in packet and packet[UDP].dport == port:
                return packet


@pytest.mark.parametrize("tagged", [False, True], ids=["plain", "vlan"])
def test_answers_are_well_formed_and_no_longer_than_their_questions(lab, link, tagged):
    prepare(lab)
    question = bytes(DNS(id=0x1234, rd=1, ad=1, qd=DNSQR(qname="odd.game.example")))
    with NameServer(lab, link.family), GameServer(lab.dut_ns, link.family, False):
        lab.start_daemon(lab.config(tables=WIDE.replace('"auto"', '"on"')))
        for port, payload in ((53, question), (GAME, INFO), (GAME, HEAD + b"U" + HEAD)):
            ether = link.ether / Dot1Q(vlan=0) if tagged else link.ether
            layer = IP(src=link.client(3), dst=link.dut) if link.family == 4 else IPv6(
                src=link.client(3), dst=link.dut)
            frame = bytes(ether / layer / UDP(sport=41000, dport=port) / payload)
            with Datagrams(lab) as answers:
                lab.sender().send(frame)
                answer = answers.next_to(41000)
            assert len(bytes(answer[UDP])) <= len(payload) + 8
            assert (answer[UDP].sport, answer.src, answer.dst) == (port, link.ether.dst, link.ether.src)
            carried, checksum = bytes(answer[UDP].payload), answer[UDP].chksum
            again = answer.copy()
            del again[UDP].chksum
            assert Ether(bytes(again))[UDP].chksum == checksum
            if port == GAME:
                assert carried[:5] == HEAD + b"A"
            else:
                reply = DNS(carried)
                assert (reply.id, reply.qr, reply.tc, reply.rd, reply.ancount) == (0x1234, 1, 1, 1, 0)
                assert bytes(reply.qd) == bytes(DNS(question).qd)
