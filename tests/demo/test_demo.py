# SPDX-License-Identifier: MIT
"""README's demonstration, as somebody without any privilege sees it: a file, a pipe, compressed, on a
terminal. FLOODWALL_DEMO_BIN has `floodwall` and `demo_capture`."""
import contextlib
import gzip
import json
import os
import pathlib
import pty
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("FLOODWALL_DEMO_BIN", ROOT / "build/release"))
# Root without a capability is nobody in particular.
UNPRIVILEGED = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
REPLAY = [*UNPRIVILEGED, BIN / "floodwall", "replay"]


@pytest.fixture(scope="module")
def capture(tmp_path_factory):
    path = tmp_path_factory.mktemp("demo") / "flood.pcap"
    subprocess.run([*UNPRIVILEGED, BIN / "demo_capture", path], check=True)
    return path


def summary(*arguments, **options):
    done = subprocess.run([*REPLAY, *arguments, "--protect", "192.0.2.1", "--json"], check=True,
                          capture_output=True, **options)
    assert done.stderr == b"", "no progress where there is no terminal"
    return json.loads(done.stdout)


def test_flood_is_restricted_and_no_user_loses_a_packet(capture):
    found = summary(capture)
    assert [source["address"] for source in found["sources"]] == ["203.0.113.77"]
    assert found["dropped"]["packets"] > 0.9 * 50_000
    assert found["event_counts"]["Restrict"] == 1


def test_pipe_and_compressed_file_are_judged_alike(capture):
    found = summary(capture)
    packed = capture.with_suffix(".pcap.gz")
    packed.write_bytes(gzip.compress(capture.read_bytes()))
    with open(capture, "rb") as plain, open(packed, "rb") as squeezed:
        others = [summary(packed), summary("-", stdin=plain), summary("-", stdin=squeezed)]
    for other in others:
        assert {**other, "file": found["file"]} == found
    with subprocess.Popen(["cat", capture], stdout=subprocess.PIPE) as cat:
        assert summary("-", stdin=cat.stdout)["dropped"] == found["dropped"]


def everything_of(terminal):
    """What was written to a terminal whose other side is closed. A read returns a part of it."""
    parts = []
    with contextlib.closing(os.fdopen(terminal, "rb", buffering=0)) as ours:
        with contextlib.suppress(OSError):  # EIO is the end
            while part := ours.read(65536):
                parts.append(part)
    return b"".join(parts)


def test_long_capture_shows_its_progress_on_a_terminal(tmp_path):
    path = tmp_path / "long.pcap"
    subprocess.run([BIN / "demo_capture", path, "60000", "10"], check=True)
    ours, theirs = pty.openpty()
    try:
        subprocess.run([*REPLAY, path, "--protect", "192.0.2.1"], check=True, stderr=theirs,
                       stdout=subprocess.DEVNULL)
    finally:
        os.close(theirs)
    shown = everything_of(ours).decode()
    assert re.search(r"524,288 packets, 8\d %", shown), shown
    assert shown.endswith("\r\x1b[K"), "and cleans up"


def test_command_that_the_readme_prints_shows_the_restriction(tmp_path):
    printed, = re.findall(r"(?m)^build/release/demo_capture .*$", (ROOT / "README.md").read_text())
    command = printed.replace("/tmp/", f"{tmp_path}/").replace("build/release", str(BIN))
    done = subprocess.run([*UNPRIVILEGED, "sh", "-c", command], check=True, capture_output=True,
                          text=True)
    assert re.search(r" Restrict 203\.0\.113\.77 for=60s ", done.stdout)
    assert re.search(r"(?m)^203\.0\.113\.77 +\d", done.stdout), "whose packets would have been dropped"
