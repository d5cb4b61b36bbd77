# SPDX-License-Identifier: MIT
"""What detection must show on the shared captures, from what `score --json` says of each.

Real floods and the two lab floods of one source: 95 % of the packets dropped in all, the first within
20 ms (250 ms at 10,000 packets/s or less). The same floods over benign traffic: besides, at most
0.5 % of legitimate packets dropped, none more than 10 s after the end. Benign captures: no packet
dropped. Nobody is banned who sent no attack packet; an address that is no host's is never banned.
"""
from dataclasses import dataclass

FLOOD_DROPPED, LEGIT_DROPPED = 0.95, 0.005
FAST_PPS, FAST_MS, SLOW_MS = 10_000, 20, 250
LATE_S = 10
RATE_WINDOW_S = 0.1  # how fast a flood is: in its first so many seconds
# Their "source" is 0.0.0.0 or a multicast address: whether they are stopped is not held against us.
NOBODYS = {"dhcp-request-flood_test.pcap", "rsmurf6.pcap"}
GATED_GROUPS = ("real floods", "lab floods", "overlays", "benign")


@dataclass
class Facts:
    """What the JSON of `score` does not say."""
    rate_pps: float = 0    # of the flood
    late: int = 0          # legitimate packets dropped more than 10 s after it
    wrong_bans: tuple = ()


def short(name):
    return name.split("__")[-1]


def rate_of(times_s):
    """Packets a second in the first 100 ms of a flood, or all of it if it is shorter."""
    times_s = sorted(times_s)
    first = [when for when in times_s if when <= times_s[0] + RATE_WINDOW_S]
    return len(first) / min(RATE_WINDOW_S, max(times_s[-1] - times_s[0], 1e-3))


def broken(result, facts):
    """Which gates a capture breaks, as short texts. None: it has none."""
    if result["group"] not in GATED_GROUPS:
        return None
    if "error" in result:
        return [result["error"]]
    found = []
    if result["group"] == "benign":
        count = result["legit_dropped"] + result["other_dropped"]
        found += [f"{count} packets dropped"] if count else []
    elif short(result["name"]) not in NOBODYS:
        found += _of_flood(result, facts)
    if facts.wrong_bans:
        found.append("banned: " + ", ".join(facts.wrong_bans[:3]))
    return found


def _of_flood(result, facts):
    if result["attack_dropped_share"] < FLOOD_DROPPED:
        yield f"{result['attack_dropped_share'] * 100:.1f} % dropped"
    limit_ms = FAST_MS if facts.rate_pps > FAST_PPS else SLOW_MS
    if result["first_drop_ms"] is None:
        yield "no drop"
    elif result["first_drop_ms"] > limit_ms:
        yield f"first drop later than {limit_ms} ms"
    if result["group"] == "overlays":
        if result["legit_dropped_share"] > LEGIT_DROPPED:
            yield f"{result['legit_dropped_share'] * 100:.1f} % of legitimate packets dropped"
        if facts.late:
            yield f"{facts.late} dropped later than {LATE_S} s"


# ---------------------------------------------------------------- Markdown


def markdown_row(cells):
    return "| " + " | ".join(cells) + " |"


def baselines(text):
    """The last table of baselines/RESULTS.md: its columns' names, and by capture what each did."""
    rows = [[cell.strip() for cell in line.strip("| \n").split("|")]
            for line in text.splitlines() if line.startswith("|")]
    starts = [index - 1 for index, row in enumerate(rows) if set(row[0]) == {"-"}]
    head, body = rows[starts[-1]], rows[starts[-1] + 2:]
    return head[1:], {row[0].rsplit(" (", 1)[0]: row[1:] for row in body}


def markdown(results, facts, baseline_text):
    """The lines of the table: attack / legitimate packets dropped, in per cent, of each flood."""
    names, theirs = baselines(baseline_text)
    yield markdown_row(["flood", *names, "Floodwall", "first drop", "gates"])
    yield markdown_row(["---"] * (len(names) + 4))
    for result in results:
        if result["group"] not in GATED_GROUPS or result["group"] == "benign":
            continue
        first = result.get("first_drop_ms")
        yield markdown_row([
            f"{short(result['name'])} ({result['group']})",
            *theirs.get(short(result["name"]), ["-"] * len(names)), _shares(result),
            "-" if first is None else f"{first:.1f} ms",
            said(broken(result, facts[result["name"]]))])
    benign = [result for result in results if result["group"] == "benign"]
    if benign:
        spared = sum(not broken(result, facts[result["name"]]) for result in benign)
        yield ""
        yield f"Benign captures without any drop: {spared} of {len(benign)}."


def said(found):
    return "hold" if not found else "; ".join(found)


def _shares(result):
    shares = (result.get("attack_dropped_share"), result.get("legit_dropped_share"))
    return " / ".join("-" if share is None else f"{share * 100:.1f}" for share in shares)
