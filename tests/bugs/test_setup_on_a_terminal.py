# SPDX-License-Identifier: MIT
"""`floodwall setup` asked one thing on a terminal, whatever the machine was. Needs no root and no daemon."""
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import time

import pytest

BIN = pathlib.Path(os.environ["FLOODWALL_BIN"])
MENU, WRITE = "0 for none:", "Write this? [Y/n]"
END_OF_INPUT = "\x04"


class Terminal:
    def __init__(self, config):
        self.near, far = pty.openpty()
        self.seen, self.read_to = "", 0
        environment = {**os.environ, "FLOODWALL_SOCKET": "/nonexistent/floodwall.sock"}
        self.program = subprocess.Popen(  # lo is no uplink; a machine without a default route has others
            [BIN / "floodwall", "setup", "--config", config, "--interface", interface()], stdin=far, stdout=far,
            stderr=far, env=environment, preexec_fn=lambda: take_terminal(far))  # pylint: disable=subprocess-popen-preexec-fn
        os.close(far)

    def wait_for(self, text):
        end = time.monotonic() + 30
        while text not in self.seen[self.read_to:]:
            assert time.monotonic() < end, f"no {text!r} in:\n{self.seen}"
            if select.select([self.near], [], [], 1)[0]:
                self.seen += os.read(self.near, 65536).decode(errors="replace")
        self.read_to = self.seen.index(text, self.read_to) + len(text)

    def type(self, text):
        os.write(self.near, text.encode())

    def end(self):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                part = os.read(self.near, 65536) if select.select([self.near], [], [], 1)[0] else b" "
            except OSError:  # the other side is closed
                break
            if not part:
                break
            self.seen += part.decode(errors="replace")
        os.close(self.near)
        return self.program.wait(timeout=30)


def take_terminal(far):
    os.setsid()
    import fcntl  # pylint: disable=import-outside-toplevel
    import termios  # pylint: disable=import-outside-toplevel
    fcntl.ioctl(far, termios.TIOCSCTTY, 0)


def interface():
    for name in sorted(os.listdir("/sys/class/net")):
        if name != "lo" and os.path.isdir(f"/sys/class/net/{name}"):
            return name
    pytest.skip("this machine has no interface but the loopback")
    return None


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def talk(folder, *turns):
    terminal = Terminal(folder / "floodwall.toml")
    for question, answer in turns:
        terminal.wait_for(question)
        terminal.type(answer)
    status = terminal.end()
    return status, terminal.seen


def test_what_was_chosen_is_shown_written_and_valid(tmp_path):
    status, seen = talk(tmp_path, (MENU, "3 4\n"), (WRITE, "\n"))
    assert status == 0, seen
    assert files(tmp_path) == ["allow.list", "conf.d/setup.toml", "deny.list", "floodwall.toml"]
    text = (tmp_path / "conf.d/setup.toml").read_text()
    assert re.findall(r'^name += "(\w+)"', text, re.M) == ["game", "dns"]
    assert all(line in seen for line in text.splitlines() if line)
    assert subprocess.run([BIN / "floodwall", "check", tmp_path / "floodwall.toml"], check=False).returncode == 0


def test_a_second_time_shows_the_difference_and_leaves_what_the_operator_wrote(tmp_path):
    assert talk(tmp_path, (MENU, "3\n"), (WRITE, "y\n"))[0] == 0
    mine = (tmp_path / "floodwall.toml").read_text() + "# mine\n"
    (tmp_path / "floodwall.toml").write_text(mine)
    status, seen = talk(tmp_path, (MENU, "4\n"), (WRITE, "y\n"))
    assert status == 0, seen
    assert re.search(r'^- name +=? *"?.*game', seen, re.M) and re.search(r'^\+ name +=? *"?.*dns', seen, re.M)
    assert (tmp_path / "floodwall.toml").read_text() == mine
    status, seen = talk(tmp_path, (MENU, "4\n"))
    assert status == 0 and "nothing to write" in seen


@pytest.mark.parametrize("turns", [
    [(MENU, END_OF_INPUT)],
    [(MENU, "\x03")],
    [(MENU, "3\n"), (WRITE, END_OF_INPUT)],
    [(MENU, "3\n"), (WRITE, "\x03")],
    [(MENU, "3\n"), (WRITE, "n\n")],
    [(MENU, "3\n"), (WRITE, "yes please, no\n")],
    [(MENU, "\x1b[2J\n"), (MENU, "9" * 3000 + "\n"), (MENU, "$(reboot)\n")],
], ids=["end-at-menu", "ctrl-c-at-menu", "end-at-write", "ctrl-c-at-write", "no", "unclear", "hostile"])
def test_without_a_clear_yes_nothing_is_written(tmp_path, turns):
    status, seen = talk(tmp_path, *turns)
    assert status != 0, seen
    assert files(tmp_path) == []
    if turns[-1][1] == "\x03":
        assert status == -signal.SIGINT
    else:
        assert "nothing was written" in seen


def test_what_does_not_go_with_the_operators_file_is_refused_whole(tmp_path):
    (tmp_path / "floodwall.toml").write_text('[[service]]\nname = "mine"\nport = "udp/27015"\n')
    before = files(tmp_path)
    status, seen = talk(tmp_path, (MENU, "3\n"))
    if "overlaps" not in seen:  # this machine has a game server of its own on another port
        pytest.skip(seen)
    assert status == 6 and "nothing was written" in seen
    assert files(tmp_path) == before
