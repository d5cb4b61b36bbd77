# SPDX-License-Identifier: MIT
"""The daemon under the unit's filter of system calls, in which any other call ends it (sandboxed.py).

FLOODWALL_SANDBOX=1 runs every other test of this folder like this."""
import pathlib
import re
import shutil
import signal
import subprocess

import pytest

import sandboxed
import wire

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd's sets of system calls")


def run(*command):
    return subprocess.run([*sandboxed.COMMAND, *command], capture_output=True, check=False, timeout=30)


def test_the_filter_ends_what_makes_another_call():
    assert run("/bin/true").returncode == 0
    for call in ("keyctl", "io_uring_setup", "ptrace", "mount", "init_module", "userfaultfd", "setuid"):
        assert call not in sandboxed.allowed(), call
    code = "import ctypes; ctypes.CDLL(None).ptrace(0, 0, 0, 0)"
    assert run("/usr/bin/python3", "-c", code).returncode == -signal.SIGSYS


@pytest.mark.expects("Detach")
def test_a_daemon_does_all_it_has_to_within_the_filter(lab, link):
    lab.list_file("deny.list").write_text("203.0.113.0/24\n", encoding="ascii")
    lab.start_daemon(lab.config() + '[lists]\ndeny = ["deny.list"]\n', sandbox=sandboxed.COMMAND)
    status = pathlib.Path(f"/proc/{lab.daemon.pid}/status").read_text(encoding="ascii")
    assert re.search(r"^Seccomp:\s+2$", status, re.M)
    lab.cli("ban", link.client(3), "--for", "1h")
    assert not lab.comes_through(wire.udp(link, link.client(3), link.dut))
    for command in (("status",), ("check",), ("why", link.client(3)), ("events",), ("baseline",),
                    ("allow", link.client(4), "--for", "1h"), ("apply", "--confirm", "60s"), ("confirm",)):
        lab.cli(*command)
    lab.list_file("deny.list").write_text("203.0.113.0/24\n198.51.100.0/24\n", encoding="ascii")
    lab.reload()
    lab.cli("mode", "off")
    lab.cli("mode", "enforce")
    lab.stop()
    lab.start_daemon(sandbox=sandboxed.COMMAND)
    assert link.client(3) in lab.bans()
    assert not lab.comes_through(wire.udp(link, link.client(3), link.dut))
    lab.stop()
