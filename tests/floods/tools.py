#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Packets of floods as independent tools make them: hping3, nping, trafgen, mausezahn, scapy.

sent(name, target, count) runs this file as a program of its own in a network namespace of its own,
where the tool sends into a veth pair. Their timing is the machine's, so only what they sent is kept.
"""
import functools
import importlib.util
import os
import shutil
import socket
import struct
import subprocess
import sys

import packets

FEWEST = 1000
_ETH_P_ALL, _SO_RCVBUFFORCE, _SOL_PACKET, _PACKET_IGNORE_OUTGOING = 3, 33, 263, 23
_HERE, _THERE = "02:00:00:00:aa:01", "02:00:00:00:aa:02"
_NETWORK = f"""link set lo up
link add here address {_HERE} type veth peer name there address {_THERE}
address add 198.51.100.9/24 dev here
address add 2001:db8:1::9/64 dev here nodad
link set here up
link set there up
route add default via 198.51.100.1
route add ::/0 via 2001:db8:1::1
neighbour replace 198.51.100.1 lladdr {_THERE} dev here nud permanent
neighbour replace 2001:db8:1::1 lladdr {_THERE} dev here nud permanent
"""


# ---------------------------------------------------------------- the tools


def _hping3(*words):
    return lambda target, count: _run(
        ["hping3", "-I", "here", "-q", "-n", "-i", "u1", "-c", count, *words, target],
        ok=(0, 1))  # 1: nobody answered


def _nping(*words):
    def send(target, count):
        family = ["-6"] if ":" in target else []
        _run(["nping", *family, "-N", "-H", "--rate", 50_000, "-c", count, "-e", "here",
              "--dest-mac", _THERE, "--source-mac", _HERE, *words, target])
    return send


def _mausezahn(*words):
    return lambda target, count: _run(["mausezahn", "here", "-q", "-b", _THERE, "-A", "rand", "-B", target,
                                       "-c", count, *words])


def _trafgen(layers):
    def send(target, count):
        text = f"{{ eth(da={_THERE}, sa={_HERE}), {layers.replace('TARGET', target)} }}\n"
        read, write = os.pipe()
        with os.fdopen(write, "w") as out:
            out.write(text)
        _run(["trafgen", "--dev", "here", "--conf", f"/dev/fd/{read}", "-n", count, "--cpus", 1,
              "--no-sock-mem", "--ring-size", "64KiB"], pass_fds=(read,))  # more: test_bans.py
        os.close(read)
    return send


def _scapy(layers):
    """`layers` makes the part behind the IP header of the i-th packet."""
    def send(target, count):
        from scapy.layers.inet import IP
        from scapy.layers.inet6 import IPv6
        from scapy.volatile import RandIP, RandIP6
        out = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
        out.bind(("here", 0x86dd if ":" in target else 0x0800))
        ether = ("here", 0x86dd if ":" in target else 0x0800, 0, 0, bytes.fromhex(_THERE.replace(":", "")))
        for index in range(count):
            if ":" in target:
                head = IPv6(src=str(RandIP6("2001:db8:*:*:*:*:*:*")), dst=target, hlim=60)
            else:
                head = IP(src=str(RandIP("11.0.0.0/8")), dst=target, ttl=58, id=index & 0xffff)
            out.sendto(bytes(head / layers(index)), ether)
        out.close()
    return send


def _dns(index):
    from scapy.layers.dns import DNS, DNSQR, DNSRR
    from scapy.layers.inet import UDP
    return UDP(sport=53, dport=20000 + index % 40000) / DNS(
        id=index & 0xffff, qr=1, ra=1, qd=DNSQR(qname="example.org", qtype="ANY"),
        an=DNSRR(rrname="example.org", type="TXT", ttl=3600, rdata="v" * 240))


def _ntp(_):
    from scapy.layers.inet import UDP
    from scapy.layers.ntp import NTPPrivate
    from scapy.packet import Raw
    return UDP(sport=123, dport=80) / NTPPrivate(response=1, more=1, request_code=42) / Raw(bytes(432))


def _extension_chain(_):
    from scapy.layers.inet import TCP
    from scapy.layers.inet6 import IPv6ExtHdrDestOpt, IPv6ExtHdrHopByHop, PadN
    return (IPv6ExtHdrHopByHop(options=[PadN(optdata=b"\0" * 4)])
            / IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)]) / TCP(sport=4000, dport=80, flags="S"))


_TRAFGEN_SYN = "tcp(sp=drnd(), dp=80, syn, seq=drnd(), win=1024)"
TOOLS = {
    "hping3-syn": _hping3("-S", "-p", 80, "--rand-source"),
    "hping3-udp": _hping3("-2", "-p", 27015, "-d", 64, "--rand-source"),
    "hping3-ack": _hping3("-A", "-p", 443, "-k", "--rand-source"),
    "hping3-rst": _hping3("-R", "-p", 80, "--rand-source"),
    "hping3-xmas": _hping3("-F", "-P", "-U", "-p", "++1", "--rand-source"),
    "hping3-icmp": _hping3("-1", "-d", 56, "--rand-source"),
    "hping3-frag": _hping3("-2", "-x", "-g", 1480, "-d", 400, "--rand-source"),
    "nping-udp": _nping("--udp", "-p", 27015, "--data-length", 100, "-S", "203.0.113.9"),
    "nping-syn": _nping("--tcp", "--flags", "syn", "-p", 80, "-S", "203.0.113.10"),
    "nping-syn-ack": _nping("--tcp", "--flags", "syn,ack", "-g", 443, "-p", 5555, "-S", "203.0.113.11"),
    "nping-icmp": _nping("--icmp", "-S", "203.0.113.12"),
    "mausezahn-syn": _mausezahn("-t", "tcp", "flags=syn,dp=80"),
    "mausezahn-ssdp": _mausezahn("-t", "udp", "sp=1900,dp=80", "-P", "HTTP/1.1 200 OK"),
    "mausezahn-cldap": _mausezahn("-t", "udp", "sp=389,dp=4444", "-p", 1400),
    "trafgen-syn": _trafgen("ipv4(sa=drnd(), da=TARGET, ttl=51), " + _TRAFGEN_SYN),
    "trafgen-memcached": _trafgen("ipv4(sa=drnd(), da=TARGET, ttl=57), udp(sp=11211, dp=drnd()), "
                                  "fill(0x00, 8), fill(0x41, 1300)"),
    "trafgen-gre": _trafgen("ipv4(sa=drnd(), da=TARGET, proto=47, ttl=55), fill(0x00, 400)"),
    "trafgen-syn-v6": _trafgen("ipv6(sa=drnd(), da=TARGET, hl=53), " + _TRAFGEN_SYN),
    "trafgen-udp-v6": _trafgen("ipv6(sa=drnd(), da=TARGET, hl=55), udp(sp=drnd(), dp=27015), drnd(64)"),
    "scapy-dns": _scapy(_dns),
    "scapy-ntp": _scapy(_ntp),
    "scapy-extensions-v6": _scapy(_extension_chain),
}


def _run(words, ok=(0,), pass_fds=()):
    done = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=60, check=False, pass_fds=pass_fds)
    if done.returncode not in ok:
        sys.exit(f"{' '.join(map(str, words))}: exit {done.returncode}: {done.stderr.decode()[-300:]}")


# ---------------------------------------------------------------- both sides


def missing(name):
    """Why a tool cannot be run here, or None."""
    if os.geteuid() != 0:
        return "not root: a network namespace needs it"
    tool = name.split("-")[0]
    found = importlib.util.find_spec(tool) if tool == "scapy" else shutil.which(tool)
    if found is None:
        return f"no {tool} here"
    return None


@functools.cache
def sent(name, target, count):
    """What the tool sends to `target` (an integer), as (bytes, size) pairs. Of `count` packets some are
    lost where the machine is busy: the kernel queues 1,000."""
    command = ["unshare", "-n", sys.executable, __file__, name, packets.text(target), str(count)]
    out = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=120).stdout
    found, at = [], 0
    while at < len(out):
        length = struct.unpack_from("=I", out, at)[0]
        found.append((out[at + 4:at + 4 + length], length))
        at += 4 + length
    if len(found) < min(count / 2, FEWEST):
        raise ValueError(f"{name}: {len(found)} of {count} packets arrived")
    return found


def main(name, target, count):
    subprocess.run(["ip", "-batch", "-"], input=_NETWORK, text=True, check=True)
    there = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    there.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 512 << 20)
    there.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    there.bind(("there", _ETH_P_ALL))
    TOOLS[name](target, count)
    there.setblocking(False)
    wanted = socket.inet_pton(socket.AF_INET6 if ":" in target else socket.AF_INET, target)
    while True:
        try:
            packet = there.recv(65536)[14:]
        except BlockingIOError:
            return
        if wanted in (packet[16:20], packet[24:40]):
            sys.stdout.buffer.write(struct.pack("=I", len(packet)) + packet)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
