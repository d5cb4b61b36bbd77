# SPDX-License-Identifier: MIT
"""What Floodwall believes survives: a restart, a kill, tables of another size, another version's tables, a
restart of the machine (bpffs is gone), a damaged file and a full disk. And no packet of a banned source passes
while the new program takes over."""
import contextlib
import datetime
import json
import sqlite3
import subprocess

import pytest

import netns
import wire
from lab import BIN, DATAPATH, PINS, QUIET, wait_until
from tap import Prober, everything, passed

SMALL, LARGE = "\n[tables]\nbans = 8192\n", "\n[tables]\nbans = 16384\n"


def config(lab, tables=SMALL):
    return lab.config(tables=QUIET + tables)


def ends_at(ban):
    """The end of a ban in seconds since 1970."""
    return datetime.datetime.fromisoformat(ban["until"].replace("Z", "+00:00")).timestamp()


def probe(lab, frame_and_token, interval=0.001):
    """Sends copies of a frame from now on."""
    frame, old = frame_and_token
    return Prober(lab.sender(), lambda mark: frame.replace(old, mark), interval)


def allowances(lab):
    rows = lab.api.call("list", what=["allow"])["allow"]
    return {row["entry"]: row for row in rows if "until" in row}


def kept(lab):
    """The rows of the state file, by name. Reads it as it is while the daemon runs."""
    with contextlib.closing(sqlite3.connect(f"file:{lab.state}/state.db?mode=ro", uri=True)) as file:
        return dict(file.execute("SELECT name, text FROM kept"))


def wait_until_kept(lab, name):
    wait_until(lambda: (lab.state / "state.db").exists() and name in kept(lab), 10, f"{name} is stored")


def another_version(lab):
    """The tables say that a later version left them: their layout is not to be trusted."""
    at = ("map", "lookup", "pinned", PINS / "maps/configs", "key", "0", "0", "0", "0")
    shown = json.loads(lab.run("bpftool", "-j", *at, where="dut").stdout)
    value = [int(byte, 16) for byte in shown["value"]]
    version = 16  # where fw_config has abi_version, behind two words of seed
    for half in (0, len(value) // 2):
        value[half + version] = (value[half + version] + 1) % 256
    lab.run("bpftool", "map", "update", *at[2:], "value", *(f"0x{byte:02x}" for byte in value), where="dut")


LIVES = {
    "restart": lambda lab: lab.stop(),
    "killed": lambda lab: lab.kill9(),
    "bpffs-gone": lambda lab: (lab.stop(), netns.fresh_bpffs()),
    "removed": lambda lab: (lab.stop(), lab.run(BIN / "floodwalld", "--remove", where="dut")),
}


@pytest.mark.parametrize("life", LIVES)
def test_bans_allowances_and_comments_are_kept(lab, link, life):
    lab.start_daemon(config(lab))
    lab.cli("ban", link.client(3), "--for", "1h", "--reason", "it was me")
    lab.cli("ban", link.client(5), "--forever")
    lab.cli("allow", link.client(8), "--for", "2h", "--comment", "the office")
    wait_until_kept(lab, f"allow {link.client(8)}")
    wait_until_kept(lab, f"ban {link.client(5)}")
    before = lab.bans()
    LIVES[life](lab)
    lab.start_daemon()
    after = lab.bans()
    assert set(after) == {link.client(3), link.client(5)}
    assert after[link.client(5)]["until"] == "forever"
    for key in ("reason", "by", "kind", "offence"):
        assert after[link.client(3)][key] == before[link.client(3)][key]
    assert abs(ends_at(after[link.client(3)]) - ends_at(before[link.client(3)])) < 2
    assert allowances(lab)[link.client(8)]["comment"] == "the office"
    assert not lab.comes_through(wire.udp(link, link.client(3), link.dut))
    assert lab.comes_through(wire.udp(link, link.client(8), link.dut))
    lives = [line for line in lab.log_lines() if line.split(" ")[2] in ("Start", "Stop")]
    assert lab.log_lines()[0].split(" ")[2] == "Start"
    words = [line.split(" ")[2] for line in lives]
    assert words == (["Start", "Start"] if life == "killed" else ["Start", "Stop", "Start"])
    assert f"last={'killed' if life == 'killed' else 'stopped'}" in lives[-1]
    problems = lab.ask("status")["problems"]
    if life == "killed":  # queues pass what comes while nobody reads them, such as neighbour discovery
        problems = [problem for problem in problems if "passed unseen while no floodwalld ran" not in problem]
    assert not problems


@pytest.mark.xdp_only("between the daemons nothing judges")
@pytest.mark.parametrize("upgrade", ["other-sizes", "other-version", "killed-other-sizes"])
def test_no_packet_of_a_banned_source_passes_while_new_tables_take_over(lab, link, upgrade):
    lab.start_daemon(config(lab))
    lab.cli("ban", link.client(3), "--for", "1h", "--reason", "kept")
    wait_until_kept(lab, f"ban {link.client(3)}")
    tap = lab.tap()
    with probe(lab, wire.udp(link, link.client(3), link.dut)) as banned, \
            probe(lab, wire.udp(link, link.client(4), link.dut)) as free:
        if upgrade.startswith("killed"):
            lab.kill9()
        else:
            lab.stop()
        if upgrade == "other-version":
            another_version(lab)
            lab.start_daemon()
        else:
            lab.start_daemon(config(lab, LARGE))
        sent = len(banned.sent())
        wait_until(lambda: len(banned.sent()) > sent + 200, 10, "more packets on the new program")
        banned.close()
        free.close()
        through = set(everything(lab.sender(), tap))
    assert len(banned.sent()) > 300
    assert not through & {mark for _, mark in banned.sent()}, "passed during the change"
    lost = {mark for _, mark in free.sent()} - through
    assert not lost, f"{len(lost)} of {len(free.sent())} packets of an innocent lost"
    assert lab.bans()[link.client(3)]["reason"] == "kept"
    if upgrade != "other-version":
        assert lab.api.call("status")["tables"]["bans"]["capacity"] >= 16384


@pytest.mark.xdp_only("the queues end with the daemon")
def test_ban_that_the_datapath_made_while_no_daemon_ran_is_in_the_new_tables(lab, link):
    limit = '[ban]\ntime = "10m"\n[limit.default]\nudp = { ban_at = "100/s" }\n'
    lab.start_daemon(lab.config(tables=limit + SMALL))
    lab.kill9()
    out = lab.sender()
    frames = wire.copies(wire.udp(link, link.client(3), link.dut), 4 * 400)
    with lab.tap() as tap:
        assert len(passed(out, tap, frames, rate=400)) < len(frames)
    assert not lab.comes_through(wire.udp(link, link.client(3), link.dut))
    lab.start_daemon(lab.config(tables=limit + LARGE))
    (ban,) = lab.bans().values()
    assert ban["by"] == "limit"
    assert not lab.comes_through(wire.udp(link, link.client(3), link.dut))


def test_mode_off_is_remembered(lab, link):
    before = lab.traces()
    frame = wire.udp(link, link.client(3), link.dut)
    lab.start_daemon(config(lab))
    lab.cli("ban", link.client(3), "--for", "1h")
    lab.cli("mode", "off")
    lab.stop()
    lab.start_daemon()
    status = lab.ask("status")
    assert status["mode"] == "off" and not status["healthy"]
    assert any("mode is off" in problem for problem in status["problems"])
    assert lab.traces() == before and lab.comes_through(frame)
    lab.cli("mode", "enforce")
    assert not lab.comes_through(frame), "bans outlive the time off"
    lab.cli("mode", "observe")
    lab.stop()
    lab.start_daemon()
    assert lab.ask("status")["mode"] == "observe"
    assert lab.comes_through(frame)


@pytest.mark.expects("StateLost")
def test_damaged_file_is_set_aside_and_what_the_tables_hold_is_kept_in_a_new_one(lab, link):
    lab.start_daemon(config(lab))
    lab.cli("ban", link.client(3), "--for", "1h")
    lab.kill9()
    for part in lab.state.glob("state.db-*"):
        part.unlink()
    (lab.state / "state.db").write_bytes(b"x" * 20000)
    lab.start_daemon()
    line, = lab.wait_for_log("StateLost")
    aside, = lab.state.glob("state.db.damaged-*")
    assert str(aside) in line and f"{lab.state}/state.db was damaged" in line
    assert aside.read_bytes() == b"x" * 20000
    wait_until_kept(lab, "mode")
    if DATAPATH != "nfqueue":
        assert link.client(3) in lab.bans()
        wait_until_kept(lab, f"ban {link.client(3)}")


@pytest.mark.expects("Suppressed")
def test_full_disk_is_a_problem_that_heals_and_filtering_goes_on(lab, link):
    lab.state.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", lab.state], check=True)
    try:
        lab.start_daemon(config(lab))
        wait_until_kept(lab, "mode")
        filler = lab.state / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        bans = [f"198.18.{n // 250}.{n % 250 + 1}" for n in range(1000)]
        lab.cli("ban", *bans, "--for", "1h")
        lab.cli("ban", link.client(3), "--for", "1h")
        wait_until(lambda: any("not stored" in problem for problem in lab.ask("status")["problems"]), 20,
                   "the problem is told")
        assert not lab.comes_through(wire.udp(link, link.client(3), link.dut))
        filler.unlink()
        subprocess.run(["mount", "-o", "remount,size=4m", lab.state], check=True)
        wait_until(lambda: lab.ask("status")["healthy"], 20, "it heals")
        wait_until_kept(lab, f"ban {link.client(3)}")
        lab.kill9()
        netns.fresh_bpffs()
        lab.start_daemon()
        assert set(bans) <= set(lab.bans())
    finally:
        if lab.daemon is not None:
            lab.stop()
        subprocess.run(["umount", lab.state], check=False)
