# SPDX-License-Identifier: MIT
"""What the operator is told is so: in mode observe, in an attack, about one source, and after a restart.

One lab: its tests follow each other, as the night of an operator does.
"""
import pathlib
import re
import sys
import time

import pytest

from lab import DATAPATH, Lab, wait_until
from traffic import UDP, WEB, Traffic, settle

import attacks
import packets

pytestmark = pytest.mark.expects("AttackStart", "AttackVector", "Suppressed", "Suffering", "Detach")
RATE, SECONDS = 4000, 4
SOURCE = "10.200.0.9"


def from_one(target, rng):
    """Datagrams to a closed port, all in the name of one address."""
    def make():
        return [packets.udp(packets.address(SOURCE), target, 4000, 9999, rng.randbytes(40))]
    return make


@pytest.fixture(scope="module")
def night():
    with Lab() as lab:
        link = lab.link(4)
        lab.xdp_on_peer()
        with Traffic(lab, link) as traffic:
            lab.start_daemon(lab.config('mode = "observe"\n', tables=""))
            traffic.serve()
            time.sleep(1)
            yield lab, link, traffic


def flood(traffic, family, seconds=SECONDS):
    return traffic.flood([family], RATE, seconds).go()


def told(lab, kind):
    return [event for event in lab.ask("events")["events"] if event["event_type"] == kind]


def test_observe_drops_nothing_and_says_so_everywhere(night):
    lab, link, traffic = night
    sent = flood(traffic, attacks.syn_fixed)
    wait_until(lambda: lab.ask("status")["attack"], 5, "an attack")
    time.sleep(2)
    status = lab.ask("status")
    sent.result()
    settle(lab)
    assert status["now"]["dropped_pps"] == 0 and status["now"]["would_drop_pps"] > RATE / 4
    assert status["attack"]["dropped"] == 0 and status["attack"]["would_drop"] > RATE / 4
    traffic_now = lab.ask("status")["traffic"]
    assert traffic_now["dropped_packets"] == 0 and traffic_now["dropped_bytes"] == 0
    assert traffic_now["observed_drops"] > RATE
    (start,) = told(lab, "AttackStart")
    assert "dropped_pps" not in start and "would_drop_pps" in start
    assert RATE / 2 < start["pps"] < RATE * 2, start["text"]
    lab.cli("mode", "enforce")
    (summary,) = told(lab, "WouldDrop")
    assert summary["packets"] == lab.ask("status")["traffic"]["observed_drops"]
    assert not told(lab, "Dropped")


def test_status_says_what_goes_on_and_sources_who_does_it(night):
    lab, link, traffic = night
    sent = flood(traffic, from_one)
    wait_until(lambda: lab.ask("list", "sources", "--by", "dropped")["sources"], 5, "a source")
    time.sleep(2)
    (worst, *_) = lab.ask("list", "sources", "--by", "dropped")["sources"]
    ports = lab.ask("list", "ports")["ports"]
    status = lab.ask("status")
    text = lab.cli("status").out
    shown = lab.cli("list", "sources").out
    why = lab.ask("why", SOURCE)["answers"][0]
    closed = lab.ask("why", SOURCE, "--port", "udp/9999")["answers"][0]
    sent.result()
    print(text, shown, lab.cli("list", "ports").out, why, sep="\n")
    assert worst["source"] == SOURCE and worst["dropped_pps"] > RATE / 8
    assert worst["command"] in ("floodwall unban " + SOURCE, f"floodwall ban {SOURCE} --for 1h")
    assert "udp/9999" in [row["port"] for row in ports] or worst["ports"] == ["udp/9999"]
    assert status["now"]["in_pps"] > RATE / 8 and status["now"]["dropped_pps"] > RATE / 8
    assert text.startswith("now (") and "ATTACK" in text.splitlines()[1] + text.splitlines()[2]
    assert SOURCE in shown
    assert why["loses"] and not why["headline"].startswith("NOT BLOCKED"), why
    assert closed["loses"]


def test_vectors_name_rate_treatment_and_sources(night):
    lab, link, traffic = night
    sent = flood(traffic, attacks.syn_fixed)
    time.sleep(SECONDS - 1)
    status = lab.ask("status")
    sent.result()
    vectors = {(row["class"], row["dest_port"]): row for row in status["attack"]["vectors"]}
    (syn,) = [row for (word, _), row in vectors.items() if word == "tcp_syn"]
    assert status["attack"]["trend"] in ("rising", "steady", "fading")
    assert RATE / 3 < syn["pps"] < RATE * 1.5, syn
    assert "signature" in syn["done"] or "cookies" in syn["done"] or "budget" in syn["done"]
    assert syn["sources"] > 100 and syn["refused"] > RATE


def test_events_reasons_and_comments_survive_a_restart(night):
    lab, link, traffic = night
    lab.cli("ban", "198.51.100.7", "--reason", "sells bots")
    lab.cli("ban", "198.51.100.7", "--reason", "sells many bots")
    lab.cli("allow", "198.51.100.9", "--for", "1h", "--comment", "the partner")
    before = lab.ask("events", "--limit", 100_000)["events"]
    attacks_before = [row["id"] for row in lab.ask("list", "attacks")["attacks"]]
    lab.stop()
    done = lab.cli("status", code=3)
    assert "still filters" in done.err if DATAPATH != "nfqueue" else "nothing filters" in done.err, done.err
    lab.start_daemon()
    after = lab.ask("events", "--limit", 100_000)["events"]
    assert after[:len(before)] == before
    assert [event["event_type"] for event in after[len(before):]][:1] in (["Stop"], ["Unban"], ["AttackEnd"], ["Dropped"])
    assert [row["id"] for row in lab.ask("list", "attacks")["attacks"]] == attacks_before
    assert lab.bans()["198.51.100.7"]["reason"] == "sells many bots"
    assert "the partner" in lab.cli("list", "allow").out
    kinds = {event["event_type"] for event in lab.ask("events", "--attack", attacks_before[0])["events"]}
    assert {"AttackStart"} <= kinds <= {"AttackStart", "AttackVector", "AttackEnd", "Signature", "SignatureEnd"}
    assert [event["event_type"] for event in lab.ask("events", "--address", "198.51.100.7")["events"]] == \
        ["Ban", "BanReason"]


def test_every_event_of_the_night_is_documented(night):
    lab, *_ = night
    document = (pathlib.Path(__file__).resolve().parents[2] / "docs/events.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| \w+ \| .*? \| (.*) \|$", document, re.M))
    common = {"id", "timestamp", "event_type", "level", "src_ip", "text"}
    for event in lab.ask("events", "--limit", 100_000)["events"]:
        fields = {name.replace("dest_port", "dport") for name in event} - common
        allowed = set(re.findall(r"`([\w-]+)`", rows[event["event_type"]]))
        if "reasons.md" in rows[event["event_type"]]:
            continue
        assert fields <= allowed, f"{event['event_type']}: {fields - allowed}"
