# SPDX-License-Identifier: MIT
"""A real SSH server on the host under test and a real session from the peers, as an operator would have it."""
import contextlib
import pathlib
import subprocess

from lab import wait_until


class SshServer(contextlib.AbstractContextManager):
    def __init__(self, lab, port=22):
        self._lab, self._port = lab, port
        self._folder = lab.folder / "ssh"
        self._folder.mkdir(mode=0o700)
        pathlib.Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self._folder / name],
                           check=True)
        config = self._folder / "sshd_config"
        config.write_text(
            f"Port {port}\nHostKey {self._folder}/host\nAuthorizedKeysFile {self._folder}/user.pub\n"
            f"StrictModes no\nUsePAM no\nUseDNS no\nPermitRootLogin yes\nPidFile none\n")
        self._server = lab.popen("/usr/sbin/sshd", "-D", "-f", config, where="dut",
                                 stderr=subprocess.DEVNULL)

    def login(self, link, source):
        """A session that stays; returns once the remote command has run."""
        session = self._lab.popen(
            "ssh", "-F", "none", "-p", self._port, "-b", source, "-i", self._folder / "user",
            "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
            "-o", "ConnectionAttempts=20", f"root@{link.dut}", "echo in; cat",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert session.stdout.readline() == b"in\n"
        return session

    def can_log_in(self, link, source):
        """Whether a log-in from `source` succeeds within three seconds."""
        done = self._lab.run(
            "ssh", "-F", "none", "-p", self._port, "-b", source, "-i", self._folder / "user",
            "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
            "-o", "ConnectTimeout=3", f"root@{link.dut}", "true", check=False)
        return done.returncode == 0

    @staticmethod
    def is_alive(session):
        session.stdin.write(b"there?\n")
        session.stdin.flush()
        return session.stdout.readline() == b"there?\n"

    def __exit__(self, *_):
        self._server.terminate()
        wait_until(lambda: self._server.poll() is not None, what="sshd ends")
