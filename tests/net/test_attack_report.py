# SPDX-License-Identifier: MIT
"""What `floodwall attack` tells of a flood of two vectors, and what its capture holds."""
import pathlib
import shlex
import struct
import time

import pytest

from lab import Lab, wait_until
from traffic import Traffic, settle

import attacks

pytestmark = pytest.mark.expects("AttackStart", "AttackVector", "Suppressed", "Suffering", "Detach")
RATE, SECONDS = 7000, 4
# Of what was sent; a busy machine sends less than asked, and the first 0.1 s come before the attack.
TOLERANCE = 0.25


def heads(file):
    """(time in ns, IP protocol) of each packet of a pcap with nanoseconds."""
    data, at, found = file.read_bytes(), 24, []
    while at + 16 <= len(data):
        seconds, ns, kept, _ = struct.unpack_from("=IIII", data, at)
        found.append((seconds * 10**9 + ns, data[at + 16 + 14 + 9]))
        at += 16 + kept
    return found


def test_the_report_is_right_and_survives_a_restart():
    with Lab() as lab:
        link = lab.link(4)
        lab.xdp_on_peer()
        with Traffic(lab, link) as traffic:
            lab.start_daemon(lab.config(tables=""))
            traffic.serve()
            lab.ping(link, link.client(1), count=3)
            time.sleep(0.5)
            sent = traffic.flood([attacks.syn_fixed, attacks.udp_ports], RATE, SECONDS).go()
            wait_until(lambda: lab.ask("status")["attack"], 5, "an attack")
            packets = sent.result()["sent"]
            settle(lab)
            wait_until(lambda: not lab.ask("status")["attack"], 20, "the end of the attack")
            report, text = lab.ask("attack"), lab.cli("attack").out
            print(text)
            starts = [e for e in lab.ask("events")["events"] if e["event_type"] == "AttackStart"]
            assert RATE / 3 < starts[0]["pps"] < RATE * 2, starts[0]["text"]
            classes = {row["class"] for row in report["vectors"]}
            assert {"tcp_syn", "udp_new"} <= classes, classes
            assert abs(report["total"]["packets"] - packets) < TOLERANCE * packets
            refused = sum(row["refused"] + row["borne"] for row in report["vectors"])
            assert packets / 3 < refused < packets * (1 + TOLERANCE)
            assert all(row["may_be_forged"] for row in report["vectors"])
            assert "may be forged" in text and "no MMDB database" in text
            assert not report["sources"], "each forged source sent one packet: none stands out"
            lab.cli("attack", report["id"], "--abuse-mail", "198.51.100.7", code=5)
            assert "no such attack" in lab.cli("attack", "20000101-1", code=1).err

            found = heads(pathlib.Path(report["capture"]["file"]))
            protocols = [proto for _, proto in found]
            assert {1, 6, 17} <= set(protocols), "of both vectors, and the pings from before"
            span = found[-1][0] - found[0][0]
            assert span > (SECONDS - 0.5) * 10**9
            command = shlex.split(report["capture"]["replay"])
            assert str(len(found)) in lab.cli(*command[1:]).out.replace(",", "")

            lab.stop()
            lab.start_daemon()
            again = lab.ask("attack", report["id"])
            for moment in ("since", "until"):  # told by another clock: milliseconds apart
                assert again.pop(moment)[:17] == report.pop(moment)[:17]
            assert again == report
