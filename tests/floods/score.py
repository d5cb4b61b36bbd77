#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Makes the captures of scenarios.py, replays each through Floodwall and holds the gates against it.

usage: score.py FLOODWALL [--gated NAME,NAME] [--only TEXT] [--json OUT] [--keep DIR] [--config FILE]
                [--jobs N]
Every scenario is run and printed. Exit status 1: one of --gated does not hold, or something went wrong;
in CI also if one of them could not be run.
"""
import argparse
import concurrent.futures
import dataclasses
import datetime
import ipaddress
import json
import multiprocessing
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import gates  # noqa: E402
import packets  # noqa: E402
import scenarios  # noqa: E402
import tools  # noqa: E402
from capture import START_S  # noqa: E402

_DROPPED = re.compile(r"^(\d+)\tdrop\t(\S+)$", re.M)
REACTIONS = {"AttackStart": "alarm", "Signature": "signature"}


@dataclasses.dataclass
class Result:
    name: str
    gates: str
    numbers: gates.Numbers | None = None
    missing: str = ""  # why it could not be run here
    error: str = ""    # what went wrong: the exit status is 1, gated or not
    note: str = ""
    seconds: float = 0
    broken: list = dataclasses.field(default_factory=list)


def run(name, options):
    scenario, begin = next(each for each in scenarios.ALL if each.name == name), time.monotonic()
    result = Result(scenario.name, scenario.gates, note=scenario.note)
    result.missing = (tools.missing(scenario.tool) if scenario.tool else None) or ""
    if not result.missing:
        try:
            with tempfile.TemporaryDirectory(prefix="floods-") as temp:
                result.numbers = measure(scenario, pathlib.Path(options.keep or temp), options)
            result.broken = gates.broken(scenario.gates, result.numbers)
        except (subprocess.SubprocessError, OSError, ValueError) as error:
            result.error = str(error)
    result.seconds = time.monotonic() - begin
    return result


def measure(scenario, folder, options):
    capture = scenario.capture()
    file = folder / f"{scenario.name}.pcap"
    capture.write(file)
    return replayed(scenario, capture, file, options.floodwall, options.config)


def replayed(scenario, capture, file, floodwall, config=None):
    """Verdicts and the summary as JSON are left beside the capture's `file`."""
    verdicts = file.with_name(f"{scenario.name}.verdicts.tsv")
    command = [floodwall, "replay", file, "--protect", ",".join(map(packets.text, capture.hosts)),
               "--verdicts", verdicts, "--json"]
    command += ["--config", config] if config else []
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=300)
    summary, dropped = json.loads(done.stdout), read_verdicts(verdicts, capture)
    file.with_name(f"{scenario.name}.json").write_bytes(done.stdout)
    numbers = gates.measure(capture.in_order(), dropped, scenario.counts_from_pps)
    add_events(numbers, summary["events"], capture)
    return numbers


def read_verdicts(path, capture):
    """The reason of each packet that was dropped, by its index."""
    text, count = path.read_text(encoding="ascii"), len(capture.in_order())
    lines = text.count("\n") - sum(line.startswith("#") for line in text[:2000].split("\n"))
    if lines != count:
        raise ValueError(f"{path.name}: {lines} verdicts for {count} packets")
    return {int(index): reason for index, reason in _DROPPED.findall(text)}


def add_events(numbers, events, capture):
    begin = next((when for when, label, _, _ in capture.in_order() if label == "a"), 0.0)
    bans = []
    for event in events:
        if event["event_type"] in ("Ban", "Restrict"):
            bans.append(event["src_ip"])
        what = REACTIONS.get(event["event_type"])
        if what and what not in numbers.reaction_ms:
            when = datetime.datetime.fromisoformat(event["timestamp"].replace("Z", "+00:00"))
            numbers.reaction_ms[what] = (when.timestamp() - START_S - begin) * 1000
    if bans:
        attackers = [ipaddress.ip_address(packets.text(value)) for value in capture.sources("a")]
        numbers.wrong_bans = [ban for ban in bans if not any(
            address in ipaddress.ip_network(ban) for address in attackers
            if address.version == ipaddress.ip_network(ban).version)]


# ---------------------------------------------------------------- printing

HEAD = ("scenario", "gates", "k/s", "attack", "drop%", "first", "alarm", "sig", "legit", "hurt", "hurt%",
        "late", "cookie", "result")


def row(result, gated):
    numbers = result.numbers
    if numbers is None:
        return [result.name, result.gates, *[""] * (len(HEAD) - 3), result.error or f"not run: {result.missing}"]

    def number(value, digits=0):
        return "-" if value is None else f"{value:.{digits}f}"

    def percent(value, digits=1):
        return "-" if value is None else f"{value * 100:.{digits}f}"
    said = "holds" if not result.broken else "fails: " + "; ".join(result.broken)
    if result.gates == "report":
        said = f"not gated ({result.note})"
    elif result.name in gated:
        said = said if not result.broken else said.upper()
    elif not result.broken:
        said = "holds, not in the list"
    return [result.name, result.gates, number(numbers.rate_pps / 1000, 1) if numbers.attack else "-",
            str(numbers.attack), percent(numbers.attack_share), number(numbers.first_ms, 1),
            number(numbers.reaction_ms.get("alarm")), number(numbers.reaction_ms.get("signature")),
            str(numbers.legit), str(numbers.legit_dropped), percent(numbers.legit_share, 2),
            str(numbers.late), str(numbers.challenged), said]


def table(rows):
    widths = [max(len(line[i]) for line in rows) for i in range(len(HEAD) - 1)]
    for line in rows:
        cells = [cell.ljust(width) if i < 2 else cell.rjust(width)
                 for i, (cell, width) in enumerate(zip(line, widths))]
        yield "  ".join([*cells, line[-1]]).rstrip()


def verdict(results, gated):
    """What makes the exit status 1, as texts."""
    ran = {result.name: result for result in results}
    yield from (f"{result.name}: {result.error}" for result in results if result.error)
    for name in sorted(gated):
        if name not in ran:
            yield f"{name}: no such scenario"
        elif ran[name].missing:
            if os.environ.get("CI") == "true" or os.environ.get("FLOODWALL_NO_SKIP") == "1":
                yield f"{name}: {ran[name].missing}"
        elif ran[name].broken and not ran[name].error:
            yield f"{name}: {'; '.join(ran[name].broken)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("floodwall", type=pathlib.Path)
    parser.add_argument("--gated", default="", help="scenarios whose gates must hold")
    parser.add_argument("--only", default="", help="scenarios with this in their name")
    parser.add_argument("--json", help="write all numbers here")
    parser.add_argument("--keep", help="keep captures, labels and verdicts in this folder")
    parser.add_argument("--config", help="passed on to floodwall")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    todo = [each for each in scenarios.ALL if options.only in each.name]
    gated = {name for name in options.gated.split(",") if name and options.only in name}
    if options.keep:
        pathlib.Path(options.keep).mkdir(parents=True, exist_ok=True)
    fork = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(options.jobs, mp_context=fork) as pool:
        results = list(pool.map(run, [each.name for each in todo], [options] * len(todo)))
    print("\n".join(table([HEAD, *(row(result, gated) for result in results)])))
    print("\nfirst, alarm, sig: ms from the first attack packet to the first drop, AttackStart, Signature")
    print("cookie: legitimate SYNs that were answered by a SYN cookie; they are not hurt")
    judged = [result for result in results if result.gates != "report" and result.numbers]
    print(f"{sum(not result.broken for result in judged)} of {len(judged)} scenarios hold")
    if options.json:
        text = json.dumps([dataclasses.asdict(result) for result in results], indent=1) + "\n"
        pathlib.Path(options.json).write_text(text, encoding="utf-8")
    wrong = list(verdict(results, gated))
    for line in wrong:
        print(f"FAILED {line}")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
