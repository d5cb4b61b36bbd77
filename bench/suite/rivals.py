# SPDX-License-Identifier: MIT
"""What people use today against floods, set up as its manuals say, each on a wall of its own. What passes a meter is dropped right behind it: so it is spared the stack's work, which is
to its advantage."""
from suite.machine import RELEASE
from suite.walls import dotted

METER_PPS = 100  # of each source
TRACKED = 1 << 20


def nft_set(walls, numbers):
    wall = walls.add("nftables set, ingress")
    wall.run("nft", "-f", "-", stdin="table netdev t {\n set denied { type ipv4_addr; elements = { "
             + ",".join(map(dotted, numbers)) + " } }\n chain in { type filter hook ingress device up0 priority 0;\n"
             " ip saddr @denied drop\n }\n}\n")
    return wall


def nft_meter(walls):
    wall = walls.add("nftables meter, ingress")
    wall.run("nft", "-f", "-", stdin=f"""table netdev t {{
  set sources {{ type ipv4_addr; size {TRACKED}; flags dynamic; timeout 10s; }}
  chain in {{ type filter hook ingress device up0 priority 0;
    add @sources {{ ip saddr limit rate over {METER_PPS}/second burst {METER_PPS} packets }} drop
    drop
  }}
}}
""")
    return wall


def ipset(walls, numbers):
    wall = walls.add("ipset, table raw")
    restore = f"create denied hash:ip maxelem {2 * len(numbers)} hashsize {len(numbers)}\n"
    wall.run("ipset", "restore", stdin=restore + "".join(f"add denied {dotted(n)}\n" for n in numbers))
    wall.run("iptables", "-w", "-t", "raw", "-A", "PREROUTING", "-m", "set", "--match-set", "denied", "src", "-j",
             "DROP")
    return wall


def hashlimit(walls):
    wall = walls.add("hashlimit, table raw")
    add = ("iptables", "-w", "-t", "raw", "-A", "PREROUTING")
    wall.run(*add, "-i", "up0", "-m", "hashlimit", "--hashlimit-above", f"{METER_PPS}/sec", "--hashlimit-burst",
             METER_PPS, "--hashlimit-mode", "srcip", "--hashlimit-name", "bench", "--hashlimit-htable-size",
             TRACKED // 4, "--hashlimit-htable-max", TRACKED, "-j", "DROP")
    wall.run(*add, "-i", "up0", "-j", "DROP")
    return wall


def bare(walls):
    wall = walls.add("bare XDP_DROP")
    walls.helper(wall, RELEASE / "receiver", "up0", "drop")
    return wall


def bare_filter(walls):
    """A few instructions of XDP that know where the flood comes from: no firewall can do better."""
    wall = walls.add("XDP that knows the flood")
    walls.helper(wall, RELEASE / "receiver", "up0", "drop-flood")
    return wall


def xdp_filter(walls, file):
    wall = walls.add("xdp-filter")
    walls.helper(wall, RELEASE / "receiver", "up0", "xdp-filter", file)
    return wall


def nothing(walls):
    """The bare stack: the packets are for a socket that nobody reads."""
    wall = walls.add("no firewall")
    walls.helper(wall, "python3", "-c", "import socket, sys\n"
                 "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                 "s.bind(('', 27015))\nprint('ready', flush=True)\nsys.stdin.read()")
    return wall


def nft_conntrack_meter(walls):
    """What a careful operator writes: what belongs to a known connection passes, the rest is metered."""
    wall = walls.add("nftables meter, after conntrack")
    wall.run("nft", "-f", "-", stdin=f"""table ip t {{
  set sources {{ type ipv4_addr; size {TRACKED}; flags dynamic; timeout 10s; }}
  chain in {{ type filter hook prerouting priority -100;
    iifname != "up0" accept
    ct state established,related accept
    add @sources {{ ip saddr limit rate over {METER_PPS}/second burst {METER_PPS} packets }} drop
  }}
}}
""")
    return wall
