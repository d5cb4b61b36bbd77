# SPDX-License-Identifier: MIT
"""`floodwall selftest`: holds here, says what it saw, and leaves nothing behind."""
import json
import os
import pathlib
import signal
import subprocess

import netns
from lab import BIN, wait_until


def run(*arguments, **options):
    return subprocess.run([BIN / "floodwall", "selftest", *arguments], text=True, timeout=60,
                          capture_output=True, check=False, **options)


def processes():
    """By command line, those that are called floodwall or floodwalld."""
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if os.path.realpath(folder / "exe").startswith(str(BIN)):
                found.append((folder / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return sorted(found)


def traces():
    mounts = pathlib.Path("/proc/self/mounts").read_text(encoding="utf-8")
    links = subprocess.run(["ip", "-o", "link"], text=True, capture_output=True, check=True).stdout
    return {"mounts": mounts, "links": links, "processes": processes(),
            "namespaces": sorted(os.listdir("/run/netns")),
            "pins": sorted(str(path) for path in pathlib.Path(netns.BPF_FS).rglob("*")),
            "run": sorted(os.listdir("/run"))}


def test_selftest_holds_in_under_15_s_and_leaves_nothing(tmp_path):
    before = traces()
    done = run("--json", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    reply = json.loads(done.stdout)
    assert reply["ok"] and reply["seconds"] < 15
    families = {found["family"] for step in reply["steps"] for found in step["findings"]}
    assert {"IPv4", "IPv6"} <= families
    assert traces() == before
    assert not list(tmp_path.iterdir())


def test_selftest_tells_each_step_and_keeps_the_log_if_asked(tmp_path):
    done = run("--keep-log", "--ban-time", "1s", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("expected:") == 10
    assert "Hellooooo from client!" in done.stdout and "BAD" not in done.stdout
    log = (tmp_path / "floodwall-selftest.log").read_text(encoding="utf-8")
    for key in ("203.0.113.77", "2001:db8:c::/64"):
        assert f" Ban {key} for=1s rule=hello" in log
        assert f" Unban {key} reason=expired" in log


def test_killed_selftest_leaves_nothing():
    before = traces()
    child = subprocess.Popen([BIN / "floodwall", "selftest"], stdout=subprocess.PIPE, text=True)
    with child:
        for line in child.stdout:
            if line.lstrip().startswith("1."):
                break
        assert len(processes()) > len(before["processes"]) + 1, "the daemon runs"
        child.send_signal(signal.SIGKILL)
    wait_until(lambda: traces() == before, what="everything of the self-test is gone")


def test_selftest_without_root_says_so():
    done = run(user=65534, group=65534, extra_groups=[])
    assert done.returncode == 4 and "root" in done.stderr


def test_selftest_refuses_a_ban_time_that_would_not_end():
    done = run("--ban-time", "1d")
    assert done.returncode == 2 and "1m" in done.stderr
