# SPDX-License-Identifier: MIT
"""Who is to be told is told: once, in order, also by a server that fails, hangs and comes back.

The server is on the peers' side. What it gets is what counts, whatever the daemon believes.
"""
import contextlib
import email
import email.policy
import http.server
import json
import os
import re
import subprocess
import threading
import time

import pytest

import netns
from lab import BIN, pause_until, wait_until
from traffic import Traffic

import attacks

pytestmark = pytest.mark.expects("ReloadFailed", "AttackStart", "AttackVector", "Detach",
                                 "ListProblem", "Suppressed", "Suffering")
TOKEN = "T0SECRETTOKEN"


class Hook(contextlib.AbstractContextManager):
    """A real HTTP server on the peers' side; `how` decides what it answers."""

    def __init__(self, lab):
        self.bodies, self.how, self.port = [], 200, 0
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                how = hook.how
                if how == "hang":
                    hook.hung.set()
                    hook.released.wait(20)
                    return
                if isinstance(how, str):
                    self.send_response(302)
                    self.send_header("Location", how)
                    self.end_headers()
                    return
                if how == 200:
                    hook.bodies.append((self.path, dict(self.headers), json.loads(body)))
                self.send_response(how)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.hung, self.released = threading.Event(), threading.Event()
        with netns.inside(lab.peers_ns):
            self.server = http.server.ThreadingHTTPServer(("10.9.0.1", 8099), Handler)
        self.server.daemon_threads = True
        self.url = f"http://10.9.0.1:8099/hooks/{TOKEN}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __exit__(self, *_):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()

    def kinds(self):
        return [message["kind"] for _, _, body in self.bodies for message in body["messages"]]

    def ids(self):
        return [message["id"] for _, _, body in self.bodies for message in body["messages"]]


@pytest.fixture
def hook(lab):
    with Hook(lab) as server:
        yield server


def alert(name, how, more=""):
    return f'[[alert]]\nname = "{name}"\n{how}\n{more}\n'


def script(lab, name, text):
    path = lab.folder / name
    path.write_text("#!/bin/sh\n" + text, encoding="utf-8")
    path.chmod(0o755)
    return path


def refuse(lab, number):
    """A configuration that cannot be put in force: an event of its own."""
    good = lab.config_file.read_text(encoding="utf-8")
    lab.write_config(good + f"\n[fault{number}]\n")
    lab.cli("apply", code=None)
    lab.write_config(good)


def problems(lab):
    return lab.ask("status")["problems"]


def test_a_server_that_fails_hangs_and_comes_back_gets_each_message_once_and_in_order(lab, hook):
    lab.start_daemon(lab.config() + alert("hook", f'url = "{hook.url}"', 'on = ["refused"]'))
    hook.how = 500
    refuse(lab, 1)
    wait_until(lambda: any("hook" in problem and "HTTP 500" in problem for problem in problems(lab)),
               10, "status says that it cannot be delivered")
    hook.how = "hang"
    refuse(lab, 2)
    wait_until(hook.hung.is_set, 15, "the server hangs with a request")
    began = time.monotonic()
    lab.cli("status")
    assert time.monotonic() - began < 2, "the loop waits for no server"
    assert hook.bodies == []
    # The daemon is killed with the request open; the next one goes on with both.
    lab.kill9()
    hook.how = 200
    lab.start_daemon(lab.config_file.read_text(encoding="utf-8"))
    refuse(lab, 3)
    wait_until(lambda: len(hook.ids()) >= 3, 20, "all three arrive")
    wait_until(lambda: lab.api.call("status")["problems"] == [], 10, "healthy")
    assert hook.kinds() == ["refused"] * 3
    assert hook.ids() == sorted(set(hook.ids())), "in order, each once"
    texts = [message["event"]["error"] for _, _, body in hook.bodies for message in body["messages"]]
    assert [re.search(r"fault(\d)", text)[1] for text in texts] == ["1", "2", "3"]
    # Nothing comes after a restart that all was delivered before.
    lab.stop()
    lab.start_daemon(lab.config_file.read_text(encoding="utf-8"))
    assert "delivered" in lab.cli("alert", "test").out
    assert hook.kinds() == ["refused"] * 3 + ["test"]


def test_the_token_of_a_webhook_is_shown_nowhere_and_the_queue_is_private(lab, hook):
    lab.start_daemon(lab.config() + alert("hook", f'url = "{hook.url}"', 'on = ["refused"]'))
    hook.how = 404
    refuse(lab, 1)
    wait_until(lambda: any("HTTP 404" in problem for problem in problems(lab)), 10, "it fails")
    shown = [lab.cli("status").out, lab.cli("status", "--json").out, lab.cli("events").out,
             lab.cli("metrics").out, lab.cli("check").out]
    tested = lab.cli("alert", "test", "hook", code=1)
    assert "HTTP 404" in tested.err
    # A redirect is not followed, wherever to.
    hook.how = "file:///etc/passwd"
    redirected = lab.cli("alert", "test", code=1)
    assert "redirects" in redirected.err
    text = lab.config_file.read_text(encoding="utf-8")
    lab.write_config(text.replace(TOKEN, TOKEN + "2"))
    changed = lab.cli("apply").out
    assert 'alert "hook" url' in changed
    lab.write_config(text.replace("http://", f"ftp://{TOKEN}@"))
    wrong = lab.cli("check", code=6)
    assert "must begin with http" in wrong.err
    shown += [tested.err, redirected.err, changed, wrong.err, lab.output(), "\n".join(lab.log_lines()),
              (lab.state / "alerts.json").read_text(encoding="utf-8")]
    for one in shown:
        assert TOKEN not in one
    assert (lab.state / "alerts.json").stat().st_mode & 0o777 == 0o600


def test_a_command_gets_json_and_nothing_of_the_daemons_and_is_ended_when_it_hangs(lab):
    told = lab.folder / "told"
    good = script(lab, "good", f'cat >{told}.json; env | sort >{told}.env; ls -l /proc/self/fd '
                  f'>{told}.fds; grep Cap /proc/self/status >{told}.caps; '
                  f'[ "$1" = "; touch {told}.shell" ] && echo yes >{told}.argument\n')
    bad = script(lab, "bad", "echo 'no route to the pager'; exit 3\n")
    lab.start_daemon(lab.config() + alert("good", f'command = ["{good}", "; touch {told}.shell"]') +
                     alert("bad", f'command = ["{bad}"]', 'on = ["end"]'))
    refuse(lab, 1)
    wait_until(lambda: os.path.exists(f"{told}.argument"), 10, "the command has run")
    body = json.loads(open(f"{told}.json", encoding="utf-8").read())
    assert body["messages"][0]["kind"] == "refused" and "fault1" in body["text"]
    env = dict(line.split("=", 1) for line in open(f"{told}.env", encoding="utf-8").read().splitlines())
    assert env["FLOODWALL_KIND"] == "refused" and env["FLOODWALL_SUBJECT"] == body["subject"]
    assert set(env) <= {"PATH", "PWD", "OLDPWD", "SHLVL", "_", "FLOODWALL_HOST", "FLOODWALL_KIND",
                        "FLOODWALL_ID", "FLOODWALL_TIME", "FLOODWALL_SUBJECT"}
    assert not os.path.exists(f"{told}.shell")
    caps = dict(line.split() for line in open(f"{told}.caps", encoding="utf-8"))
    assert {int(value, 16) for value in caps.values()} == {0}, caps
    fds = {int(number) for number in re.findall(r" (\d+) -> ", open(f"{told}.fds", encoding="utf-8").read())}
    assert fds <= {0, 1, 2, 3}, "3 is ls's own"
    tested = lab.cli("alert", "test", code=1).err
    assert "good: delivered" in tested and "bad: not delivered: exit status 3: no route" in tested
    assert "there are good, bad" in lab.cli("alert", "test", "nobody", code=2).err


def test_a_command_that_hangs_is_ended_with_what_it_started(lab):
    pids = lab.folder / "pids"
    hangs = script(lab, "hangs", f"echo $$ >{pids}; sleep 1000 & echo $! >>{pids}; wait\n")
    lab.start_daemon(lab.config() + alert("hangs", f'command = ["{hangs}"]'))
    began = time.monotonic()
    with netns.inside(lab.dut_ns):
        asked = subprocess.Popen([BIN / "floodwall", "alert", "test"], stderr=subprocess.PIPE, text=True)
    wait_until(lambda: pids.exists() and len(pids.read_text().split()) == 2, 10, "it has begun")
    lab.cli("apply")  # nobody waits for it
    assert time.monotonic() - began < 10
    _, said = asked.communicate(timeout=60)
    assert asked.returncode == 1 and "did not end within 30 s" in said
    for pid in pids.read_text().split():
        wait_until(lambda pid=pid: not alive(int(pid)), 5, "it is gone")


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_sendmail_gets_a_mail_that_is_right(lab):
    mail = lab.folder / "mail"
    stand_in = script(lab, "sendmail", f'printf "%s\\n" "$@" >{mail}.arguments; cat >{mail}.new; '
                      f'mv {mail}.new {mail}.text\n')
    lab.start_daemon(lab.config() + alert(
        "mail", 'mail = ["ops@example.org", "root"]', f'sendmail = "{stand_in}"'))
    refuse(lab, 1)
    wait_until(lambda: os.path.exists(f"{mail}.text"), 10, "a mail")
    with open(f"{mail}.arguments", encoding="utf-8") as file:
        assert file.read().split() == ["-i", "-f", "floodwall", "--", "ops@example.org", "root"]
    with open(f"{mail}.text", "rb") as file:
        message = email.message_from_binary_file(file, policy=email.policy.default)
    assert not message.defects
    assert [address.addr_spec for address in message["To"].addresses] == ["ops@example.org", "root"]
    assert message["Subject"].startswith("[floodwall] ") and "fault1" in message["Subject"]
    assert message["Date"].datetime and message["Auto-Submitted"] == "auto-generated"
    assert "fault1" in message.get_content()


def test_an_attack_is_told_when_it_begins_and_when_it_is_over(lab, hook):
    link = lab.link(4)
    lab.xdp_on_peer()
    with Traffic(lab, link) as traffic:
        lab.start_daemon(lab.config(tables="") + alert("hook", f'url = "{hook.url}"',
                                                       'on = ["attack", "end"]'))
        traffic.serve()
        traffic.flood([attacks.syn_fixed], 4000, 3).go().result()
        wait_until(lambda: hook.kinds()[-1:] == ["end"], 40, "its end")
    assert hook.kinds() == ["attack", "end"]
    began, over = (body["messages"][0] for _, _, body in hook.bodies)
    assert began["event"]["event_type"] == "AttackStart" and began["event"]["pps"] > 500
    assert f'{began["event"]["pps"]:,} packets/s' in began["subject"]
    assert began["event"]["id"] == over["event"]["id"] and "is over" in over["subject"]


def test_degraded_and_healthy_again_are_told_once_each_and_not_anew_after_a_restart(lab):
    kinds = lab.folder / "kinds"
    note = script(lab, "note", f'echo "$FLOODWALL_KIND" >>{kinds}\n')
    told = lambda: kinds.read_text(encoding="utf-8").split() if kinds.exists() else []
    lab.start_daemon(lab.config() + alert("note", f'command = "{note}"',
                                          'on = ["degraded", "healthy", "lists"]'))
    lab.list_file("deny.list").write_text("203.0.113.7\n0.0.0.0/0\n", encoding="utf-8")
    wait_until(lambda: told() == ["lists"], 15, "an entry that is not in force is told")
    lab.stop()
    lab.start_daemon(lab.config_file.read_text(encoding="utf-8"))
    assert problems(lab)
    pause_until(time.monotonic() + 5)  # longer than a problem has to last
    assert told() == ["lists"]
    with netns.inside(lab.dut_ns):
        subprocess.run(["ip", "link", "del", "up0"], check=True)
    wait_until(lambda: told() == ["lists", "degraded"], 15, "an interface that is gone is told")
    lab.add_uplink(0)
    lab.list_file("deny.list").write_text("203.0.113.7\n", encoding="utf-8")
    wait_until(lambda: told() == ["lists", "degraded", "healthy"], 30, "and that all is well")
