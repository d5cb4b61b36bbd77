# SPDX-License-Identifier: MIT
"""What people use today against floods, set up as its manual says, each on a host of its own. What passes a meter is
dropped right behind it and so spared the stack's work, which is to the meter's advantage."""
from suite.machine import RELEASE
from suite.firewalls import dotted

METER_PPS = 100  # of each source
TRACKED = 1 << 20


def nft_set(firewalls, numbers):
    firewall = firewalls.add("nftables set, ingress")
    firewall.run("nft", "-f", "-", stdin="table netdev t {\n set denied { type ipv4_addr; elements = { "
             + ",".join(map(dotted, numbers)) + " } }\n chain in { type filter hook ingress device up0 priority 0;\n"
             " ip saddr @denied drop\n }\n}\n")
    return firewall


def nft_meter(firewalls):
    firewall = firewalls.add("nftables meter, ingress")
    firewall.run("nft", "-f", "-", stdin=f"""table netdev t {{
  set sources {{ type ipv4_addr; size {TRACKED}; flags dynamic; timeout 10s; }}
  chain in {{ type filter hook ingress device up0 priority 0;
    add @sources {{ ip saddr limit rate over {METER_PPS}/second burst {METER_PPS} packets }} drop
    drop
  }}
}}
""")
    return firewall


def ipset(firewalls, numbers):
    firewall = firewalls.add("ipset, table raw")
    restore = f"create denied hash:ip maxelem {2 * len(numbers)} hashsize {len(numbers)}\n"
    firewall.run("ipset", "restore", stdin=restore + "".join(f"add denied {dotted(n)}\n" for n in numbers))
    firewall.run("iptables", "-w", "-t", "raw", "-A", "PREROUTING", "-m", "set", "--match-set", "denied", "src", "-j",
             "DROP")
    return firewall


def hashlimit(firewalls):
    firewall = firewalls.add("hashlimit, table raw")
    add = ("iptables", "-w", "-t", "raw", "-A", "PREROUTING")
    firewall.run(*add, "-i", "up0", "-m", "hashlimit", "--hashlimit-above", f"{METER_PPS}/sec", "--hashlimit-burst",
             METER_PPS, "--hashlimit-mode", "srcip", "--hashlimit-name", "bench", "--hashlimit-htable-size",
             TRACKED // 4, "--hashlimit-htable-max", TRACKED, "-j", "DROP")
    firewall.run(*add, "-i", "up0", "-j", "DROP")
    return firewall


def bare(firewalls):
    firewall = firewalls.add("bare XDP_DROP")
    firewalls.helper(firewall, RELEASE / "receiver", "up0", "drop")
    return firewall


def bare_filter(firewalls):
    """A few instructions of XDP that know where the flood comes from: the upper bound for any firewall."""
    firewall = firewalls.add("XDP that knows the flood")
    firewalls.helper(firewall, RELEASE / "receiver", "up0", "drop-flood")
    return firewall


def xdp_filter(firewalls, file):
    firewall = firewalls.add("xdp-filter")
    firewalls.helper(firewall, RELEASE / "receiver", "up0", "xdp-filter", file)
    return firewall


def nothing(firewalls):
    """The bare stack: the packets go to a socket that nobody reads."""
    firewall = firewalls.add("no firewall")
    firewalls.helper(firewall, "python3", "-c", "import socket, sys\n"
                 "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                 "s.bind(('', 27015))\nprint('ready', flush=True)\nsys.stdin.read()")
    return firewall


def nft_conntrack_meter(firewalls):
    """What a careful operator writes: packets of known connections pass, the rest is metered."""
    firewall = firewalls.add("nftables meter, after conntrack")
    firewall.run("nft", "-f", "-", stdin=f"""table ip t {{
  set sources {{ type ipv4_addr; size {TRACKED}; flags dynamic; timeout 10s; }}
  chain in {{ type filter hook prerouting priority -100;
    iifname != "up0" accept
    ct state established,related accept
    add @sources {{ ip saddr limit rate over {METER_PPS}/second burst {METER_PPS} packets }} drop
  }}
}}
""")
    return firewall
