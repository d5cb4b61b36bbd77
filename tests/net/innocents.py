# SPDX-License-Identifier: MIT
"""Hosts that are busy and innocent: each must serve with Floodwall whom it serves without it.

A meeting is a function of a Scene that says what its users got. It starts the servers, protects the host
and runs the users, in the order in which that matters.
"""
import itertools
import pathlib
import subprocess
from dataclasses import dataclass, field
from typing import Callable

import netns
from lab import wait_until
from scene import Got

import packets

A2S = "ffffffff54536f7572636520456e67696e6520517565727900"  # what a game server is asked, and a number
NTP = "23" + "00" * 47
# A question for <8 letters>.test, type A, recursion desired.
DNS = "123401000001000000000000" + "08" + "61" * 8 + "0474657374000001" + "0001"
VPN, GAME, VXLAN, COLLECTOR = 51820, 27015, 4789, 2055
GRE, IPIP = 47, 4


@dataclass(frozen=True)
class Innocent:
    name: str
    meet: Callable
    values: dict = field(default_factory=dict)
    lab: dict = field(default_factory=dict)
    family: int = 4
    in_ci: bool = True    # short enough to be asked for each time ...
    holds: bool = True    # ... and true; the whole form shows by how much it is not
    beside: bool = False  # garbage comes beside the users: it may be dropped, and reported


# ---------------------------------------------------------------- TCP


def visits(scene, **values):
    """New connections, each with a request."""
    scene.serve()
    scene.protect()
    return scene.run({"connections": scene.web(**values)})


def standing(scene, count, rate):
    """They were there before Floodwall was, which begins with an empty flow table."""
    scene.serve()
    users = {"connections": scene.web(old=count, sources=count, rate=rate)}
    scene.protect()
    return scene.run(users)


def haproxy_and_nginx(scene, rate):
    """All that the server sees is one balancer, which opens a connection for each request."""
    folder = scene.lab.folder
    (folder / "nginx.conf").write_text(
        "daemon off; pid /run/nginx-harm.pid; error_log /dev/null; worker_processes 1;\n"
        "events { worker_connections 8192; }\n"
        "http { access_log off; server { listen 80 backlog=4096; return 200 ok; } }\n")
    (folder / "haproxy.cfg").write_text(
        "global\n maxconn 8000\ndefaults\n mode http\n timeout connect 5s\n timeout client 9s\n"
        " timeout server 9s\n option httpclose\n retries 0\nlisten all\n bind 10.64.255.1:8080\n"
        " http-reuse never\n server one 10.9.0.2:80 source 10.64.9.9\n")
    scene.program("nginx", "-p", folder, "-c", folder / "nginx.conf", port=80, kind="t")
    scene.program("haproxy", "-db", "-f", folder / "haproxy.cfg", where="peers", port=8080, kind="t")
    scene.protect()
    return scene.run({"requests": scene.web(to="10.64.255.1", port=8080, rate=rate, sources=300)})


def crowd_behind_nat(scene, clients, rate):
    """A published port of a container, and a kernel without SYN cookies."""
    with netns.inside(scene.lab.dut_ns):
        pathlib.Path("/proc/sys/net/ipv4/tcp_syncookies").write_text("0")
    scene.lab.run("iptables", "-t", "nat", "-A", "PREROUTING", "-i", "up0", "-p", "tcp", "--dport", 80,
                  "-j", "DNAT", "--to-destination", "10.77.0.2", where="dut")
    scene.serve("box")
    scene.protect()
    return scene.run({"connections": scene.web(sources=clients, rate=rate)})


def datagrams(scene, mbit):
    scene.protect()
    return {"datagrams": scene.copy(scene.link.dut, scene.link.client(1), "-u", "-b", f"{mbit}M")}


def link_local(scene):
    """A copy to an address of the link: storage, routers that talk with each other, `ssh host.local`."""
    mine = "169.254.9.2"
    for name, device, end in ((scene.lab.dut_ns, "up0", 2), (scene.lab.peers_ns, "peer0", 1)):
        netns.ip_batch(name, [f"address add 169.254.9.{end}/16 dev {device}"])
    if scene.family == 6:
        mine = "fe80::ff:fe00:2%peer0"
    # Without these a copy is few packets of 64 KB.
    for device, where in (("up0", "dut"), ("peer0", "peers")):
        scene.lab.run("ethtool", "-K", device, "tso", "off", "gso", "off", "gro", "off", where=where)
    scene.protect()
    return {"copy": scene.copy(mine)}


def replies_elsewhere(scene):
    """What the host sends leaves by an interface that Floodwall is not on."""
    netns.ip_batch(scene.lab.dut_ns, ["route replace default via 10.10.0.1"])
    scene.serve()
    scene.protect('interface = ["up0"]\n')
    got = scene.run({"connections": scene.web(rate=200, sources=300),
                     "questions": scene.ask(rate=200, sources=3000)})
    return got | {"copy": scene.copy(scene.link.dut, "10.9.1.7")}


# ---------------------------------------------------------------- UDP


def questions(scene, service=None, **values):
    """To a service of its own kind."""
    scene.service(port=GAME, **(service or {}))
    scene.protect()
    return scene.run({"questions": scene.ask(port=GAME, **values)})


def garbage(scene, rate, frames):
    """New clients of a service that ignores what it does not know, while much of that arrives."""
    scene.service(port=GAME, begins=A2S[:10], at=scene.link.dut)
    netns.ip_batch(scene.lab.dut_ns, ["address add 10.9.0.99/32 dev up0"])
    noise = scene.send((frames,), rate)
    scene.protect()
    users = scene.ask(port=GAME, rate=100, sources=5000, hex=A2S + "61" * 8, at=25, answer_at=25)
    noise.go()
    return scene.run({"questions": users})


def noise_to(target=None, part=None):
    def family(host, rng):
        to = packets.address(target) if target else host

        def make():
            src = (10 << 24 | 64 << 16) + rng.getrandbits(22)
            port, data = rng.randint(1024, 65535), rng.randbytes(24)
            if not part:
                return [packets.udp(src, to, port, GAME, data)]
            body, size = packets.udp_body(src, to, port, GAME, data, 1400)
            return [packets.fragment(src, to, packets.UDP, body, size, rng.getrandbits(16), 0, True)]
        return make
    return family


def collector(scene, exporters, each, port=COLLECTOR):
    """It answers nobody: what its senders report comes from few addresses, for ever."""
    service = scene.service(port=port, every=0)
    reports = scene.send((reporting(exporters, port),), exporters * each)
    scene.protect()
    return {"reports": arrived(service, reports)}


def reporting(exporters, port, data=b"\0\x09" + bytes(400), own=None):
    def family(host, _):
        turn = itertools.cycle(range(1, exporters + 1))

        def make():
            src = packets.address("10.64.40.0") + next(turn)
            return [packets.udp(src, host, own or 30_000 + (src & 255), port, data)]
        return make
    return family


def arrived(service, sender):
    sent = sender.go().result()["sent"]
    return Got(sent, service.result()["received"])


def rsyslog(scene, hosts, each):
    folder = scene.lab.folder
    (folder / "rsyslog.conf").write_text(
        'module(load="imudp")\ninput(type="imudp" port="514" rcvbufSize="8m")\n'
        f'action(type="omfile" file="{folder}/messages")\n')
    child = scene.program("rsyslogd", "-n", "-f", folder / "rsyslog.conf", "-i", folder / "pid", port=514)
    reports = scene.send((reporting(hosts, 514, b"<13>Nov 29 12:00:00 host app: all is well"),), hosts * each)
    scene.protect()
    sent = reports.go().result()["sent"]
    child.terminate()
    child.wait()
    return {"messages": Got(sent, (folder / "messages").read_text().count("all is well"))}


def stream(scene, rate):
    """As ffmpeg sends a film: one address, packets of seven MPEG cells, and no answer."""
    film = b"\x80\x21" + bytes(10) + (b"\x47" + bytes(187)) * 7
    service = scene.service(port=5004, every=0)
    sender = scene.send((reporting(1, 5004, film, 5004),), rate)
    scene.protect()
    return {"packets": arrived(service, sender)}


def vpn(scene, rate):
    """One peer, both ways."""
    scene.service(port=VPN)
    scene.protect()
    return scene.run({"packets": scene.ask(port=VPN, rate=rate, sources=1, known=1, ports=1, tries=1,
                                           bytes=1000)})


def vxlan(scene):
    for name, device, me, other, end in (
            (scene.lab.dut_ns, "up0", scene.link.dut, "10.64.1.4", 2),
            (scene.lab.peers_ns, "peer0", "10.64.1.4", scene.link.dut, 1)):
        netns.ip_batch(name, [
            f"link add vx0 mtu 1400 type vxlan id 7 dstport {VXLAN} local {me} remote {other} dev {device}",
            f"address add 172.30.0.{end}/24 dev vx0", "link set vx0 up"])
    scene.protect()
    return {"copy": scene.copy("172.30.0.2")}


def tunnels(scene, protocol, rate):
    """Four endpoints of tunnels of one protocol, and what the host sends to them."""
    scene.service(protocol=protocol, every=0, where="peers")
    service = scene.service(protocol=protocol, every=20)
    head = b"\0\0\x08\0" if protocol == GRE else b""

    def family(host, _):
        turn = itertools.cycle(range(1, 5))
        inner, _ = packets.udp(packets.address("172.31.0.1"), packets.address("172.31.0.2"), 9, 9, bytes(300))
        return lambda: [packets.ip(packets.address("10.64.41.0") + next(turn), host, protocol, head + inner)]
    sender = scene.send((family,), 4 * rate)
    scene.protect()
    return {"packets": arrived(service, sender)}


def wireguard(scene):
    """Two wireguard-go, and a copy between them."""
    keys = {}
    for where in ("dut", "peers"):
        made = scene.lab.run("wg", "genkey", where=where).stdout.strip()
        (scene.lab.folder / f"{where}.key").write_text(made)
        keys[where] = subprocess.run(["wg", "pubkey"], input=made, text=True, check=True,
                                     capture_output=True).stdout.strip()
    ends = (("dut", "peers", "wgd", "10.64.1.5", 2), ("peers", "dut", "wgp", scene.link.dut, 1))
    for where, other, device, endpoint, end in ends:
        scene.program("wireguard-go", "-f", device, where=where)
        wait_until(lambda: scene.lab.run("ip", "link", "show", device, where=where, check=False).returncode == 0,
                   10, f"{device} is there")
        scene.lab.run("wg", "set", device, "listen-port", VPN, "private-key",
                      scene.lab.folder / f"{where}.key", "peer", keys[other], "allowed-ips", "0.0.0.0/0",
                      "endpoint", f"{endpoint}:{VPN}", where=where)
        netns.ip_batch(scene.lab.namespace(where), [f"address add 172.29.0.{end}/24 dev {device}",
                                                f"link set {device} up"])
    netns.ip_batch(scene.lab.peers_ns, ["address add 10.64.1.5/32 dev lo",
                                        "route replace 10.9.0.2 dev peer0 src 10.64.1.5"])
    scene.protect()
    return {"copy": scene.copy("172.29.0.2")}


def chrony(scene, rate):
    folder = scene.lab.folder
    (folder / "chrony.conf").write_text(
        f"local stratum 8\nallow all\ncmdport 0\nbindcmdaddress /\npidfile {folder}/chronyd.pid\nport 123\n")
    scene.program("chronyd", "-d", "-x", "-u", "root", "-f", folder / "chrony.conf", port=123)
    scene.protect()
    return scene.run({"questions": scene.ask(port=123, rate=rate, sources=200_000, hex=NTP, at=40,
                                             answer_at=24)})


def dnsmasq(scene, rate):
    scene.program("dnsmasq", "-d", "-C", "/dev/null", "--no-resolv", "--no-hosts", "--bind-interfaces",
                  "--interface=up0", "--address=/test/192.0.2.1", "--user=root", port=53)
    scene.protect()
    return scene.run({"questions": scene.ask(port=53, rate=rate, sources=200_000, hex=DNS, at=13,
                                             answer_at=13)})


INNOCENTS = (
    Innocent("reverse proxy, 1,100 connections/s of one address", visits, {"rate": 1100, "sources": 1}),
    Innocent("reverse proxy, 5,000 connections/s of one address", visits, {"rate": 5000, "sources": 1}, in_ci=False),
    Innocent("reverse proxy, 1,100 connections/s of one IPv6 address", visits, {"rate": 1100, "sources": 1}, family=6, in_ci=False),
    Innocent("1,500 connections/s of one IPv6 /64", visits, {"rate": 1500, "sources": 2000, "within_64": 1},
             family=6),
    Innocent("nginx behind haproxy, 1,500 requests/s", haproxy_and_nginx, {"rate": 1500}),
    Innocent("3,000 standing connections, then Floodwall starts", standing, {"count": 3000, "rate": 3000}),
    Innocent("15,000 standing connections, then Floodwall starts", standing, {"count": 15_000, "rate": 5000}, in_ci=False),
    Innocent("flash crowd of 8,000 clients to a container (DNAT, no SYN cookies)", crowd_behind_nat,
             {"clients": 8000, "rate": 2000}, lab={"container": True}, holds=False),
    Innocent("copy to 169.254/16", link_local),
    Innocent("copy to fe80::/10", link_local, family=6),
    Innocent("replies that leave by another interface", replies_elsewhere, lab={"uplinks": 2}),
    Innocent("rsyslogd, 100 hosts x 5/s", rsyslog, {"hosts": 100, "each": 5}),
    Innocent("flow collector, 30 exporters x 100/s", collector, {"exporters": 30, "each": 100}),
    Innocent("flow collector, 20 exporters x 50/s", collector, {"exporters": 20, "each": 50}, in_ci=False),
    Innocent("flow collector, 3 exporters x 3,000/s", collector, {"exporters": 3, "each": 3000}, in_ci=False),
    # Until it is seen that the program takes it, 10,000 a second pass: a few tenths of a second.
    Innocent("flow collector, 40 exporters x 500/s", collector, {"exporters": 40, "each": 500}, in_ci=False,
             holds=False),
    Innocent("film sent by RTP, 1,000 packets/s", stream, {"rate": 1000}),
    Innocent("iperf3 -u, 80 Mbit/s", datagrams, {"mbit": 80}, in_ci=False),
    Innocent("VXLAN, bulk", vxlan),
    Innocent("wireguard-go, bulk", wireguard, in_ci=False),
    Innocent("one VPN peer, 30,000 packets/s both ways", vpn, {"rate": 30_000}),
    Innocent("4 GRE endpoints x 2,000/s", tunnels, {"protocol": GRE, "rate": 2000}),
    Innocent("4 IPIP endpoints x 2,000/s", tunnels, {"protocol": IPIP, "rate": 2000}, in_ci=False),
    Innocent("chronyd, 3,000 new clients/s", chrony, {"rate": 3000}),
    Innocent("dnsmasq, 3,000 new clients/s", dnsmasq, {"rate": 3000}),
    Innocent("game server, 2,000 queries/s", questions,
             {"rate": 2000, "sources": 20_000, "hex": A2S + "61" * 8, "at": 25, "answer_at": 25}),
    Innocent("answers that take a second, 500 questions/s", questions,
             {"service": {"delay_ms": 1000}, "rate": 500, "sources": 20_000, "timeout_ms": 3000}),
    Innocent("service that ignores garbage, 1,000/s of it", garbage, {"rate": 1000, "frames": noise_to()},
             beside=True, in_ci=False),
    Innocent("service that ignores garbage, 5,000/s of it", garbage, {"rate": 5000, "frames": noise_to()}, beside=True, holds=False),
    Innocent("service that ignores garbage, 5,000/s of it as first fragments", garbage, {"rate": 5000, "frames": noise_to(part=True)},
             beside=True, in_ci=False),
    Innocent("service that ignores garbage, 5,000/s of it to another address", garbage,
             {"rate": 5000, "frames": noise_to("10.9.0.99")}, beside=True, in_ci=False),
)
