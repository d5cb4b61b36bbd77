# SPDX-License-Identifier: MIT
"""Rescue: what takes Floodwall off the interfaces when the daemon, its socket or its pins do not."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

import pytest

import netns
import wire
from lab import BIN, PINS, SOCKET, wait_until


def remove(lab, code=0):
    """`floodwalld --remove`; what it said. It must take less than five seconds."""
    begin = time.monotonic()
    done = lab.run(BIN / "floodwalld", "--remove", where="dut", check=False, timeout=20)
    assert done.returncode == code, done
    assert time.monotonic() - begin < 5, "rescue took too long"
    return done.stdout + done.stderr


def has_program(lab):
    links = lab.run("ip", "-d", "-o", "link", "show", "up0", where="dut").stdout
    egress = lab.run("bpftool", "-j", "net", where="dut", check=False).stdout
    return "prog/xdp" in links or "floodwall" in json.dumps(json.loads(egress or "[]"))


@contextlib.contextmanager
def hidden_pins():
    """Another bpffs over the one with the pins, as an agent or a container may mount it."""
    subprocess.run(["mount", "-t", "bpf", "bpf", netns.BPF_FS], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", netns.BPF_FS], check=True)


@contextlib.contextmanager
def full_run():
    """/run, a tmpfs, has room for nothing but empty files."""
    used = os.statvfs("/run")
    size = (used.f_blocks - used.f_bfree) * used.f_frsize
    subprocess.run(["mount", "-o", f"remount,size={size}", "/run"], check=True)
    try:
        with pytest.raises(OSError):
            pathlib.Path("/run/more").write_bytes(b"x" * 65536)
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,size=0", "/run"], check=True)
        pathlib.Path("/run/more").unlink(missing_ok=True)


def test_remove_finds_programs_whose_pins_are_hidden(lab):
    lab.start_daemon()
    lab.stop()
    with hidden_pins():
        assert "removed" in remove(lab)
        assert not has_program(lab)
        assert "nothing of Floodwall" in remove(lab)


def test_a_start_takes_over_programs_whose_pins_are_hidden(lab, link):
    frame = wire.udp(link, link.client(3), link.dut)
    lab.start_daemon()
    lab.cli("ban", link.client(3))
    lab.stop()
    with hidden_pins():
        lab.start_daemon()
        assert lab.ask("status")["healthy"]
        assert lab.api.call("status")["interfaces"][0]["attachment"] == "native"
        lab.cli("unban", link.client(3))
        assert lab.comes_through(frame)
        lab.cli("ban", link.client(3))
        assert not lab.comes_through(frame)
        lab.cli("mode", "off")
        assert lab.comes_through(frame) and not has_program(lab)


@pytest.mark.expects("Detach")
def test_a_hung_daemon_that_goes_on_stays_off(lab, link):
    frame = wire.udp(link, link.client(3), link.dut)
    lab.start_daemon()
    lab.cli("ban", link.client(3))
    lab.daemon.send_signal(signal.SIGSTOP)
    said = remove(lab)
    assert f"process {lab.daemon.pid}" in said and f"kill -9 {lab.daemon.pid}" in said
    assert lab.comes_through(frame) and not has_program(lab)
    lab.daemon.send_signal(signal.SIGCONT)
    wait_until(lambda: lab.ask("status")["mode"] == "off", 10, "the daemon does as it was ordered")
    assert not has_program(lab)
    lab.kill9()  # as a service manager's watchdog does
    lab.start_daemon()
    assert lab.ask("status")["mode"] == "off" and not has_program(lab)
    lab.cli("mode", "enforce")
    assert has_program(lab)


@pytest.mark.expects("Detach")
def test_remove_needs_neither_socket_nor_pins_nor_room(lab):
    lab.start_daemon()
    os.unlink(SOCKET)
    shutil.rmtree(PINS)
    with full_run():
        assert "removed" in remove(lab) and not has_program(lab)
    assert pathlib.Path("/run/floodwall/removed").exists() and not has_program(lab)


def test_what_another_program_attached_stays(lab):
    lab.start_daemon()
    lab.stop()
    held = netns.pass_by_xdp(lab.peers_ns, "peer0")
    try:
        remove(lab)
        assert "prog/xdp" in lab.run("ip", "-d", "-o", "link", "show", "peer0").stdout
    finally:
        os.close(held)


# ------------------------------------------------------------------- the command and the API


def member_children(lab, script, *arguments):
    """A Python program of group bin's, which may use the API: `script` sees sys.argv."""
    return lab.popen("/usr/bin/python3", "-c", script, SOCKET, *arguments, where="dut", user="bin", group="bin",
                     extra_groups=[], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def with_members(lab):
    return lab.config() + '[api]\ngroup = "bin"\n'


HOLD = """
import socket, sys
held = []
for _ in range(int(sys.argv[2])):
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    s.send(b"GET /v1 HTTP/1.1\\r\\n\\r\\n")
    s.recv(1)
    held.append(s)
print("held", flush=True)
sys.stdin.read()
"""

def test_a_hung_daemon_is_named_in_time_and_its_socket_is_made_again(lab):
    lab.start_daemon()
    pid = lab.daemon.pid
    lab.daemon.send_signal(signal.SIGSTOP)
    begin = time.monotonic()
    said = lab.cli("mode", "off", code=3).err
    assert time.monotonic() - begin < 5.5, said
    assert f"process {pid}) hangs" in said and "floodwalld --remove" in said and f"kill -9 {pid}" in said
    lab.daemon.send_signal(signal.SIGCONT)
    lab.cli("status")
    shutil.rmtree(os.path.dirname(SOCKET))
    wait_until(lab.api.is_up, 5, "the socket is made again")
    lab.cli("status")


@pytest.mark.expects("Repaired")
def test_of_two_daemons_whose_lock_was_deleted_one_is_left_and_filters(lab, link):
    frame = wire.udp(link, link.client(3), link.dut)
    lab.start_daemon()
    lab.cli("ban", link.client(3))
    first = lab.daemon
    shutil.rmtree(os.path.dirname(SOCKET))
    lab.start_daemon(wait=False)
    try:
        wait_until(lambda: first.poll() is not None or lab.daemon.poll() is not None, 10, "one ends")
        ended, left = (first, lab.daemon) if first.poll() is not None else (lab.daemon, first)
        assert ended.poll() != 0
        lab.daemon = left
        wait_until(lab.api.is_up, 10, "the other one answers")
        assert left.poll() is None and not lab.comes_through(frame)
        lab.cli("unban", link.client(3))
        assert lab.comes_through(frame), "its tables are those in force"
    finally:
        first.kill()
        first.wait()


def test_root_is_served_while_others_hold_every_connection(lab):
    lab.start_daemon(with_members(lab))
    holder = member_children(lab, HOLD, 64)
    assert holder.stdout.readline() == "held\n"
    assert "too many connections" in lab.cli("status", code=3, user="bin").err
    lab.cli("status")


def test_check_reads_with_the_rights_of_the_caller(lab):
    secret = lab.list_file("secret.list")
    secret.write_text("root:$6$HIDDEN:19000:0:99999:7:::\n", encoding="ascii")
    secret.chmod(0o600)
    lab.start_daemon(with_members(lab) + '[lists]\ndeny = ["secret.list"]\n')
    lab.wait_for_log("ListProblem")
    for folder in (lab.folder, lab.config_file.parent):
        folder.chmod(0o755)
    lab.config_file.chmod(0o644)
    for file in ((), (lab.config_file,)):  # the daemon reads, or the command
        done = lab.cli("check", *file, code=4, user="bin")
        assert "HIDDEN" not in done.out + done.err and "secret.list" in done.err
    assert "HIDDEN" in lab.cli("check").out
