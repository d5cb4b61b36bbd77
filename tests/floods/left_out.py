#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Leaves out, one family of floods after another, what detection knows of that family in particular.

usage: left_out.py FLOODWALL [--only FAMILY] [--jobs N] [--tsv]
What is left out: the family's own budgets (its classes get the median of the other families'), the
signatures with all that is built in about ordinary stacks, and for reflection the list of reflector
ports (the same packets come from a port that it does not name). The gates are those of gates.py.
"""
import argparse
import concurrent.futures
import dataclasses
import multiprocessing
import os
import pathlib
import re
import statistics
import sys
import tempfile

sys.dont_write_bytecode = True
import gates  # noqa: E402
import scenarios  # noqa: E402
import score  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNLISTED_PORT = 20811  # see reflection.py: no list names it


@dataclasses.dataclass(frozen=True)
class Family:
    name: str
    classes: tuple    # whose budgets are its own
    captures: tuple   # names of scenarios
    reflected: bool = False


FAMILIES = (
    Family("SYN", ("tcp_syn",), ("syn-fixed", "syn-fixed-2k", "syn-fixed-cold", "syn-fixed-50k", "syn-mimic",
                                 "syn-mimic-2k", "syn-slash24", "syn-pulsed", "syn-rising", "syn-fixed-v6",
                                 "syn-mimic-v6", "syn-over-http", "carpet-syn")),
    Family("other TCP", ("tcp_stray",), ("ack", "ack-data", "syn-ack", "rst", "ack-v6")),
    Family("UDP", ("udp_new",), ("udp-fixed", "udp-fixed-answered", "udp-random", "udp-ports", "udp-pulsed",
                                 "udp-rising", "udp-fixed-v6", "udp-over-game", "carpet-udp", "quic-initials",
                                 "extensions-v6", "unknown-reflection")),
    Family("reflection", ("udp_reflected", "fragment"), (
        "dns-reflection", "dns-reflection-2k", "ntp-reflection", "memcached-reflection", "cldap-reflection",
        "ssdp-reflection", "snmp-reflection", "bacnet-reflection", "dns-reflection-v6", "carpet-dns",
        "dns-over-resolver"), True),
    Family("ICMP", ("icmp_echo", "icmp_other"), ("echo", "unreachable", "echo-v6")),
    Family("fragments", ("fragment",), ("fragment", "fragment-v6")),
    Family("other protocols", ("other",), ("gre", "esp")),
)
SHIPPED, BUDGET, SIGNATURES, PORTS = "as shipped", "its budgets", "signatures", "reflector ports"
BUDGET_LINE = re.compile(
    r"budgets\[FW_CLASS_(\w+)\] = \{\.limit = (\d+), \.burst = (\d+), \.served_burst = (\d+)\};")


def budgets():
    """The default ones, by class: limit, burst, served_burst."""
    text = (ROOT / "src/config/config.cpp").read_text(encoding="utf-8")
    found = {klass.lower(): tuple(map(int, numbers)) for klass, *numbers in BUDGET_LINE.findall(text)}
    if len(found) < 8:
        sys.exit("src/config/config.cpp: the default budgets are not where they were")
    return found


def configuration(family, variant):
    if variant == SIGNATURES:
        return "[detect]\nsignatures = false\n"
    if variant != BUDGET:
        return ""
    others = [numbers for klass, numbers in budgets().items() if klass not in family.classes]
    limit, burst, served = (int(statistics.median(column)) for column in zip(*others))
    return "".join(f'[budget.{klass}]\nlimit = "{limit}/s"\nburst = {burst}\nserved_burst = {served}\n'
                   for klass in family.classes)


def run(family, name, options):
    """The numbers of one scenario, by variant."""
    scenario = next(each for each in scenarios.ALL if each.name == name)
    capture, results = scenario.capture(), {}
    with tempfile.TemporaryDirectory(prefix="left-out-") as temp:
        file, config = pathlib.Path(temp) / f"{name}.pcap", pathlib.Path(temp) / "floodwall.toml"
        capture.write(file)
        for variant in (SHIPPED, BUDGET, SIGNATURES, *((PORTS,) if family.reflected else ())):
            if variant == PORTS:
                from_unlisted_port(capture)
                capture.write(file)
            config.write_text(configuration(family, variant) + "[lists]\nallow = []\ndeny = []\n",
                              encoding="utf-8")
            numbers = score.replayed(scenario, capture, file, options.floodwall, config)
            results[variant] = (numbers, gates.broken("flood", numbers))
    return results


def from_unlisted_port(capture):
    all_of_it = capture.in_order()
    for index, (when, label, data, size) in enumerate(all_of_it):
        if label == "a":
            all_of_it[index] = (when, label, with_source_port(data, UNLISTED_PORT), size)


def with_source_port(data, port):
    """Of a UDP packet or first fragment of one; all else is left as it is."""
    v6 = data[0] >> 4 == 6
    at = 40 if v6 else 20
    if v6 and data[6] == 44 and int.from_bytes(data[42:44], "big") >> 3 == 0 and data[40] == 17:
        at = 48
    elif (data[6] if v6 else data[9]) != 17 or (not v6 and int.from_bytes(data[6:8], "big") & 0x1fff):
        return data
    old, check = int.from_bytes(data[at:at + 2], "big"), int.from_bytes(data[at + 6:at + 8], "big")
    check = (check + old - port) % 0xffff  # RFC 1624: in one's complement
    return data[:at] + port.to_bytes(2, "big") + data[at + 2:at + 6] + check.to_bytes(2, "big") + data[at + 8:]


def rows(family, results):
    """A row per variant: what holds, and the worst of each number over the family's captures."""
    for variant in (SHIPPED, BUDGET, SIGNATURES, PORTS):
        mine = {name: result[variant] for name, result in results.items() if variant in result}
        if not mine:
            continue
        numbers = [each for each, _ in mine.values()]
        never = [name for name, (each, _) in mine.items() if each.first_ms is None]
        yield [family.name if variant == SHIPPED else "", "nothing" if variant == SHIPPED else variant,
               f"{sum(not broken for _, broken in mine.values())} of {len(mine)}",
               f"{100 * min(each.attack_share for each in numbers):.1f} %",
               "never" if never else f"{max(each.first_ms for each in numbers):.1f} ms",
               f"{100 * max(each.legit_share for each in numbers):.2f} %",
               f"{max(each.challenged for each in numbers):,}",
               ", ".join(f"{name} ({'; '.join(broken)})" for name, (_, broken) in mine.items() if broken) or "-"]


HEAD = ["family", "left out", "gates hold", "least dropped", "latest first drop", "most legitimate dropped",
        "most SYN cookies for legitimate", "which do not hold"]


def table(options):
    todo = [(family, name) for family in FAMILIES for name in family.captures if options.only in family.name]
    fork = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(options.jobs, mp_context=fork) as pool:
        done = list(pool.map(run, *zip(*todo), [options] * len(todo)))
    yield HEAD
    for family in FAMILIES:
        results = {name: result for (of, name), result in zip(todo, done) if of == family}
        yield from rows(family, results)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("floodwall", type=pathlib.Path)
    parser.add_argument("--only", default="", help="families with this in their name")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--tsv", action="store_true", help="cells apart by tabs")
    options = parser.parse_args()
    lines = list(table(options))
    if options.tsv:
        print("\n".join("\t".join(line) for line in lines))
        return
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD) - 1)]
    for line in lines:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(line, widths)), line[-1]]))


if __name__ == "__main__":
    main()
