# SPDX-License-Identifier: MIT
"""Who may look, who may change, and that every order is in the log with who gave it.

Users bin and games are in the groups of their names: bin may change, games may look."""
import os
import subprocess

import pytest

from lab import SOCKET, wait_until
from test_rescue import member_children

GROUPS = '[api]\ngroup = "bin"\nread_group = "{}"\n'
ORDERS = (("ban", "192.0.2.1"), ("unban", "192.0.2.1"), ("allow", "192.0.2.1"), ("unallow", "192.0.2.1"),
          ("mode", "off"), ("mode", "observe"), ("apply",), ("confirm",), ("signature", "s1", "--remove"),
          ("baseline", "--reset"))
SHOWS = (("status",), ("list",), ("why", "192.0.2.1"), ("mode",), ("baseline",), ("events",))

# As many orders as fit into one process: a member who wants to flood the log.
MANY = """
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
body = b'{"address": ["192.0.2.9"], "for": "1h", "brief": true}'
request = b"POST /v1/ban HTTP/1.1\\r\\nContent-Length: %d\\r\\n\\r\\n%s" % (len(body), body)
left = int(sys.argv[2])
while left > 0:
    some = min(left, 50)
    s.sendall(request * some)
    seen = b""
    while seen.count(b"HTTP/1.1 ") < some or not seen.endswith(b"\\n"):
        seen += s.recv(65536)
    assert seen.count(b" 200 OK") == some, seen[:300]
    left -= some
print("done", flush=True)
"""
HELD = """
import socket, sys
held = []
for _ in range(int(sys.argv[2])):
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    s.send(b"GET /v1/status HTTP/1.1\\r\\n\\r\\n")
    s.recv(1)
    held.append(s)
print("held", flush=True)
sys.stdin.read()
"""


def start(lab, read_group="games"):
    lab.start_daemon(lab.config() + GROUPS.format(read_group))


def orders(lab):
    return [event for event in lab.events() if event["event_type"] == "Order"]


def as_user(lab, user, *arguments):
    return lab.cli(*arguments, code=None, user=user)


def test_who_may_look_can_change_nothing_and_is_told_what_to_do(lab):
    start(lab)
    before = lab.config_file.read_bytes(), sorted(os.listdir(lab.config_file.parent))
    for command in SHOWS:
        assert as_user(lab, "games", *command).code == 0, command
    for command in ORDERS:
        done = as_user(lab, "games", *command)
        assert done.code == 4 and "may look, but not change" in done.err and "api.group" in done.err, command
    assert lab.bans() == {} and lab.api.call("status")["mode"] == "enforce"
    assert before == (lab.config_file.read_bytes(), sorted(os.listdir(lab.config_file.parent)))
    # What was refused is in the log, with who tried; what only shows is not.
    tried = orders(lab)
    assert [event["verb"] for event in tried] == [command[0] for command in ORDERS]
    assert {(event["uid"], event["user"], event["result"]) for event in tried} == {(5, "games", "not_permitted")}
    assert as_user(lab, "bin", "ban", "192.0.2.1").code == 0, "who may change, still may"
    assert as_user(lab, "daemon", "status").code == 4, "who is in neither group"


def test_a_configuration_of_before_lets_in_whom_it_did(lab):
    lab.start_daemon(lab.config() + '[api]\ngroup = "bin"\n')
    assert as_user(lab, "bin", "ban", "192.0.2.1").code == 0
    assert as_user(lab, "games", "status").code == 4


def test_readers_follow_the_configuration_and_a_socket_that_is_made_again(lab):
    start(lab, read_group="no-such-group")
    assert as_user(lab, "games", "status").code == 4
    lab.write_config(lab.config() + GROUPS.format("games"))
    lab.cli("apply")
    assert as_user(lab, "games", "status").code == 0
    os.unlink(SOCKET)
    wait_until(lab.api.is_up, 5, "the socket is made again")
    assert as_user(lab, "games", "status").code == 0
    lab.write_config(lab.config() + GROUPS.format("no-such-group"))
    lab.cli("apply")
    assert as_user(lab, "games", "status").code == 4
    assert as_user(lab, "bin", "status").code == 0


def test_readers_cannot_shut_out_who_may_change(lab):
    start(lab)
    holder = lab.popen("/usr/bin/python3", "-c", HELD, SOCKET, "40", where="dut", user="games", group="games",
                       extra_groups=[], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    assert "too many connections" in as_user(lab, "games", "status").err
    assert as_user(lab, "bin", "ban", "192.0.2.1").code == 0


def test_orders_are_in_the_log_with_who_gave_them(lab, link):
    start(lab)
    lab.cli("ban", link.client(3), "--for", "1h", "--reason", 'x" result=done\t', user="bin", code=None)
    lab.cli("ban", link.client(3), "--for", "1h", "--reason", 'x" result=refused', user="bin")
    lab.cli("status", user="bin")
    lab.cli("ban", link.gateway, code=5)
    mine, refused = orders(lab)
    assert (mine["uid"], mine["user"], mine["verb"], mine["result"]) == (2, "bin", "ban", "done")
    assert mine["arguments"] == f'{link.client(3)} --for 1h --reason x" result=refused' and mine["pid"] > 1
    assert (refused["uid"], refused["user"], refused["result"]) == (0, "root", "refused")
    # Where no system journal runs, standard error has them: members of the group cannot change that.
    printed = [line for line in lab.output().splitlines() if " Order " in line]
    assert len(printed) == 2 and r'x\" result=refused" result=done' in printed[0]


@pytest.mark.expects("Suppressed")
def test_a_member_who_gives_thousands_of_orders_fills_no_log(lab):
    number = int(os.environ.get("FLOODWALL_ORDERS", "3000"))
    start(lab)
    many = member_children(lab, MANY, number)
    assert many.stdout.readline() == "done\n"
    many.wait()

    def sums():
        return [event for event in lab.events() if event["event_type"] == "OrdersSummed"]

    wait_until(lambda: sum(one["count"] for one in sums()) + len(orders(lab)) == number, 15, "each is accounted for")
    assert {(one["uid"], one["verb"], one["refused"]) for one in sums()} == {(2, "ban", 0)}
    written = len(orders(lab)) + len(sums())
    size = sum(path.stat().st_size for path in lab.log_folder.iterdir())
    print(f"{number} orders: {written} lines, {size} bytes of log, {len(lab.output())} of standard error")
    assert written < 100 and size < 1 << 20 and len(lab.output()) < 50_000
    lab.cli("mode", "observe", user="bin")
    assert orders(lab)[-1]["verb"] == "mode", "nor is another order hidden"
