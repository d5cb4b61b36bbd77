# SPDX-License-Identifier: MIT
"""Part 5: loading and swapping lists, bans, reload and start, beside nftables and ipset; and memory."""
import pathlib
import re
import subprocess
import time

import netns

from suite import feeds
from suite.figures import median, number, ratios
from suite.machine import RELEASE, cpus
from suite.table import Table
from suite.firewalls import Firewalls, dotted, flood_sources, settings

TITLE = "control plane"
SIZES = (1_000, 100_000, 1_000_000)
BANS = 100_000
SWAPS = 10
NOTE = "Seconds until it is in force; MiB that the process (for Floodwall the daemon) took at most."


class Rivals:
    """nftables and ipset on a host of their own, loading what Floodwall loads."""

    def __init__(self, firewalls):
        self.firewall = firewalls.add("rivals")
        self.file = pathlib.Path("/run/bench-feed")

    def nft(self, text):
        self.file.write_text(text, encoding="ascii")
        return feeds.timed(self.firewall.namespace, "nft", "-f", self.file)

    def ipset(self, text):
        self.file.write_text(text, encoding="ascii")
        return feeds.timed(self.firewall.namespace, "ipset", "restore", "-f", self.file)

    def clear(self):
        self.firewall.run("nft", "flush", "ruleset")
        self.firewall.run("ipset", "destroy")


def put_in_force(lab, entries):
    """Replaces a list file, as feeds are replaced, and applies it. Seconds until the command says it is in force."""
    file, beside = lab.list_file("deny.list"), lab.list_file("deny.new")
    beside.write_text("\n".join(entries), encoding="ascii")
    begin = time.monotonic()
    beside.rename(file)
    lab.cli("apply")
    return time.monotonic() - begin


def one_size(lab, rivals, what, count, rounds):
    """Load and swap, by tool: lists of (seconds, MiB)."""
    seen = {(who, how): [] for who in ("Floodwall", "nftables", "ipset") for how in ("load", "swap")}
    lists = [feeds.feed(what, count, seed) for seed in (1, 2)]
    for _ in range(rounds):
        put_in_force(lab, [])
        feeds.forget_peak(lab.daemon.pid)
        for how, one in zip(("load", "swap"), lists):
            took = put_in_force(lab, [entry for entries in one.values() for entry in entries])
            seen["Floodwall", how].append((took, feeds.peak_mib(lab.daemon.pid)))
        seen["nftables", "load"].append(rivals.nft(feeds.nft_load(lists[0])))
        seen["nftables", "swap"].append(rivals.nft(feeds.nft_swap(lists[1])))
        seen["ipset", "load"].append(rivals.ipset(feeds.ipset_load(lists[0])))
        seen["ipset", "swap"].append(rivals.ipset(feeds.ipset_swap(lists[1])))
        rivals.clear()
    return seen


def lists_table(lab, rivals, quick):
    table = Table("control.lists", "5. A list of prefixes in force",
                  ["list", "", "Floodwall", "MiB", "nftables", "MiB", "ipset", "MiB", "to nftables"], note=NOTE)
    for what in ("IPv4", "IPv6", "mixed"):
        for count in (1_000, 10_000) if quick else SIZES:
            rounds = 1 if quick or count > 100_000 else 3
            seen = one_size(lab, rivals, what, count, rounds)
            for how in ("load", "swap"):
                cells, seconds = [], {}
                for who in ("Floodwall", "nftables", "ipset"):
                    took = seconds[who] = median(one[0] for one in seen[who, how])
                    cells += [f"{took:.3f} s", f"{max(one[1] for one in seen[who, how]):.0f}"]
                ratio = seconds["Floodwall"] / seconds["nftables"]
                table.add(f"{number(count)} {what}", how, *cells, f"{ratio:.2f}")
                table.values[f"{what} {number(count)} {how} to nftables"] = ratio
            table.raw.append({"what": what, "count": count,
                              "seen": {" ".join(key): value for key, value in seen.items()}})
    return table


def ban_file(lab, file):
    """Seconds that `floodwall ban -` takes; it reads a file, as nft and ipset do."""
    with netns.inside(lab.dut_ns), open(file, "rb") as addresses:
        begin = time.monotonic()
        subprocess.run([str(RELEASE / "floodwall"), "ban", "-", "--for", "1h"], stdin=addresses, check=True,
                       stdout=subprocess.DEVNULL)
        return time.monotonic() - begin


def bans_table(lab, rivals, quick):
    count, rounds = (1_000, 1) if quick else (BANS, 11)
    addresses = [dotted(0x0b000000 + 7 * n) for n in range(count)]
    elements = ",".join(f"{address} timeout 1h" for address in addresses)
    nft = f"table ip b {{ set banned {{ type ipv4_addr; flags timeout; elements = {{ {elements} }}\n }}\n}}\n"
    ipset = (f"create banned hash:ip timeout 3600 maxelem {2 * count}\n"
             + "".join(f"add banned {address} timeout 3600\n" for address in addresses))
    file = lab.folder / "bans"
    file.write_text("".join(f"{address}\n" for address in addresses), encoding="ascii")
    ours, nftables, ipsets = [], [], []
    for _ in range(rounds):
        ours.append(ban_file(lab, file))
        lab.cli("unban", "--all")
        nftables.append(rivals.nft(nft)[0])
        ipsets.append(rivals.ipset(ipset)[0])
        rivals.clear()
    table = Table("control.bans", f"5. {number(count)} bans at once", ["", "seconds", "to nftables"],
                  raw=[{"Floodwall": ours, "nftables": nftables, "ipset": ipsets}])
    for who, took in (("Floodwall", ours), ("nftables set with timeouts", nftables), ("ipset with timeouts", ipsets)):
        table.add(who, f"{median(took):.3f}", f"{median(ratios(took, nftables)):.2f}")
    table.values["to nftables"] = median(ratios(ours, nftables))
    return table


def swap_table(firewalls, quick):
    """A flood of sources that are on both lists, while they are swapped: none of its packets may pass."""
    lab, swaps, rate = firewalls.lab, 2 if quick else SWAPS, 50_000
    always = [dotted(n) for n in flood_sources(1 << 12)]
    lists = [always + feeds.feed("IPv4", 10_000 if quick else 1_000_000, seed)[4] for seed in (1, 2)]
    put_in_force(lab, lists[0])
    before = lab.counters()
    flood = firewalls.flood(firewalls.floodwall, 1 << 12, 600, rate, cpus()[-1])
    seconds = [put_in_force(lab, lists[n % 2]) for n in range(1, swaps + 1)]
    flood.terminate()
    flood.communicate(timeout=20)
    counters = {word: count - before.get(word, 0) for word, count in lab.counters().items()}
    denied = counters.pop("deny", 0)
    leaked = sum(counters.get(word, 0) for word in ("pass", "budget", "limit", "signature", "none"))
    table = Table("control.swap", f"5. A list of {number(len(lists[0]))} swapped {swaps} times during a flood",
                  ["", ""], raw=[{"seconds": seconds, "counters": counters}],
                  note="Every source of the flood is on all the lists.")
    table.add("packets of the flood that met the list", number(denied))
    table.add("packets that met no list, or half of one", leaked)
    table.add("seconds a swap", f"{median(seconds):.3f}")
    table.values = {"leaked": leaked, "denied": denied}
    assert denied > 0, "the flood did not arrive"
    return table


def start_table(lab, quick):
    """Start, and reload of another configuration, without and with a long list."""
    table = Table("control.start", "5. Start and reload", ["list", "start", "reload"], note="Seconds.")
    for count in (0, 10_000 if quick else 1_000_000):
        put_in_force(lab, feeds.feed("IPv4", count, 1)[4] if count else [])
        starts, reloads = [], []
        for turn in range(1 if quick else 3):
            lab.stop()
            begin = time.monotonic()
            lab.start_daemon(settings(lab))
            starts.append(time.monotonic() - begin)
            lab.write_config(settings(lab, more=services(100, 1000 + turn)))
            begin = time.monotonic()
            lab.cli("apply")
            reloads.append(time.monotonic() - begin)
        table.add(f"{number(count)} prefixes", f"{median(starts):.3f}", f"{median(reloads):.3f}")
        table.raw.append({"count": count, "start": starts, "reload": reloads})
    return table


def services(count, limit):
    return "".join(f'[[service]]\nname = "s{n}"\nport = "udp/{20000 + n}"\npackets = {{ limit = "{limit}/s" }}\n'
                   for n in range(count))


def memory_table(firewalls):
    """A new installation from its start on: the memory of its tables and of its daemon."""
    lab = firewalls.lab
    lab.stop()
    lab.cli("mode", "off", code=None)
    lab.list_file("deny.list").write_text("", encoding="ascii")
    lab.write_config(settings(lab))
    lab.start_daemon()
    flood = firewalls.flood(firewalls.floodwall, 1 << 20, 3, 200_000, cpus()[-1])
    flood.communicate(timeout=30)
    tables = lab.api.call("status")["tables"]["memory_bytes"] / 2**20
    smaps = pathlib.Path(f"/proc/{lab.daemon.pid}/smaps").read_text(encoding="utf-8")
    own = sum(int(re.search(r"\nRss:\s+(\d+)", block).group(1)) for block in
              re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", smaps) if "bpf-map" not in block.partition("\n")[0]) / 1024
    table = Table("control.memory", "5. Memory of a new installation, after a flood of 1 M sources", ["", "MiB"],
                  note="The tables' size is fixed at the start. The daemon's part includes the libraries it shares.")
    table.add("tables in the kernel", f"{tables:.1f}")
    table.add("daemon besides", f"{own:.1f}")
    table.add("all", f"{tables + own:.1f}")
    table.values = {"all": tables + own, "tables": tables}
    return table


def run(quick):
    with Firewalls() as firewalls:
        lab, rivals = firewalls.lab, Rivals(firewalls)
        lab.start_daemon(settings(lab))
        yield lists_table(lab, rivals, quick)
        yield bans_table(lab, rivals, quick)
        yield swap_table(firewalls, quick)
        yield start_table(lab, quick)
        yield memory_table(firewalls)
