# SPDX-License-Identifier: MIT
"""Runs a command with the system calls that packaging/floodwall.service allows; any other one ends it (SIGSYS).

As a program: sandboxed.py COMMAND... . The unit answers a call that is not allowed with EPERM; here such a call
is fatal, so that no test passes over it. Those of EXPECTED are answered as by the unit: a daemon of root tries
them (caller_rights.cpp), one of user floodwall is refused them anyway. Sets of calls are systemd's own."""
import ctypes
import errno
import functools
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNIT = ROOT / "packaging/floodwall.service"
COMMAND = (sys.executable, __file__)
KILL, ALLOW, REFUSE = 0x80000000, 0x7FFF0000, 0x00050000 | errno.EPERM  # seccomp.h
EXPECTED = ("setgroups", "setfsuid", "setfsgid")


@functools.cache
def members(name):
    """Of a set such as "@file-system", by name; a name that is no set is itself."""
    if not name.startswith("@"):
        return frozenset({name})
    shown = subprocess.run(["systemd-analyze", "--no-pager", "syscall-filter", name], capture_output=True, text=True,
                           check=True, env={**os.environ, "SYSTEMD_COLORS": "0"}).stdout
    inner = [line.strip() for line in shown.splitlines() if line.startswith("    ")]
    return frozenset().union(*(members(word) for word in inner if not word.startswith("#")))


def allowed(unit=UNIT):
    """As systemd reads the lines: the first says that it is a list of what is allowed, later ones add or (~) remove."""
    calls = set()
    for words in re.findall(r"^SystemCallFilter=(.*)$", unit.read_text(encoding="utf-8"), re.M):
        named = frozenset().union(*(members(word) for word in words.lstrip("~").split()))
        calls = calls - named if words.startswith("~") else calls | named
    return calls


def enter():
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_load.argtypes = [ctypes.c_void_p]
    library.seccomp_rule_add.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint]
    rules = library.seccomp_init(KILL)
    wanted = {name: ALLOW for name in allowed()} | {name: REFUSE for name in EXPECTED}
    for name, action in wanted.items():
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:  # else it is of another architecture
            assert library.seccomp_rule_add(rules, action, number, 0) == 0, name
    assert library.seccomp_load(rules) == 0


if __name__ == "__main__":
    # The sanitizers' leak checker traces its own process.
    os.environ["ASAN_OPTIONS"] = ":".join(filter(None, (os.environ.get("ASAN_OPTIONS"), "detect_leaks=0")))
    enter()
    os.execv(sys.argv[1], sys.argv[1:])
