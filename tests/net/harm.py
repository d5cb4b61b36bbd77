# SPDX-License-Identifier: MIT
"""First, do no harm: every meeting of innocents.py and attackers.py, judged.

As a program it is the whole of it, once on the bare host and once with Floodwall, as JSON; that takes
half an hour. What the file has of meetings that are not measured stays. test_harm.py is the short form,
tools/detection-table makes the table.
usage: tests/net/harm.py [--only PATTERN] [--short] [--tries N] [--json FILE]
"""
import argparse
import dataclasses
import json
import os
import re
import sys
import time

import netns

if __name__ == "__main__":
    netns.isolate()

import scene as scenes  # noqa: E402
import traffic  # noqa: E402
from attackers import ATTACKS, LOOP, SUFFERING, Attack, nothing  # noqa: E402
from innocents import INNOCENTS, Innocent  # noqa: E402
from scene import Got, Scene  # noqa: E402

LESS = 0.001            # of the users served, below the bare host's share
SLOWER, SLACK_MS = 2, 2.0   # how much slower the slowest hundredth may be; below SLACK_MS it is noise
USERS_DURING = {"old TCP": 0.999, "old UDP": 0.999, "new TCP": 0.99, "new UDP": 0.95}
QUICK_MS = 50.0         # the slowest hundredth of users of a host that is not busy
IMAGE = 0.80            # of new UDP users whom a flood resembles in everything
TRIES = 2               # to find the machine free enough
SHORT_CALM_S = 2


def meet(innocent, protected, short):
    with Scene(protected, short, innocent.family, **innocent.lab) as scene:
        return scene.outcome(innocent.meet(scene, **innocent.values))


def unharmed(innocent, bare, walled):
    """What does not hold, in words."""
    wrong = []
    for name, got in walled.users.items():
        without = bare.users[name]
        if got.share < without.share - LESS:
            wrong.append(f"{name}: {got.share:.1%} of {got.asked}, not {without.share:.1%}")
        if got.p99_ms > max(SLOWER * without.p99_ms, without.p99_ms + SLACK_MS):
            wrong.append(f"{name}: p99 {got.p99_ms:.1f} ms, not {without.p99_ms:.1f}")
        if got.mbit < without.mbit / SLOWER:
            wrong.append(f"{name}: {got.mbit:.0f} Mbit/s, not {without.mbit:.0f}")
    if not innocent.beside:
        users_packets = walled.dropped - walled.reasons.get("challenge", 0)
        if users_packets:
            wrong.append(f"dropped: {walled.reasons}")
        if walled.alarms:
            wrong.append(f"alarm: {walled.alarms[0]}")
    return wrong


# ---------------------------------------------------------------- attacks


def attacked(attack, protected, short):
    """One attack, with the four usual users."""
    with Scene(protected, short, attack.family, **attack.lab) as scene:
        seconds = attack.seconds and (min(attack.seconds, 3) if short else attack.seconds)
        seconds = seconds or scene.seconds + 1
        scene.seconds = seconds
        scene.serve(slow=attack.slow)
        attack.prepare(scene)
        storm = scene.send(attack.families, attack.rate, seconds, made=min(attack.rate * seconds, 400_000),
                           **attack.frames)
        beside = [scene.send(families, rate, seconds) for families, rate in [attack.beside] if families] \
            if attack.beside else []
        first = _first(scene, attack)
        scene.protect(attack.top)
        attack.arm(scene)
        if first:
            first.go().result()
        users = usual(scene, seconds) | attack.users(scene)
        before, begin = sum(scene.settled().values()), time.time()
        for program in (storm, *beside):
            program.go()
        with scene.watch(attack.named) as watch:
            got = scene.run(users)
        sent = storm.result()["sent"] + sum(program.result()["sent"] for program in beside)
        end = time.monotonic()
        result = scene.outcome(got)
        result.dropped -= before
        result.sent, result.wanted = sent, attack.rate * seconds
        result.alarm_ms = watch.alarm_ms(begin)
        result.alarms += [f"vector {words}" for words in watch.vectors if words not in str(result.alarms)]
        if not short or attack.after is not nothing:
            # A bare host has nothing to calm down from.
            scenes.at(end + (min(attack.calm_s, SHORT_CALM_S) if short or not protected else attack.calm_s))
            result.after = attack.after(scene) | scene.run(
                {"new TCP": scene.web(rate=100, sources=5000, seconds=2),
                 "new UDP": scene.ask(rate=100, sources=5000, seconds=2)})
        return result


def usual(scene, seconds):
    values = {"seconds": seconds}
    return {"old TCP": scene.web(rate=200, old=50, sources=50, **values),
            "new TCP": scene.web(rate=100, sources=5000, **values),
            "old UDP": scene.ask(rate=200, sources=50, known=1, **values),
            "new UDP": scene.ask(rate=100, sources=5000, **values)}


def _first(scene, attack):
    if not attack.before:
        return None
    family, packets, rate, rounds = attack.before
    return scene.send((family,), rate, max(1, round(packets * rounds / rate)), made=packets)


def unbeaten(attack, bare, walled):
    wrong = []
    served = all(walled.users[name].share >= share for name, share in USERS_DURING.items())
    borne = attack.borne and all(bare.users[name].share >= share for name, share in USERS_DURING.items())
    for name, got in walled.users.items():
        wanted = USERS_DURING.get(name, 0.99)
        if name == "new UDP" and attack.image:
            wanted = IMAGE
        if not attack.slow:
            wanted = min(wanted, bare.users[name].share)
        if got.share < wanted:
            wrong.append(f"{name}: {got.share:.1%}")
    if walled.passed > attack.passes and not (borne and served):
        wrong.append(f"{walled.passed:.0%} passed")
    if attack.named is not None and walled.alarm_ms is None:
        wrong.append(f"no such alarm ({'; '.join(walled.alarms[:2]) or 'none'})")
    elif attack.named is not None and walled.alarm_ms > attack.alarm_ms:
        wrong.append(f"alarm after {walled.alarm_ms / 1000:.1f} s")
    for name, got in walled.after.items():
        if got.share < bare.after[name].share - LESS:
            wrong.append(f"after the end, {name}: {got.share:.1%}")
    return wrong


# ---------------------------------------------------------------- both hosts


def judged(meeting, short, tries=TRIES, both=False):
    """(bare host, with Floodwall, what does not hold), at best of some tries: a busy machine harms, too."""
    is_attack = isinstance(meeting, Attack)
    run, judge = (attacked, unbeaten) if is_attack else (meet, unharmed)
    for _ in range(tries):
        walled = run(meeting, True, short)
        if short and not both:  # what the bare host could do at best
            bare = dataclasses.replace(walled, users=at_best(walled.users), after=at_best(walled.after))
            if not judge(meeting, bare, walled):
                return None, walled, []
        bare = run(meeting, False, short)
        wrong = judge(meeting, bare, walled)
        if not wrong:
            break
    return bare, walled, wrong


def at_best(users):
    return {name: dataclasses.replace(got, answered=got.asked, p99_ms=min(got.p99_ms, QUICK_MS))
            for name, got in users.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="meetings whose names match")
    parser.add_argument("--short", action="store_true", help="seconds instead of many")
    parser.add_argument("--tries", type=int, default=TRIES, help="of what does not hold")
    parser.add_argument("--json")
    options = parser.parse_args()
    meetings, rows = (*INNOCENTS, *ATTACKS, *SUFFERING, *LOOP), {}
    if options.json and os.path.exists(options.json):
        with open(options.json, encoding="utf-8") as file:
            rows = {row["name"]: row for row in json.load(file)}
    for meeting in meetings:
        if not re.search(options.only, meeting.name):
            continue
        try:
            bare, walled, wrong = judged(meeting, options.short, options.tries, both=True)
        except Exception as error:  # the others are still worth their time
            bare, walled, wrong = None, None, [f"could not be measured: {str(error)[:200]}"]
            if not options.json:
                raise
        rows[meeting.name] = {
            "name": meeting.name, "kind": kind_of(meeting), "wrong": wrong,
            "bare": bare and dataclasses.asdict(bare), "walled": walled and dataclasses.asdict(walled)}
        print(f"{meeting.name}: {'; '.join(wrong) or 'holds'}", flush=True)
        print(f"   bare   {brief(bare)}\n   walled {brief(walled)}", flush=True)
        if options.json:
            with open(options.json, "w", encoding="utf-8") as file:
                json.dump([rows[each.name] for each in meetings if each.name in rows], file, indent=1)


def kind_of(meeting):
    if isinstance(meeting, Innocent):
        return "innocent"
    return "suffering" if meeting.slow else "attack"


def brief(outcome):
    if outcome is None:
        return "-"
    def one(got):
        return f"{got.answered}/{got.asked} p99 {got.p99_ms:.1f}" + (f" {got.mbit:.0f} Mbit/s" if got.mbit else "")
    said = ", ".join(f"{name} {one(got)}" for name, got in outcome.users.items())
    if outcome.sent:
        said += f" | sent {outcome.sent} passed {outcome.passed:.1%} alarm {outcome.alarm_ms}"
    if outcome.after:
        said += " | after: " + ", ".join(f"{name} {one(got)}" for name, got in outcome.after.items())
    return said + f" | {outcome.reasons} {outcome.alarms[:3]}"


if __name__ == "__main__":
    sys.exit(main())
