# SPDX-License-Identifier: MIT
"""The web page of a daemon that is being flooded, asked as a browser asks: log in, watch, lift a ban."""
import http.client
import json
import random
import ssl
import subprocess
import time

import pytest

import netns
from lab import Lab
from traffic import Traffic

import packets

pytestmark = pytest.mark.expects("AttackStart", "AttackVector", "Suppressed", "Suffering", "ReloadFailed")
PORT, OWN = 8870, "http://127.0.0.1:8870"
WEB = f'[web]\nlisten = "127.0.0.1:{PORT}"\n'
SOURCE = "10.200.0.9"


class Browser:
    def __init__(self, lab, port=PORT, tls=None, address="127.0.0.1"):
        self.lab, self.port, self.tls, self.address, self.cookie = lab, port, tls, address, None

    def connect(self):
        with netns.inside(self.lab.dut_ns):
            made = (http.client.HTTPSConnection(self.address, self.port, timeout=20, context=self.tls) if self.tls
                    else http.client.HTTPConnection(self.address, self.port, timeout=20))
            made.connect()
        return made

    def open(self, method, path, body=None, **headers):
        scheme = "https" if self.tls else "http"
        sent = {"Origin": f"{scheme}://{self.address}:{self.port}", "Content-Type": "application/json"} if method == "POST" else {}
        if self.cookie:
            sent["Cookie"] = self.cookie
        connection = self.connect()
        connection.request(method, path, None if body is None else json.dumps(body),
                           sent | {name.replace("_", "-"): value for name, value in headers.items()})
        return connection.getresponse()

    def ask(self, method, path, body=None, **headers):
        reply = self.open(method, path, body, **headers)
        text = reply.read()
        return reply.status, json.loads(text) if reply.headers["Content-Type"] == "application/json" else text

    def log_in(self, token):
        reply = self.open("POST", "/login", {"token": token})
        if reply.status == 200:
            self.cookie = reply.headers["Set-Cookie"].split(";")[0]
        return reply.status


@pytest.fixture(scope="module")
def page():
    with Lab() as lab:
        link = lab.link(4)
        lab.xdp_on_peer()
        with Traffic(lab, link) as traffic:
            lab.start_daemon(lab.config(tables="") + WEB)
            traffic.serve()
            yield lab, traffic, lab.ask("web", "token")["token"]


def snapshots(reply):
    """The events of a stream: (name, value)."""
    name = None
    for line in reply:
        line = line.decode().rstrip("\n")
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def test_without_login_there_is_nothing(page):
    lab, _, token = page
    browser = Browser(lab)
    assert browser.ask("GET", "/")[0] == 200
    for path in ("/v1/status", "/v1", "/stream", "/session"):
        assert browser.ask("GET", path)[0] == 401, path
    assert browser.ask("POST", "/v1/ban", {"address": [SOURCE]})[0] == 401
    assert token not in lab.output() and token not in (lab.state / "web-tokens").read_text()
    assert (lab.state / "web-tokens").stat().st_mode & 0o777 == 0o600


def test_foreign_pages_and_foreign_names_are_refused(page):
    lab, _, token = page
    browser = Browser(lab)
    assert browser.ask("GET", "/", Host="evil.example")[0] == 421
    assert browser.log_in(token) == 200
    ban = ("POST", "/v1/ban", {"address": [SOURCE]})
    assert browser.ask(*ban, Origin="http://evil.example")[0] == 403
    assert browser.ask(*ban, Content_Type="text/plain")[0] == 403
    assert SOURCE not in lab.bans()


def test_an_attack_is_watched_and_a_ban_lifted(page):
    lab, traffic, token = page
    browser = Browser(lab)
    assert browser.log_in(token) == 200
    assert browser.ask("POST", "/v1/ban", {"address": [SOURCE], "for": "1h"})[0] == 200
    assert SOURCE in lab.bans()
    assert f"Order web=127.0.0.1 verb=ban arguments=\"{SOURCE} --for 1h\" result=done" in lab.output()

    def from_many(target, rng):
        def make():
            source = packets.address(f"10.201.{rng.randrange(250)}.{rng.randrange(1, 250)}")
            return [packets.udp(source, target, 4000, 9999, rng.randbytes(40))]
        return make

    flood = traffic.flood([from_many], 4000, 4).go()
    seen = []
    for name, value in snapshots(browser.open("GET", "/stream")):
        if name == "snapshot":
            seen.append(value)
        if value and name == "snapshot" and value.get("point") and value["point"]["in"] > 1000 and value["status"]["attack"]:
            break
        assert len(seen) < 15, seen[-1]
    flood.result()
    assert browser.ask("POST", "/v1/unban", {"address": [SOURCE]})[0] == 200
    assert SOURCE not in lab.bans()


def test_wrong_tokens_are_limited(page):
    lab, _, token = page
    browser = Browser(lab, address="127.0.0.1")
    codes = [browser.log_in("wrong") for _ in range(7)]
    assert codes == [403] * 5 + [429] * 2
    assert Browser(lab).log_in(token) == 429


def slow_reader(browser):
    """Asks for 5 MB and reads nothing; returns a function that says how much came, with the connection closed."""
    connection, asked = browser.connect().sock, 100
    connection.sendall(b"".join(b"GET /uplot.js HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: " + browser.cookie.encode() + b"\r\n\r\n"
                                for _ in range(asked)))
    began = time.monotonic()

    def came():
        time.sleep(max(0, began + 12 - time.monotonic()))  # it is dropped after ten seconds
        connection.settimeout(5)
        size = 0
        try:
            while more := connection.recv(1 << 20):
                size += len(more)
        except ConnectionError:
            pass
        return size
    return came


def test_fifty_viewers_cost_little_and_a_token_to_look_changes_nothing(page):
    lab, _, _ = page
    token = lab.ask("web", "token", "--read")["token"]  # forgets nobody's tries, but ends the sessions
    lab.write_config(lab.config(tables="") + WEB.replace("8870", "8871"))
    lab.cli("apply")
    browser = Browser(lab, port=8871)
    assert browser.log_in(token) == 200
    assert browser.ask("POST", "/v1/ban", {"address": [SOURCE]})[0] == 403
    streams = [browser.open("GET", "/stream") for _ in range(50)]
    each = [snapshots(stream) for stream in streams]
    def cpu_s():
        fields = open(f"/proc/{lab.daemon.pid}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100
    before, began = cpu_s(), time.monotonic()
    for _ in range(3):
        for one in each:
            assert next(one)[0] in ("history", "snapshot")
    share = (cpu_s() - before) / (time.monotonic() - began)
    print(f"{share:.3f} of a CPU with 50 viewers")
    assert share < 0.5


def test_strangers_displace_each_other_and_never_who_has_logged_in(page):
    lab, _, _ = page
    token = lab.ask("web", "token")["token"]
    browser = Browser(lab, port=8871)
    assert browser.log_in(token) == 200
    stream = snapshots(browser.open("GET", "/stream"))
    assert next(stream)[0] == "history"
    came = slow_reader(browser)
    idle = [Browser(lab, port=8871).connect() for _ in range(100)]
    assert browser.ask("GET", "/v1/status")[0] == 200
    assert Browser(lab, port=8871).log_in(token) == 200
    for _ in range(3):
        assert next(stream)[0] == "snapshot"
    oldest = idle[0].sock
    oldest.settimeout(10)
    assert oldest.recv(1) == b""
    assert came() < 50 * 51_081
    too_long = Browser(lab, port=8871)
    assert too_long.open("POST", "/login", {"token": "x" * 2000}).status == 413
    assert too_long.open("GET", "/", **{"X-Long": "x" * 10_000}).status == 431


def test_tls_is_asked_for_where_others_come(page):
    lab, _, _ = page
    exposed = '[web]\nlisten = "0.0.0.0:8872"\n'
    lab.write_config(lab.config(tables="") + exposed)
    assert "web.certificate" in lab.cli("apply", code=6).err
    pem = lab.folder / "page.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=page", "-keyout", pem, "-out", f"{pem}.crt"], check=True, capture_output=True)
    lab.write_config(lab.config(tables="") + exposed + f'certificate = "{pem}.crt"\nkey = "{pem}"\n')
    lab.cli("apply")
    token = lab.ask("web", "token")["token"]
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    browser = Browser(lab, port=8872, tls=context, address="10.9.0.2")
    assert browser.log_in(token) == 200 and browser.cookie.startswith("__Host-")
    assert browser.ask("GET", "/v1/status")[1]["mode"] == "enforce"
    assert [row for row in browser.ask("GET", "/v1/settings")[1]["settings"] if row["key"] == "web.listen"][0]["place"]
    name, _ = next(snapshots(browser.open("GET", "/stream")))
    assert name == "history"
