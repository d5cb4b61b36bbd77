# SPDX-License-Identifier: MIT
"""`floodwall check` asked the daemon: it failed when the daemon did not run, which is when it is
needed, and read any file for its callers with the daemon's rights."""
import json
import os
import pathlib
import subprocess

BIN = pathlib.Path(os.environ["FLOODWALL_BIN"])
NOBODY = 65534


def check(*arguments, user=None):
    environment = {**os.environ, "FLOODWALL_SOCKET": "/nonexistent/floodwall.sock"}
    return subprocess.run([BIN / "floodwall", "check", *arguments], text=True, timeout=60,
                          capture_output=True, check=False, env=environment,
                          user=user, group=user, extra_groups=None if user is None else [])


def test_a_good_configuration_is_valid_and_bad_list_lines_are_named(tmp_path):
    (tmp_path / "floodwall.toml").write_text('mode = "observe"\n')
    (tmp_path / "deny.list").write_text("203.0.113.7\nnonsense\n")
    done = check(tmp_path / "floodwall.toml")
    assert done.returncode == 0, done.stderr
    assert "is valid: 0 services, 1 deny and 0 allow entries" in done.stdout
    assert "skipped: " in done.stdout and "nonsense" in done.stdout


def test_a_bad_configuration_is_told_as_the_daemon_does_with_status_6(tmp_path):
    file = tmp_path / "floodwall.toml"
    file.write_text('[limit.default]\nsyn = "0/s"\n')
    done = check(file, "--json")
    assert done.returncode == 6
    assert json.loads(done.stdout)["error"]["kind"] == "invalid_config"
    daemon = subprocess.run([BIN / "floodwalld", "--check", "--config", file], text=True,
                            capture_output=True, check=False, timeout=60)
    assert daemon.returncode == 6
    assert daemon.stderr.removeprefix("floodwalld: ") == done.stderr.removeprefix("floodwall: ")


def test_without_a_file_the_default_is_checked():
    done = check()
    assert done.returncode in (0, 6)
    assert "/etc/floodwall/floodwall.toml" in done.stdout + done.stderr


def test_it_reads_with_the_rights_of_its_caller(tmp_path):
    for folder in (tmp_path, *tmp_path.parents):
        if folder.is_relative_to("/tmp") and folder != pathlib.Path("/tmp"):
            folder.chmod(0o755)
    file, deny = tmp_path / "floodwall.toml", tmp_path / "deny.list"
    file.write_text('mode = "observe"\n')
    deny.write_text("203.0.113.7\n")
    assert check(file, user=NOBODY).returncode == 0
    deny.chmod(0o600)
    done = check(file, user=NOBODY)
    assert done.returncode == 4 and "deny.list" in done.stderr
    file.chmod(0o600)
    done = check(file, user=NOBODY)
    assert done.returncode == 4 and "sudo" in done.stderr
