# SPDX-License-Identifier: MIT
"""Part 3: what legitimate clients get during a flood, behind Floodwall, nftables and nothing: HTTP (wrk against nginx,
as fast as it goes) and UDP questions (500 a second, from peers that were answered before).

The server has one CPU: nginx, the flooded UDP service and the receiving of packets. Clients and flood have the other.

The first table searches for the rate of denied sources at which nftables keeps half of its requests/s, and gives what
Floodwall keeps there. The others have two floods at several rates."""

import netns
from suite import rivals
from suite.clients import turn
from suite.figures import median, number, percent, spread
from suite.machine import awake, cpus
from suite.serving import receive_on, serve
from suite.table import Table
from suite.firewalls import Firewalls, flood_sources, settings, write_list

TITLE = "goodput under attack"
RATES = (0, 100_000, 300_000, 1_000_000)
FLOODS = {"denied": 1 << 16, "spoofed": 1 << 20}
LISTED = 1 << 16
ENOUGH = 0.5  # share of the wanted rate that must have been sent for a turn to count
HALVINGS, ROUNDS_AT_HALF = 5, 8
AROUND = (0.7, 1, 1.4)  # factors of the guessed rate
NOTE = ("HTTP requests/s, their share of the same firewall's best in the round, and their p99. (A weak flood can even "
        "help: it saves waking the receiving thread for each packet.) 500 UDP questions/s to the flooded port, by "
        "peers that were answered before: share answered, p99. Medians.")
HALF_NOTE = ("HTTP requests/s with the flood as a share of those without, in turns of a second; medians of pairs. A "
             "packet costs the server's CPU (1 - share) / rate, median of all pairs; the last column follows from it.")


def in_turns(firewalls, contenders, sources, rates, rounds, seconds):
    """By firewall and rate: one turn per round."""
    turns = {(firewall.name, rate): [] for firewall in contenders for rate in rates}
    for _ in range(rounds):
        for firewall in contenders:  # all rates of one firewall close together: the machine's own load comes and goes
            for rate in rates:
                turns[firewall.name, rate].append(turn(firewalls, firewall, sources, rate, seconds))
    return turns


def shares(turns, name, rate):
    """Requests/s of each round, as a share of the firewall's best turn in that round."""
    rounds = zip(*(mine for (whose, _), mine in turns.items() if whose == name))
    best = [max(turn["requests"] for turn in one) for one in rounds]
    return [now["requests"] / max(quiet, 1e-9) for now, quiet in zip(turns[name, rate], best)]


def table_of(flood, title, contenders, turns):
    rates = sorted({rate for _, rate in turns})
    table = Table(f"attack.{flood}", title, ["flood", "behind", "sent", "requests/s", "of the best", "spread", "p99",
                                             "UDP answered", "UDP p99"], note=NOTE)
    table.values["names"] = [firewall.name for firewall in contenders]
    for rate in rates:
        for firewall in contenders:
            mine = turns[firewall.name, rate]
            share = shares(turns, firewall.name, rate)
            sent = median(one["sent"] for one in mine)
            assert sent >= ENOUGH * rate, f"{sent:.0f} packets/s were sent, not {rate}: the machine is too busy"
            table.add(f"{number(rate)}/s" if rate else "none", firewall.name,
                      number(sent),
                      number(median(one["requests"] for one in mine)), percent(median(share)), percent(spread(share)),
                      f"{median(one['p99_ms'] for one in mine):.1f} ms", percent(median(one["udp"] for one in mine)),
                      f"{median(one['udp_p99_ms'] for one in mine):.1f} ms")
            table.raw.append({"name": firewall.name, "rate": rate, "share": median(share), "rounds": mine})
    return table


def pair(firewalls, firewall, rate):
    """A turn without the flood, then one with it."""
    return turn(firewalls, firewall, FLOODS["denied"], 0, 1), turn(firewalls, firewall, FLOODS["denied"], rate, 1)


def share_of(quiet, flooded):
    return flooded["requests"] / max(quiet["requests"], 1e-9)


def rate_that_halves(firewalls, firewall, steps):
    """First guess: packets/s of denied sources at which the firewall keeps about half of its requests/s."""
    low, high = 0, RATES[-1]
    for _ in range(steps):
        middle = (low + high) // 2
        if share_of(*pair(firewalls, firewall, middle)) > 0.5:
            low = middle
        else:
            high = middle
    return high


def cost_of(pairs_by_rate):
    """Seconds of the server's CPU per packet. Receiving has priority, so the share kept is 1 - rate * cost."""
    return median((1 - share_of(*one)) / rate for rate, pairs in pairs_by_rate.items() for one in pairs)


def half_table(firewalls, contenders, steps, rounds):
    """Several rates around the one searched for, all firewalls in turns. The cost of a packet behind each gives the
    rate at which nftables keeps half, and what the others keep at that rate."""
    nftables = contenders[1]
    guess = rate_that_halves(firewalls, nftables, steps)
    rates = [int(guess * part) for part in AROUND]
    pairs = {firewall.name: {rate: [] for rate in rates} for firewall in contenders}
    for _ in range(rounds):
        for rate in rates:
            for firewall in contenders:
                pairs[firewall.name][rate].append(pair(firewalls, firewall, rate))
    cost = {name: cost_of(mine) for name, mine in pairs.items()}
    half = 0.5 / max(cost[nftables.name], 1e-12)
    table = Table("attack.half", f"3. Goodput under the flood of 64 k denied sources that takes nftables to half: "
                                 f"{number(half)}/s",
                  ["behind", "requests/s without", *(f"at {number(rate)}/s" for rate in rates), "spread", "p99",
                   "ns a packet", f"at {number(half)}/s"], note=HALF_NOTE)
    for name, mine in pairs.items():
        kept = [[share_of(*one) for one in mine[rate]] for rate in rates]
        turns = [one for rate in rates for one in mine[rate]]
        table.add(name, number(median(quiet["requests"] for quiet, _ in turns)), *(percent(median(now)) for now in kept),
                  percent(median(spread(now) for now in kept)),
                  f"{median(flooded['p99_ms'] for _, flooded in turns):.1f} ms", f"{1e9 * cost[name]:.0f}",
                  percent(1 - half * cost[name]))
        table.values[name] = 1 - half * cost[name]
        table.raw.append({"name": name, "half": half, "rates": rates, "pairs": [mine[rate] for rate in rates]})
    return table


def run(quick):
    rates, rounds, seconds = (RATES[:2], 1, 1) if quick else (RATES, 3, 2)
    with Firewalls() as firewalls, awake():
        netns.ip_batch(firewalls.lab.peers_ns, ["route replace local 10.64.0.0/10 dev lo"])
        numbers = flood_sources(LISTED)
        write_list(firewalls.lab.list_file("deny.list"), numbers)
        firewalls.lab.start_daemon(settings(firewalls.lab))
        denied = [firewalls.floodwall, rivals.nft_set(firewalls, numbers), firewalls.add("nothing"),
                  rivals.bare_filter(firewalls)]
        spoofed = [firewalls.floodwall, rivals.nft_conntrack_meter(firewalls), *denied[2:]]
        for firewall in {firewall.name: firewall for firewall in denied + spoofed}.values():
            serve(firewalls, firewall, cpus()[-1])
            receive_on(firewall, cpus()[-1])
        yield half_table(firewalls, [firewall for firewall in denied if firewall.name != "nothing"],
                         *((1, 1) if quick else (HALVINGS, ROUNDS_AT_HALF)))
        for flood, contenders, title in (
                ("denied", denied, "3. Goodput under a flood of 64 k denied sources"),
                ("spoofed", spoofed, "3. Goodput under a flood of 1 M spoofed sources to a UDP port that is served")):
            turns = in_turns(firewalls, contenders, FLOODS[flood], rates, rounds, seconds)
            yield table_of(flood, title, contenders, turns)
