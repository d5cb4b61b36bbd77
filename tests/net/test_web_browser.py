# SPDX-License-Identifier: MIT
"""The web page in Chromium, during a flood. No part of ./test, as its packages are large: tools/record-web."""
import os
import random
import subprocess

import pytest

import netns
from lab import ROOT, Lab
from traffic import Traffic

import attacks

pytestmark = pytest.mark.expects("AttackStart", "AttackVector", "Suppressed", "Suffering")
BANNED = "198.51.100.7"


def test_log_in_watch_an_attack_lift_a_ban():
    with Lab() as lab:
        link = lab.link(4)
        lab.xdp_on_peer()
        with Traffic(lab, link) as traffic:
            lab.start_daemon(lab.config(tables="") + '[web]\nlisten = "127.0.0.1:8870"\n')
            traffic.serve()
            token = lab.ask("web", "token")["token"]
            lab.cli("ban", BANNED, "--reason", "port scan")
            flood = traffic.flood([attacks.syn_fixed], 4000, 20).go()
            with netns.inside(lab.dut_ns):
                done = subprocess.run(["node", ROOT / "tests/net/web_browser.mjs", "http://127.0.0.1:8870/", token, BANNED,
                                       os.environ.get("FLOODWALL_WEB_PICTURE", "/tmp/floodwall-web.png")],
                                      capture_output=True, text=True, timeout=90, check=False)
            flood.result()
            assert done.returncode == 0, done.stderr
            assert BANNED not in lab.bans()
