# SPDX-License-Identifier: MIT
"""Part 6: packets per second that one core judges in user space: replay of a capture, and nfqueue.
Counted in processor time, so other load hardly matters."""
import os
import pathlib
import subprocess
import tempfile

from suite.figures import median, number, percent, spread
from suite.machine import RELEASE, cpus
from suite.table import Table
from suite.firewalls import Firewalls, settings

TITLE = "replay and nfqueue"
SERVER = "192.0.2.1"
SOURCES = (1, 10_000, 16_000_000)
TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds(*command):
    child = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, f"{command}: exit {child.returncode}"
    return usage.ru_utime + usage.ru_stime


def replay_table(quick):
    packets, rounds = (200_000, 1) if quick else (2_000_000, 5)
    table = Table("userspace.replay", "6. Replay of a capture", ["sources", "packets/s of a core", "spread"],
                  note="`floodwall replay` of a cached file, from reading it to the report.")
    with tempfile.TemporaryDirectory() as temp:
        files = {}
        for sources in SOURCES:
            files[sources] = pathlib.Path(temp) / f"{sources}.pcap"
            subprocess.run([RELEASE / "demo_capture", files[sources], str(packets // 50), "50", str(sources)],
                           check=True, stdout=subprocess.DEVNULL)
        rates = {sources: [] for sources in SOURCES}
        for _ in range(rounds):
            for sources, file in files.items():
                took = processor_seconds(RELEASE / "floodwall", "replay", file, "--protect", SERVER)
                rates[sources].append(packets / took)
    for sources, seen in rates.items():
        table.add(number(sources), number(median(seen)), percent(spread(seen)))
        table.raw.append({"sources": sources, "rates": seen})
        table.values[number(sources)] = median(seen)
    return table


def daemon_seconds(pid):
    """Processor time of all its threads."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def queue_table(quick):
    """A flood that the daemon can just follow: packets judged per second of its processor time."""
    rounds, seconds, rate = (1, 1, 50_000) if quick else (5, 2, 100_000)
    table = Table("userspace.nfqueue", "6. nfqueue", ["sources", "packets/s of a core", "spread", "unseen"],
                  note="Packets judged per second of the daemon's processor time, system calls included; the kernel's "
                       "work before it queues a packet is not.")
    with Firewalls() as firewalls:
        lab = firewalls.lab
        lab.start_daemon(settings(lab, top='datapath = "nfqueue"\nmode = "observe"\n'))
        for sources in (1, 1 << 16):
            rates, unseen = [], 0
            for _ in range(rounds):
                before, spent = lab.api.call("status"), daemon_seconds(lab.daemon.pid)
                firewalls.flood(firewalls.floodwall, sources, seconds, rate, cpus()[-1]).communicate(timeout=60)
                after = lab.api.call("status")
                judged = after["traffic"]["packets"] - before["traffic"]["packets"]
                unseen += sum(one["unseen_packets"] for one in after["interfaces"]) - sum(
                    one["unseen_packets"] for one in before["interfaces"])
                assert judged > 0, "the daemon saw no packet"
                rates.append(judged / (daemon_seconds(lab.daemon.pid) - spent))
            table.add(number(sources), number(median(rates)), percent(spread(rates)), number(unseen))
            table.raw.append({"sources": sources, "rates": rates, "unseen": unseen})
            table.values[number(sources)] = median(rates)
    return table


def run(quick):
    yield replay_table(quick)
    yield queue_table(quick)
