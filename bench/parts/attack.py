# SPDX-License-Identifier: MIT
"""Part 3: what legitimate clients get while a flood arrives: HTTP (wrk against nginx, as fast as it goes) and UDP
questions (500 a second of peers that were answered before), behind Floodwall, behind nftables, behind nothing.

The server has one CPU: nginx, the UDP service that is flooded, and the receiving of packets. The clients and the
flood have the other one.

First the flood of denied sources that takes nftables to half is looked for, and what Floodwall keeps of its
requests/s under that; then two floods of several rates."""

import netns
from suite import rivals
from suite.clients import turn
from suite.figures import median, number, percent, spread
from suite.machine import awake, cpus
from suite.serving import receive_on, serve
from suite.table import Table
from suite.walls import Walls, flood_sources, settings, write_list

TITLE = "goodput under attack"
RATES = (0, 100_000, 300_000, 1_000_000)
FLOODS = {"denied": 1 << 16, "spoofed": 1 << 20}
LISTED = 1 << 16
ENOUGH = 0.5  # of what a flood was to send: with less it shows nothing
HALVINGS, ROUNDS_AT_HALF = 5, 8
AROUND = (0.7, 1, 1.4)  # of the rate guessed to be the half
NOTE = ("HTTP requests/s as a share of the best that was answered behind the same in the round, and their p99 (a thread "
        "that receives packets now and then is woken for each, so a weak flood can even help); 500 UDP questions/s to "
        "the flooded port by peers that were answered before: answered, p99. Medians.")
HALF_NOTE = ("HTTP requests/s under the flood to those without, in turns of a second; medians of pairs of turns. A packet "
             "costs the server's CPU (1 - kept) / rate, median of all pairs; the last column is what follows from that.")


def in_turns(walls, contenders, sources, rates, rounds, seconds):
    """By wall and rate: a turn of each round."""
    turns = {(wall.name, rate): [] for wall in contenders for rate in rates}
    for _ in range(rounds):
        for wall in contenders:  # its undisturbed turn shortly before the others: what else runs here comes and goes
            for rate in rates:
                turns[wall.name, rate].append(turn(walls, wall, sources, rate, seconds))
    return turns


def shares(turns, name, rate):
    """Requests/s by round, to the best of the wall's turns in that round."""
    rounds = zip(*(mine for (whose, _), mine in turns.items() if whose == name))
    best = [max(turn["requests"] for turn in one) for one in rounds]
    return [now["requests"] / max(calm, 1e-9) for now, calm in zip(turns[name, rate], best)]


def table_of(flood, title, contenders, turns):
    rates = sorted({rate for _, rate in turns})
    table = Table(f"attack.{flood}", title, ["flood", "behind", "sent", "requests/s", "of the best", "spread", "p99",
                                             "UDP answered", "UDP p99"], note=NOTE)
    table.values["names"] = [wall.name for wall in contenders]
    for rate in rates:
        for wall in contenders:
            mine = turns[wall.name, rate]
            share = shares(turns, wall.name, rate)
            sent = median(one["sent"] for one in mine)
            assert sent >= ENOUGH * rate, f"{sent:.0f} packets/s were sent, not {rate}: the machine is too busy"
            table.add(f"{number(rate)}/s" if rate else "none", wall.name,
                      number(sent),
                      number(median(one["requests"] for one in mine)), percent(median(share)), percent(spread(share)),
                      f"{median(one['p99_ms'] for one in mine):.1f} ms", percent(median(one["udp"] for one in mine)),
                      f"{median(one['udp_p99_ms'] for one in mine):.1f} ms")
            table.raw.append({"name": wall.name, "rate": rate, "share": median(share), "rounds": mine})
    return table


def pair(walls, wall, rate):
    """A turn without the flood, and one right after it under the flood."""
    return turn(walls, wall, FLOODS["denied"], 0, 1), turn(walls, wall, FLOODS["denied"], rate, 1)


def share_of(calm, flooded):
    return flooded["requests"] / max(calm["requests"], 1e-9)


def rate_that_halves(walls, wall, steps):
    """Packets/s of denied sources under which the wall keeps about half of its requests/s: a first guess."""
    low, high = 0, RATES[-1]
    for _ in range(steps):
        middle = (low + high) // 2
        if share_of(*pair(walls, wall, middle)) > 0.5:
            low = middle
        else:
            high = middle
    return high


def cost_of(pairs_by_rate):
    """Seconds of the server's CPU that a packet of the flood takes. Receiving goes before everything else, so what is
    kept is what it leaves: 1 - rate * cost."""
    return median((1 - share_of(*one)) / rate for rate, pairs in pairs_by_rate.items() for one in pairs)


def half_table(walls, contenders, steps, rounds):
    """Several rates around the one looked for, all walls in turns: from what a packet costs each of them follows where
    nftables is at half, and what the others keep there."""
    nftables = contenders[1]
    guess = rate_that_halves(walls, nftables, steps)
    rates = [int(guess * part) for part in AROUND]
    pairs = {wall.name: {rate: [] for rate in rates} for wall in contenders}
    for _ in range(rounds):
        for rate in rates:
            for wall in contenders:
                pairs[wall.name][rate].append(pair(walls, wall, rate))
    cost = {name: cost_of(mine) for name, mine in pairs.items()}
    half = 0.5 / max(cost[nftables.name], 1e-12)
    table = Table("attack.half", f"3. Goodput under the flood of 64 k denied sources that takes nftables to half: "
                                 f"{number(half)}/s",
                  ["behind", "requests/s without", *(f"at {number(rate)}/s" for rate in rates), "spread", "p99",
                   "ns a packet", f"at {number(half)}/s"], note=HALF_NOTE)
    for name, mine in pairs.items():
        kept = [[share_of(*one) for one in mine[rate]] for rate in rates]
        turns = [one for rate in rates for one in mine[rate]]
        table.add(name, number(median(calm["requests"] for calm, _ in turns)), *(percent(median(now)) for now in kept),
                  percent(median(spread(now) for now in kept)),
                  f"{median(flooded['p99_ms'] for _, flooded in turns):.1f} ms", f"{1e9 * cost[name]:.0f}",
                  percent(1 - half * cost[name]))
        table.values[name] = 1 - half * cost[name]
        table.raw.append({"name": name, "half": half, "rates": rates, "pairs": [mine[rate] for rate in rates]})
    return table


def run(quick):
    rates, rounds, seconds = (RATES[:2], 1, 1) if quick else (RATES, 3, 2)
    with Walls() as walls, awake():
        netns.ip_batch(walls.lab.peers_ns, ["route replace local 10.64.0.0/10 dev lo"])
        numbers = flood_sources(LISTED)
        write_list(walls.lab.list_file("deny.list"), numbers)
        walls.lab.start_daemon(settings(walls.lab))
        denied = [walls.floodwall, rivals.nft_set(walls, numbers), walls.add("nothing"), rivals.bare_filter(walls)]
        spoofed = [walls.floodwall, rivals.nft_conntrack_meter(walls), *denied[2:]]
        for wall in {wall.name: wall for wall in denied + spoofed}.values():
            serve(walls, wall, cpus()[-1])
            receive_on(wall, cpus()[-1])
        yield half_table(walls, [wall for wall in denied if wall.name != "nothing"],
                         *((1, 1) if quick else (HALVINGS, ROUNDS_AT_HALF)))
        for flood, contenders, title in (
                ("denied", denied, "3. Goodput under a flood of 64 k denied sources"),
                ("spoofed", spoofed, "3. Goodput under a flood of 1 M spoofed sources to a UDP port that is served")):
            turns = in_turns(walls, contenders, FLOODS[flood], rates, rounds, seconds)
            yield table_of(flood, title, contenders, turns)
