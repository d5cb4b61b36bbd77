# SPDX-License-Identifier: MIT
"""The package in a booted Debian: protected from before the network on, after a reboot, a crash and an
upgrade; and gone without a trace when it is removed. FLOODWALL_PACKAGE is the package (./package)."""
import os
import pathlib
import re
import shutil

import pytest

from machine import Machine, debian

CLIENT = "203.0.113.5"
EXPOSURE = 3.5  # systemd-analyze security; root's capabilities for BPF are most of it


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("boot")
    shutil.copytree(debian(pathlib.Path(os.environ["FLOODWALL_PACKAGE"])), folder / "root", symlinks=True)
    with Machine(folder / "root", f"boot{os.getpid()}").network() as machine:
        machine.boot()
        yield machine


def microseconds(machine, unit, what):
    return int(machine.run("systemctl", "show", "--value", "-p", what, unit).stdout)


def has_xdp(machine):
    return "xdp" in machine.run("ip", "-o", "link", "show", "up0").stdout


def test_it_filters_before_the_network_is_up(machine):
    ready = microseconds(machine, "floodwall", "ActiveEnterTimestampMonotonic")
    assert 0 < ready <= microseconds(machine, "uplink", "ExecMainStartTimestampMonotonic")
    status = machine.run("floodwall", "status").stdout
    assert "healthy" in status and has_xdp(machine), status


def test_ban_outlives_a_crash_and_a_reboot(machine):
    assert machine.answers_pings(CLIENT)
    machine.run("floodwall", "ban", CLIENT, "--for", "1h", "--reason", "by hand")
    assert not machine.answers_pings(CLIENT)
    machine.run("systemctl", "kill", "-s", "KILL", "floodwall")
    assert not machine.answers_pings(CLIENT), "the kernel goes on"
    machine.wait_for_daemon()
    assert CLIENT in machine.run("floodwall", "list", "bans").stdout
    machine.halt()
    machine.boot()
    machine.wait_for_daemon()
    assert re.search(rf"{re.escape(CLIENT)}\b.*by hand", machine.run("floodwall", "list", "bans").stdout)
    assert not machine.answers_pings(CLIENT)
    assert machine.answers_pings()


def test_members_of_the_group_may_ask_and_others_may_not(machine):
    machine.run("useradd", "--groups", "floodwall", "member")
    machine.run("useradd", "stranger")
    assert machine.run("runuser", "-u", "member", "--", "floodwall", "status").stdout
    asked = machine.run("runuser", "-u", "stranger", "--", "floodwall", "status", check=False)
    assert asked.returncode == 4, asked


def test_unit_takes_away_what_the_daemon_does_not_need(machine):
    said = machine.run("systemd-analyze", "security", "floodwall.service", check=False).stdout
    assert float(re.search(r"Overall exposure level .*: ([0-9.]+)", said)[1]) <= EXPOSURE, said


def test_removal_stops_filtering_and_a_purge_leaves_nothing(machine):
    machine.run("dpkg", "--remove", "floodwall")
    assert not has_xdp(machine)
    assert machine.answers_pings(CLIENT)
    machine.run("dpkg", "--purge", "floodwall")
    left = machine.run("find", "/etc", "/usr", "/var/lib", "/var/log", "/run", "/sys/fs/bpf", "-xdev", "-name",
                       "*floodwall*", "-not", "-path", "/var/lib/dpkg/*").stdout.split()
    assert left == []
