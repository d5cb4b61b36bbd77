# SPDX-License-Identifier: MIT
"""The log: one line per transition, for people and for machines, bounded whatever arrives."""
import datetime
import json
import re

import pytest

import peers
import wire
from lab import wait_until

pytestmark = pytest.mark.expects("AttackStart")

LINE = re.compile(r"^(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (?P<level>[A-Z]+) "
                  r"(?P<word>[A-Z][A-Za-z]+)(?: (?P<address>[0-9a-f:.]+(?:/\d+)?))?"
                  r"(?P<tail>(?: [a-z_0-9]+=(?:\"(?:[^\"\\]|\\.)*\"|[^\s\"=]+))*)$")
FIELD = re.compile(r" ([a-z_0-9]+)=(\"(?:[^\"\\]|\\.)*\"|[^\s\"=]+)")
FLOODED = '[ban]\ntime = "2s"\n[[service]]\nname = "game"\nport = "tcp/8080"\n' \
          'packets = { ban_at = "100/s", peers = true }\n'


def parse(line):
    match = LINE.match(line)
    assert match, f"not in the log's format: {line!r}"
    return match["time"], match["level"], match["word"], match["address"], dict(
        FIELD.findall(match["tail"]))


def flood(lab, link):
    """Client 3 proves itself, floods, and is banned at once."""
    with peers.TcpServer(lab.dut_ns, link.family, 8080), \
            peers.tcp(lab.peers_ns, link.family, link.client(3), link.dut, 8080) as client:
        assert client.flood(2000) < 2000, "the flood was not answered"
    lab.wait_for_log("Ban")


def key_of(link):
    return link.client(3) if link.family == 4 else "fd09:0:0:3::/64"


def test_every_line_is_in_the_format_and_ban_and_unban_say_why(lab, link):
    lab.start_daemon(lab.config(tables=FLOODED))
    before = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=1)
    flood(lab, link)
    assert lab.passed(wire.copies(wire.udp(link, link.client(3), link.dut), 20)) == []
    lab.wait_for_log("Unban", "reason=expired")
    lab.cli("ban", link.client(9), "--for", "90s", "--reason", 'said "no" twice')
    lab.cli("unban", link.client(9))
    lines = [parse(line) for line in lab.log_lines()]
    (ban,) = [line for line in lines if line[2] == "Ban" and line[3] == key_of(link)]
    moment = datetime.datetime.fromisoformat(ban[0].replace("Z", "+00:00"))
    assert before < moment < datetime.datetime.now(datetime.timezone.utc)
    fields = ban[4]
    assert ban[1] == "NOTICE"
    assert {"for": "2s", "rule": "game", "proto": "tcp", "dport": "8080", "limit": "100",
            "window": "1s", "offence": "1"}.items() <= fields.items()
    assert 100 <= int(fields["pps"]) <= 110
    (unban,) = [line for line in lines if line[2] == "Unban" and line[3] == key_of(link)]
    assert unban[4]["reason"] == "expired" and unban[4]["renewals"].isdigit()
    assert int(unban[4]["dropped"]) == lab.count("ban") >= 20
    (own,) = [line for line in lines if line[2] == "Ban" and line[3] == link.client(9)]
    assert own[4]["for"] == "90s" and own[4]["reason"] == r'"said \"no\" twice"'


def test_json_lines_say_the_same_in_common_field_names(lab, link):
    lab.start_daemon(lab.config(tables=FLOODED))
    flood(lab, link)
    lab.wait_for_log("Unban", "reason=expired")
    # Each line is written to the text first.
    wait_until(lambda: len(lab.events()) == len(lab.log_lines()))
    events = lab.events()
    assert [event["event_type"] for event in events] == \
        [parse(line)[2] for line in lab.log_lines()]
    (ban,) = [event for event in events if event["event_type"] == "Ban"]
    assert ban["src_ip"] == key_of(link) and ban["dest_port"] == 8080 and ban["proto"] == "tcp"
    assert datetime.datetime.fromisoformat(ban["timestamp"].replace("Z", "+00:00"))
    shown = lab.ask("events")["events"]
    assert [event["text"] for event in shown] == lab.log_lines()


def test_text_from_outside_can_not_forge_a_line(lab, link):
    lab.start_daemon()
    lab.cli("ban", link.client(3), "--reason", "x\n2026-01-01T00:00:00.000Z NOTICE Unban 1.2.3.4",
            code=None)
    lab.list_file("deny.list").write_bytes(b"\x1b[31mred\x07\n10.9.1.1\r\n\xff\xfe\n")
    lab.cli("apply")
    lab.wait_for_log("ListProblem")
    raw = (lab.log_folder / "floodwall.log").read_bytes()
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", raw)
    lines = raw.decode().splitlines()
    assert all(LINE.match(line) for line in lines)
    assert not [line for line in lines if parse(line)[2:4] == ("Unban", "1.2.3.4")]


def test_log_is_bounded_under_a_flood_of_spoofed_sources(lab, link):
    """50,000 packets of 10,000 sources, each over its limit."""
    lab.start_daemon(lab.config(tables='[limit.default]\npackets = { limit = "1/s", burst = "1s" }\n'))
    first = wire.udp(link, link.client(3), link.dut)
    sources = [(0x0c000000 + n * 13).to_bytes(4, "big") if link.family == 4 else
               ((0x2a << 120) + (n << 64) + 1).to_bytes(16, "big") for n in range(10_000)]
    frames = [frame for source in sources
              for frame in wire.copies(wire.from_source(first, link.family, source), 5)]
    lab.passed(frames)
    lab.wait_for_log("Suppressed", "type=Limit")
    lines = lab.log_lines()
    size = sum(path.stat().st_size for path in lab.log_folder.iterdir())
    print(f"50,000 packets dropped or limited: {len(lines)} lines, {size} bytes")
    assert len(lines) < 2000 and size < 1 << 20
    suppressed = sum(int(parse(line)[4]["count"]) for line in lab.log_lines("Suppressed"))
    assert suppressed + len(lab.log_lines("Limit")) <= 10_001
    assert lab.api.call("status")["log"]["suppressed"] > 0
    # A few multicast reports (MLD) of the peers' end are above 1/s, too.
    assert 29_900 <= lab.count("limit") <= 30_010, "of each source all but its burst"


def test_dropped_packets_are_summed_up_and_not_logged_one_by_one(lab, link):
    lab.start_daemon()
    lab.cli("ban", link.client(3))
    lines = len(lab.log_lines())
    lab.passed(wire.copies(wire.udp(link, link.client(3), link.dut), 5000))
    assert lab.count("ban") == 5000
    assert len(lab.log_lines()) <= lines + 1
    (ban,) = lab.bans().values()
    assert ban["dropped"] == 5000


def test_log_survives_the_removal_of_its_file(lab, link):
    """As logrotate and careless people do it."""
    lab.start_daemon()
    lab.cli("ban", link.client(3))
    lab.wait_for_log("Ban")
    (lab.log_folder / "floodwall.log").unlink()
    lab.cli("ban", link.client(4))
    lab.reload_quietly()
    lab.cli("ban", link.client(5))
    wait_until(lambda: [line for line in lab.log_lines("Ban") if link.client(5) in line], 10,
               "the log is written again")


def test_small_log_is_rotated_and_kept_in_bounds(lab, link):
    lab.start_daemon(lab.config().replace('journal = false', 'journal = false\nrotate = "64KiB"\n'
                                          'keep = 1'))
    for _ in range(150):  # as many as are not suppressed
        lab.api.call("ban", address=[link.client(3)], reason="long " * 150)
        lab.api.call("unban", address=[link.client(3)])
    sizes = {path.name: path.stat().st_size for path in lab.log_folder.iterdir()}
    assert set(sizes) == {"floodwall.log", "floodwall.log.1", "events.json", "events.json.1"}
    assert all(0 < size <= 64 << 10 for size in sizes.values())


def test_events_are_shown_and_followed(lab, link):
    lab.start_daemon()
    lab.cli("ban", link.client(3))
    assert link.client(3) in lab.cli("events").out
    last = lab.ask("events")["next"]
    lab.cli("ban", link.client(4))
    fresh = json.loads(lab.cli("events", "--after", last, "--json").out)["events"]
    assert [event["src_ip"] for event in fresh if event["event_type"] == "Ban"] == [link.client(4)]


def test_warning_that_no_test_expects_fails_it(lab):
    line = "2026-01-01T00:00:00.000Z WARNING {} up0\n"
    (lab.log_folder / "floodwall.log").write_text(line.format("AttackStart"))
    lab.check_log()
    (lab.log_folder / "floodwall.log").write_text(line.format("Detach"))
    with pytest.raises(AssertionError, match="Detach"):
        lab.check_log()
