# SPDX-License-Identifier: MIT
"""What setup writes on a terminal is tried with the daemon's guard: without a yes nothing of it stays.

Needs root; runs in a network and a mount namespace of its own, where what is written is forgotten.
"""
import json
import os
import pathlib
import pty
import select
import shutil
import subprocess
import sys
import time

BIN = pathlib.Path(os.environ["FLOODWALL_BIN"])
KINDS = pathlib.Path("/etc/floodwall/conf.d/setup.toml")
FOLDERS = ["/etc", "/run", "/var/lib", "/var/log"]
MENU, WRITE, KEEP = "0 for none:", "[Y/n]", "to keep it:"
DEADLINE_S = 30


def read_some(near):
    if not select.select([near], [], [], 1)[0]:
        return ""
    try:
        return os.read(near, 65536).decode(errors="replace") or None
    except OSError:  # the other side is closed
        return None


def talk(*turns):
    """Exit status of `floodwall setup` on a terminal, and what was on the screen."""
    child, near = pty.fork()
    if child == 0:
        os.execv(BIN / "floodwall", ["floodwall", "setup"])
    seen, turns, end = "", list(turns), time.monotonic() + DEADLINE_S
    at = 0
    while time.monotonic() < end:
        part = read_some(near)
        if part is None:
            break
        seen += part
        if turns and turns[0][0] in seen[at:]:
            at = len(seen)
            os.write(near, turns.pop(0)[1].encode())
    os.close(near)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), seen


def services():
    done = subprocess.run([BIN / "floodwall", "apply"], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def forget_what_is_written():
    room = pathlib.Path("/mnt")
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", room], check=True)
    for folder in FOLDERS:
        upper, work = (room / part / folder[1:] for part in ("upper", "work"))
        upper.mkdir(parents=True)
        work.mkdir(parents=True)
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o",
                        f"lowerdir={folder},upperdir={upper},workdir={work}", folder], check=True)
        for old in pathlib.Path(folder).glob("floodwall*"):
            shutil.rmtree(old)


def inside():
    forget_what_is_written()
    subprocess.run(["mount", "-t", "bpf", "bpf", "/sys/fs/bpf"], check=True)
    for words in ("link set lo up", "link add u0 type veth peer name u1", "addr add 198.51.100.7/24 dev u0",
                  "link set u0 up", "link set u1 up", "route add default via 198.51.100.1"):
        subprocess.run(["ip", *words.split()], check=True)
    report = {"down": talk((MENU, "3\n"), (WRITE, "\n")), "first": KINDS.read_text()}
    with subprocess.Popen([BIN / "floodwalld"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as daemon:
        end = time.monotonic() + DEADLINE_S
        while subprocess.run([BIN / "floodwall", "mode"], capture_output=True, check=False).returncode != 0:
            assert time.monotonic() < end, "the daemon does not answer"
            time.sleep(0.1)
        for name, answer in (("ctrl_c", "\x03"), ("end", "\x04"), ("unclear", "perhaps\n"), ("yes", "yes\n")):
            report[name] = talk((MENU, "4\n"), (WRITE, "\n"), (KEEP, answer))
            report[f"{name}_file"] = KINDS.read_text()
            report[f"{name}_apply"] = services()
        daemon.terminate()
    subprocess.run([BIN / "floodwalld", "--remove"], check=False, capture_output=True)
    print(json.dumps(report))


def test_only_a_yes_keeps_what_was_tried():
    done = subprocess.run(["unshare", "--mount", "--net", sys.executable, __file__], capture_output=True,
                          text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["down"][0] == 0 and "next start" in report["down"][1]
    assert 'name     = "game"' in report["first"]
    for name in ("ctrl_c", "end", "unclear"):
        assert report[name][0] != 0 and KEEP in report[name][1], report[name]
        assert report[f"{name}_file"] == report["first"]
        assert "game" in report[f"{name}_apply"] and "dns" in report[f"{name}_apply"], "it was not in force, or stayed so"
    assert report["yes"][0] == 0 and "kept" in report["yes"][1]
    assert 'name      = "dns"' in report["yes_file"]
    assert "nothing changed" in report["yes_apply"]


if __name__ == "__main__":
    inside()
