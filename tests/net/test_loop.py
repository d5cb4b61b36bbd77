# SPDX-License-Identifier: MIT
"""The daemon's loop waits for nothing: callers are answered while lists load, checks run and requests storm in.

With FLOODWALL_LOOP_LINES=20000000 the list has so many lines, bodies have 8 MiB, and the bounds are those of
docs/reliability.md. Without it they are wide enough for sanitizers on a busy machine."""
import contextlib
import os
import subprocess
import time

from lab import BIN, wait_until
from test_lists import peak_kib
from test_rescue import member_children, with_members

LONG = "FLOODWALL_LOOP_LINES" in os.environ
LINES = int(os.environ.get("FLOODWALL_LOOP_LINES", "100000"))
P99_S, LONGEST_S = (0.05, 0.25) if LONG else (0.1, 1)
BODY_BYTES, CONNECTIONS = (8 << 20, 10_000) if LONG else (1 << 20, 2_000)
LISTS = '[lists]\ndeny = ["deny.list"]\nallow = ["allow.list"]\n'
BOMB = '[lists]\ndeny = ["/proc/*/*/*/*/*"]\n'

# Connections without end, and long bodies: what a member of the group can do to the others.
STORM = """
import socket, sys, threading
def connections():
    for _ in range(int(sys.argv[2])):
        s = socket.socket(socket.AF_UNIX)
        try:
            s.settimeout(5)
            s.connect(sys.argv[1])
        except OSError:
            pass
        s.close()
def body():
    size = int(sys.argv[3])
    s = socket.socket(socket.AF_UNIX)
    try:
        s.connect(sys.argv[1])
        s.sendall(b"POST /v1/ban HTTP/1.1\\r\\nContent-Length: %d\\r\\n\\r\\n" % size + b'{"address":[' + b'"1",' * (size // 4))
        s.recv(100)
    except OSError:
        pass
threads = [threading.Thread(target=body) for _ in range(6)] + [threading.Thread(target=connections)]
print("begins", flush=True)
for t in threads: t.start()
for t in threads: t.join()
"""



class Stopwatch:
    """How long `status` takes, asked again and again."""

    def __init__(self, lab):
        self.lab, self.took_s = lab, []

    def ask(self):
        begin = time.monotonic()
        status = self.lab.api.call("status")
        self.took_s.append(time.monotonic() - begin)
        time.sleep(0.002)  # others may ask, too
        return status

    def ask_until(self, done, what, timeout_s=600):
        end = time.monotonic() + timeout_s
        while not done(self.ask()):
            assert time.monotonic() < end, f"not within {timeout_s} s: {what}"

    def check(self, what):
        took = sorted(self.took_s)
        p99 = took[len(took) * 99 // 100]
        print(f"{what}: status median {took[len(took) // 2] * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms, "
              f"longest {took[-1] * 1e3:.1f} ms of {len(took)}; peak of the daemon "
              f"{peak_kib(self.lab.daemon.pid) >> 10} MiB")
        assert p99 < P99_S and took[-1] < LONGEST_S, "the loop waited"
        self.took_s = []


def write_list(path, lines):
    """Addresses that no two of are neighbours, in no order."""
    with open(path, "w", encoding="ascii") as file:
        for begin in range(0, lines, 100_000):
            numbers = ((0x0B000000 + i * 2654435761 % (1 << 31)) for i in range(begin, min(begin + 100_000, lines)))
            file.writelines(f"{n >> 24}.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}\n" for n in numbers)


@contextlib.contextmanager
def a_large_list(lab):
    """The daemon runs and begins to read a large list, which takes the place of a short one."""
    lab.list_file("deny.list").write_text("198.51.100.9\n")
    lab.start_daemon(with_members(lab) + LISTS)
    new = lab.list_file("new")
    write_list(new, LINES)
    begin = time.monotonic()
    os.rename(new, lab.list_file("deny.list"))
    yield
    print(f"{LINES} lines: {time.monotonic() - begin:.1f} s")


def test_nobody_waits_while_a_large_list_loads(lab):
    watch = Stopwatch(lab)
    with a_large_list(lab):
        watch.ask_until(lambda status: status["counts"]["deny_entries"] == LINES, "the list is in force")
    watch.check(f"a list of {LINES} lines loads")
    link = lab.link(4)
    begin = time.monotonic()
    asked = lab.popen(BIN / "floodwall", "allow", link.client(3), where="dut", stdout=subprocess.PIPE, text=True)
    while asked.poll() is None:
        watch.ask()
    assert asked.returncode == 0 and "allowed" in asked.stdout.read()
    print(f"allow is answered after {time.monotonic() - begin:.1f} s")
    watch.check("allow reads it again")
    assert "ALLOWED" in lab.cli("why", link.client(3)).out


def test_a_storm_of_requests_and_a_pattern_without_end_delay_nobody(lab):
    watch = Stopwatch(lab)
    lab.start_daemon(with_members(lab))
    lab.write_config(with_members(lab) + BOMB)
    lab.config_file.chmod(0o644)
    storm = member_children(lab, STORM, CONNECTIONS, BODY_BYTES)
    storm.stdout.readline()
    checks = [lab.popen(BIN / "floodwall", "check", where="dut", stderr=subprocess.PIPE, text=True) for _ in range(2)]
    while storm.poll() is None or len(watch.took_s) < 200:
        watch.ask()
    for check in checks:
        assert "takes too long" in check.communicate(timeout=20)[1] and check.returncode == 6
    watch.check(f"six bodies of {BODY_BYTES >> 20} MiB, {CONNECTIONS} connections, two checks")


def test_a_newer_version_replaces_one_that_loads_and_both_come_whole(lab):
    newer = lab.list_file("newer")
    with a_large_list(lab):
        write_list(newer, LINES + 1)
        os.rename(newer, lab.list_file("deny.list"))
        begin = time.monotonic()
        lab.cli("mode", "observe")
        assert time.monotonic() - begin < 2, "the mode waits for no list"
        seen = set()

        def entries():
            seen.add(lab.api.call("status")["counts"]["deny_entries"])
            return LINES + 1 in seen
        wait_until(entries, 600, "the newer version is in force")
    assert seen <= {1, LINES, LINES + 1}, "a part of one"


def test_the_daemon_ends_at_once_while_a_list_loads(lab):
    with a_large_list(lab):
        lab.stop()
