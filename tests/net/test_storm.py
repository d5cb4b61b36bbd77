# SPDX-License-Identifier: MIT
"""A ban storm: more sources above ban_at at once than the table of bans has room for.

FLOODWALL_STORM=262144 are so many offenders (a power of two; the default is what a busy machine makes), with a
table of bans of its usual size."""
import json
import math
import os
import time

import pytest

import netns
import traffic
from lab import wait_until
from test_spoofed import FLOOD, resident_kib
from test_tampering import used_by

OFFENDERS = int(os.environ.get("FLOODWALL_STORM", "16384"))
BANS = 131072 if "FLOODWALL_STORM" in os.environ else 8192
PPS_EACH, BAN_AT, SECONDS = (4, 2, 10) if "FLOODWALL_STORM" in os.environ else (12, 4, 4)
CONFIG = f'[ban]\nper_minute = 1000000\ntime = "10m"\n[limit.default]\npackets = {{ ban_at = "{BAN_AT}/s" }}\n' \
         f"[tables]\nbans = {BANS}\n"
# Wide enough for sanitizers on a busy machine; docs/reliability.md has what was seen.
CPU_SHARE, STATUS_S, GROWTH_KIB = 0.6, 1.0, 64 << 10


def share_of_a_core(lab, during):
    begin, spent = time.monotonic(), used_by(lab.daemon.pid)[0]
    during()
    return (used_by(lab.daemon.pid)[0] - spent) / (time.monotonic() - begin) / 1e9


def made(lab):
    """Restrictions since the start: those that have a line, and those that are counted in one."""
    lines = lab.log_lines("Restrict") + lab.log_lines("Ban")
    sums = [event for event in lab.events() if event["event_type"] == "Suppressed"]
    return len(lines), sum(one["count"] for one in sums if one["type"] in ("Restrict", "Ban"))


@pytest.mark.expects("AttackStart", "Suppressed")
def test_a_storm_of_bans_is_bounded_and_accounted_for(lab):
    link = lab.link(4)
    lab.start_daemon(lab.config(tables=CONFIG))
    netns.ip_batch(lab.peers_ns, ["link add idle0 type veth peer name idle1"])
    lab.run("ethtool", "-K", "up0", "gro", "on", where="dut")
    lab.cli("ban", link.client(5), "--for", "1h")
    before, tables = resident_kib(lab.daemon), lab.ask("status")["tables"]
    idle = share_of_a_core(lab, lambda: time.sleep(2))
    took = []

    def storm():
        flood = lab.popen(FLOOD, "peer0", link.ether.dst, link.dut, OFFENDERS, SECONDS, PPS_EACH * OFFENDERS,
                          traffic.FLOOD_CPU, "idle0", stdout=-1, text=True)
        while flood.poll() is None:
            begin = time.monotonic()
            lab.api.call("status")
            took.append(time.monotonic() - begin)
            time.sleep(0.02)
        print(json.loads(flood.stdout.read()))

    share = share_of_a_core(lab, storm)
    counted = lab.api.call("status")["counts"]["bans"]
    begin = time.monotonic()
    listed = len(lab.api.call("list", what=["bans"])["bans"])
    list_s = time.monotonic() - begin
    assert counted > min(OFFENDERS, BANS) / 2, "it was no storm"
    # The table has two slots for each ban that is configured.
    assert counted <= 2 * BANS and listed == counted and lab.ask("status")["tables"]["bans"]["capacity"] == \
        tables["bans"]["capacity"]
    wait_until(lambda: sum(made(lab)) >= counted, 25, "each ban has a line, or is counted in one")
    written, suppressed = made(lab)
    size = sum(path.stat().st_size for path in lab.log_folder.iterdir())
    # Each of them is a row of some 200 bytes; the file is written within seconds.
    wait_until(lambda: (lab.state / "state.db").stat().st_size > 50 * counted, 30, "the bans are stored")
    state = sum(path.stat().st_size for path in lab.state.iterdir() if path.is_file())
    grown = resident_kib(lab.daemon) - before
    p99 = sorted(took)[math.ceil(0.99 * len(took)) - 1]
    print(f"{counted} bans of {OFFENDERS} offenders: {written} lines and {suppressed} counted, log {size >> 10} KiB, "
          f"state {state >> 10} KiB, memory +{grown} KiB, {100 * share:.1f} % of a core (idle {100 * idle:.1f}), "
          f"status p99 {1000 * p99:.0f} ms, longest {1000 * max(took):.0f}, list {list_s:.2f} s")
    assert share < CPU_SHARE and p99 < STATUS_S and list_s < 3
    assert grown < GROWTH_KIB and size < 2 << 20 and state < 64 << 20
    assert link.client(5) in lab.bans(), "a ban by hand is not displaced"
