# SPDX-License-Identifier: MIT
"""What Floodwall must reach, as ratios within one run, and what was measured."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    what: str
    table: str
    value: str      # of the table's values
    limit: float
    at_least: bool = False

    def reached(self, measured):
        return measured >= self.limit if self.at_least else measured <= self.limit

    def wanted(self):
        return f"{'at least' if self.at_least else 'at most'} {self.limit:g}"


LISTED = "packet.1 M denied"
TARGETS = (
    Target("passed packet, 1 M sources, 1 M denied, to the textbook program's", LISTED,
           "IPv4 passed unverified, 1 M sources", 0.25),
    Target("denied packet, to the textbook program's", LISTED, "IPv4 denied, 64 k sources", 0.125),
    Target("banned packet, to the textbook program's", LISTED, "IPv4 banned, 64 k sources", 0.125),
    Target("16 M sources to 64 k", "scaling.sources, IPv4", "16 M", 1.6),
    Target("1 M list entries to 1 k, IPv4", "scaling.list entries, IPv4", "1 M", 1.3),
    Target("1 M list entries to 1 k, IPv6", "scaling.list entries, IPv6", "1 M", 1.3),
    Target("100 k bans to none, of an unbanned source", "scaling.bans", "100 k", 1.1),
    Target("live, denied flood: rate to bare XDP_DROP's", "receive.denied", "Floodwall to bare", 0.75, True),
    Target("live, spoofed flood: rate to bare XDP_DROP's", "receive.spoofed", "Floodwall to bare", 0.4, True),
    Target("live, denied flood: rate to the best of nftables, ipset", "receive.denied",
           "Floodwall to the best", 3, True),
    Target("live, spoofed flood: rate to the best of nftables, hashlimit", "receive.spoofed",
           "Floodwall to the best", 3, True),
    Target("requests/s under the denied flood that takes nftables to half, to those without", "attack.half",
           "Floodwall", 0.9, True),
    Target("1 M prefixes in force: time to nftables'", "control.lists", "IPv4 1 M load to nftables", 0.2),
    Target("100 k bans: time to nftables'", "control.bans", "to nftables", 0.2),
    Target("packets that saw a half-loaded list", "control.swap", "leaked", 0),
    Target("memory of a new installation, MiB in all", "control.memory", "all", 64),
)


def judged(tables):
    """The targets whose table was measured."""
    by_key = {table.key: table for table in tables}
    out = []
    for target in TARGETS:
        values = by_key[target.table].values if target.table in by_key else {}
        if target.value in values:
            measured = values[target.value]
            out.append({"what": target.what, "wanted": target.wanted(), "measured": measured,
                        "reached": target.reached(measured)})
    return out


def markdown(tables):
    lines = ["| target | wanted | measured | |", "| --- | ---: | ---: | --- |"]
    for one in judged(tables):
        lines.append(f"| {one['what']} | {one['wanted']} | {one['measured']:.3g} | "
                     f"{'reached' if one['reached'] else '**not reached**'} |")
    return "\n".join(lines)
