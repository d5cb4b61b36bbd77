# SPDX-License-Identifier: MIT
"""Another program changes what the daemon has put in the kernel: `status` says so within two
seconds, and within five it is as it was."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import time

import pytest

import bpf
import netns
import wire
from lab import PINS, QUIET, Lab, pause_until, wait_until

pytestmark = pytest.mark.xdp_only("its tables are the daemon's own")
MAPS, LINKS = PINS / "maps", PINS / "links"


def zeroed(holds):
    return lambda _, value: bytes(len(value)) if holds(value) else None


def always(_):
    return True


def problems_with(lab, words):
    """How often each was found is in its sentence; how long ago does not matter."""
    return {re.sub(r"\d+\S* \w* ?ago|\d+\w* ago", "ago", problem)
            for problem in lab.api.call("status")["problems"] if words in problem}


def spoilers(lab, link, until_the_end):
    """Name, what does it, words of the problem."""
    packed = socket.inet_pton(socket.AF_INET, link.client(3))
    of_ban = lambda value: packed in value or packed[::-1] in value
    switched_off = lambda _, value: value[:4] + struct.pack("<I", 2)
    other_half = lambda _, value: struct.pack("<I", 1 - struct.unpack_from("<I", value)[0] % 2) + value[4:]
    return [
        ("configuration", lambda: bpf.change(MAPS / "configs", zeroed(always)), "configuration in the kernel"),
        ("half", lambda: bpf.change(MAPS / "active", other_half), "configuration in the kernel"),
        ("ports", lambda: [bpf.change(MAPS / "ports", lambda i, v, n=n: b"\xff" * len(v) if i == n else None)
                           for n in (0, 2048)], "configuration in the kernel"),
        ("list switch", lambda: bpf.change(MAPS / "active", switched_off), "lists in the kernel were switched"),
        ("list image", lambda: bpf.change(MAPS / "list_v4", zeroed(any)), "lists in the kernel were changed"),
        ("ban", lambda: bpf.change(MAPS / "entries", zeroed(of_ban)), "bans or exemptions"),
        ("bans' keys", lambda: bpf.change(MAPS / "entry_keys", zeroed(any)), "bans or exemptions"),
        ("signatures", lambda: bpf.change(MAPS / "signature_set", lambda _, v: b"\xff" * len(v)), "signatures"),
        ("program", lambda: bpf.replace_program(LINKS / "in-up0", 6), "another program"),
        ("XDP link", lambda: bpf.detach(LINKS / "in-up0"), "detached from up0"),
        ("egress program", lambda: bpf.replace_program(LINKS / "out-up0", 3), "egress program"),
        ("egress link", lambda: bpf.detach(LINKS / "out-up0"), "egress program"),
        ("egress order", lambda: until_the_end.enter_context(before_our_egress(lab)), "before the egress program"),
        ("pins", lambda: shutil.rmtree(PINS), "pins of"),
        ("bpffs", lambda: subprocess.run(["umount", netns.BPF_FS], check=True), "pins of"),
    ]


@contextlib.contextmanager
def before_our_egress(lab):
    with netns.inside(lab.dut_ns):
        held = bpf.pass_egress_first(socket.if_nametoindex("up0"))
    try:
        yield
    finally:
        os.close(held)


def is_whole(lab):
    names = ("maps/entries", "maps/configs", "links/in-up0", "links/out-up0")
    egress = lab.api.call("status")["interfaces"][0]["egress"]
    return egress and all((PINS / name).exists() for name in names)


@pytest.fixture
def until_the_end():
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.mark.expects("Repaired", "Detach")
def test_what_is_changed_in_the_kernel_is_reported_and_put_right(lab, until_the_end):
    link = lab.link(4)
    lab.list_file("deny.list").write_text(f"{link.client(5)}\n")
    lab.start_daemon()
    lab.cli("ban", link.client(3), "--for", "1h")
    frames = [wire.udp(link, link.client(n), link.dut) for n in (3, 4, 5)]
    innocent = [frames[1][1]]
    assert lab.passed(frames) == innocent
    for name, spoil, words in spoilers(lab, link, until_the_end):
        known = problems_with(lab, words)
        spoil()
        begin = time.monotonic()
        wait_until(lambda: problems_with(lab, words) - known, 2.5, f"{name}: status says {words}")
        wait_until(lambda: lab.passed(frames) == innocent and is_whole(lab), 5, f"{name}: as it was")
        print(f"{name}: {time.monotonic() - begin:.1f} s")
    repaired = [line for line in lab.log_lines("Repaired") if "bans" in line or "entries" in line]
    assert len(repaired) == 1, "logged once while it goes on"


@pytest.mark.expects("Repaired", "Detach")
def test_name_that_another_card_has_now_is_protected(lab):
    lab.start_daemon(lab.config(top='interface = "up0"\n'))
    link = lab.link(4)
    lab.cli("ban", link.client(3), "--for", "1h")
    frame = wire.udp(link, link.client(3), link.dut)
    lab.run("ip", "link", "set", "up0", "down", where="dut")
    lab.run("ip", "link", "set", "up0", "name", "old0", where="dut")
    wait_until(lambda: "called old0" in str(lab.api.call("status")["problems"]), 3, "it is said")
    lab.run("ip", "link", "del", "peer0")
    lab.add_uplink(0)
    wait_until(lambda: lab.api.call("status")["healthy"], 5, "the new up0 is protected")
    assert not lab.comes_through(frame)
    assert lab.comes_through(wire.udp(link, link.client(4), link.dut))


def has_carrier(lab):
    return all("state UP" in lab.run("ip", "link", "show", name, where=where).stdout
               for name, where in (("up0", "dut"), ("peer0", "peers")))


def used_by(pid):
    """Nanoseconds of all cores, descriptors, and kB of memory."""
    tasks = pathlib.Path(f"/proc/{pid}/task")
    spent = sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir())
    memory = re.search(r"VmRSS:\s*(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1]
    return spent, len(os.listdir(f"/proc/{pid}/fd")), int(memory)


def kernel_objects(lab):
    """How many BPF links, programs and maps there are."""
    return [len(json.loads(lab.run("bpftool", "-j", kind, "show", where="dut").stdout)) for kind in ("link", "map")]


@pytest.mark.expects("Repaired", "RepairFailed", "Detach")
def test_putting_right_leaks_nothing(lab):
    """FLOODWALL_ROUNDS: how often."""
    lab.start_daemon()
    spoils = [lambda: bpf.replace_program(LINKS / "in-up0", 6), lambda: bpf.detach(LINKS / "in-up0"),
              lambda: bpf.detach(LINKS / "out-up0"), lambda: bpf.change(MAPS / "configs", zeroed(always)),
              lambda: shutil.rmtree(PINS)]

    def rounds(count):
        for n in range(count):
            spoils[n % len(spoils)]()
            # The network changes, so the kernel is looked at now and not in a second.
            lab.run("ip", "address", "add" if n % 2 == 0 else "del", "192.0.2.77/32", "dev", "lo", where="dut")
            wait_until(lambda: is_whole(lab) and attachment(lab) == "native", 5, f"round {n}")

    rounds(10)
    objects, before = kernel_objects(lab), used_by(lab.daemon.pid)
    rounds(int(os.environ.get("FLOODWALL_ROUNDS", "20")))
    after = used_by(lab.daemon.pid)
    print(f"descriptors {before[1]} -> {after[1]}, memory {before[2]} -> {after[2]} kB, links and maps "
          f"{objects} -> {kernel_objects(lab)}")
    assert after[1] <= before[1] + 2 and after[2] < before[2] + 1000
    # Others on this machine make objects, too.
    assert all(now <= then + 30 for then, now in zip(objects, kernel_objects(lab)))


@pytest.mark.expects("Suppressed")
@pytest.mark.parametrize("bans, listed", [(20_000, 0)] if not os.environ.get("FLOODWALL_COST") else
                         [(0, 0), (20_000, 0), (0, 500_000)])
def test_looking_again_costs_little(lab, bans, listed):
    """FLOODWALL_COST: for how many seconds it is measured, after as many; also without bans, and with a list."""
    seconds = float(os.environ.get("FLOODWALL_COST", "3"))
    lab.list_file("deny.list").write_text("".join(f"20.{n >> 15 & 255}.{n >> 7 & 255}.{n << 1 & 255}\n"
                                                  for n in range(listed)))
    lab.start_daemon(lab.config(tables=QUIET + "[tables]\nbans = 65536\n"))
    if bans:
        lab.cli("ban", "-", stdin="".join(f"11.{n >> 16}.{n >> 8 & 255}.{n & 255}\n" for n in range(bans)))
    pause_until(time.monotonic() + seconds)  # what was ordered is written to disk
    begin, spent = time.monotonic(), used_by(lab.daemon.pid)[0]
    pause_until(begin + seconds)
    share = (used_by(lab.daemon.pid)[0] - spent) / (time.monotonic() - begin) / 1e9
    print(f"{bans} bans, {listed} listed: {100 * share:.2f} % of a core, all that the daemon does")
    assert share < 0.2, "far more than was measured: docs/reliability.md"


def attachment(lab):
    return lab.api.call("status")["interfaces"][0]["attachment"]


@pytest.mark.expects("Repaired", "RepairFailed", "Detach")
def test_program_that_took_the_place_of_ours_is_named_and_followed_by_ours(lab):
    link = lab.link(4)
    lab.start_daemon()
    lab.cli("ban", link.client(3), "--for", "1h")
    with netns.inside(lab.dut_ns):
        bpf.detach(LINKS / "in-up0")
    held = netns.pass_by_xdp(lab.dut_ns, "up0")
    try:
        wait_until(lambda: problems_with(lab, "already runs another XDP program"), 2.5, "it is named")
        assert attachment(lab) == "none" and not problems_with(lab, "went away")
    finally:
        os.close(held)
    wait_until(lambda: attachment(lab) == "native", 5, "ours again")
    assert not problems_with(lab, "pin of"), "our own attempts are no tampering"
    assert not lab.comes_through(wire.udp(link, link.client(3), link.dut))


@pytest.mark.expects("Repaired", "Detach")
def test_interface_that_goes_down_or_to_another_namespace_is_followed_only_here():
    with Lab(container=True) as lab:
        link = lab.link(4)
        frame = wire.udp(link, link.client(3), link.dut)
        lab.start_daemon()
        lab.cli("ban", link.client(3), "--for", "1h")
        netns.ip_batch(lab.dut_ns, ["link set up0 down", "link set up0 up"])
        wait_until(lambda: has_carrier(lab), 5, "it is up")
        assert not lab.comes_through(frame)
        lab.run("ip", "link", "set", "up0", "netns", lab.box_ns, where="dut")
        wait_until(lambda: problems_with(lab, "moved to another network namespace"), 2.5, "it is said")
        assert attachment(lab) == "none"
        assert "prog/xdp" not in lab.run("ip", "-d", "link", "show", "up0", where="box").stdout, "ours is gone"
        lab.run("ip", "link", "set", "up0", "netns", lab.dut_ns, where="box")
        netns.ip_batch(lab.dut_ns, ["link set up0 up"])
        wait_until(lambda: attachment(lab) == "native" and has_carrier(lab), 5, "protected again")
        assert not lab.comes_through(frame)


def test_interface_that_policy_routing_leads_to_is_an_uplink():
    with Lab(uplinks=2) as lab:
        link = lab.link(4, 1)
        lab.start_daemon(lab.config(top='interface = "auto"\n', tables=QUIET))
        lab.cli("ban", link.client(3), "--for", "1h")
        lab.run("ip", "nexthop", "add", "id", "7", "via", link.gateway, "dev", "up1", where="dut")
        lab.run("ip", "route", "add", "default", "nhid", "7", "table", "100", where="dut")
        lab.run("sysctl", "-q", "net.ipv4.nexthop_compat_mode=0", where="dut")
        lab.run("ip", "rule", "add", "from", link.dut, "lookup", "100", where="dut")
        wait_until(lambda: {"up0", "up1"} <= {i["name"] for i in lab.api.call("status")["interfaces"]},
                   3, "up1 is an uplink")
        wait_until(lambda: not lab.comes_through(wire.udp(link, link.client(3), link.dut), 1), 3,
                   "it is protected")
