# SPDX-License-Identifier: MIT
"""Nobody locks himself out: what keeps this host on the net is exempt without being listed."""
import time

import pytest

import netns
import wire
from lab import QUIET, Lab, pause_until, wait_until
from ssh import SshServer
from tap import passed

STRICT = '[limit.default]\nudp = { limit = "20/s", ban_at = "50/s" }\n'
DNS = {4: "10.9.0.53", 6: "fd09:0:0:53::53"}
DHCP = "10.9.0.67"


@pytest.fixture(scope="module")
def standing():
    with Lab() as lab:
        lab.resolv_conf(f"nameserver {DNS[4]}\nnameserver {DNS[6]}\n")
        leases = netns.lease_folder()
        (leases / "2").write_text(f"SERVER_ADDRESS={DHCP}\nADDRESS=10.9.0.2\n")
        lab.start_daemon(lab.config(tables=STRICT))
        yield lab


def exempt_addresses(lab, family):
    link = lab.link(family)
    addresses = {"own": link.dut, "gateway": link.gateway, "dns": DNS[family]}
    if family == 4:
        addresses["dhcp"] = DHCP
    return addresses


@pytest.mark.parametrize("who, words", [("own", "own"), ("gateway", "gateway"), ("dns", "DNS"),
                                        ("dhcp", "DHCP")])
def test_ban_of_an_exempt_address_is_refused_and_says_why(standing, family, who, words):
    address = exempt_addresses(standing, family).get(who)
    if address is None:  # the DHCP server is an IPv4 address
        address = f"::ffff:{DHCP}"
    printed = standing.cli("ban", address, code=5).err
    assert printed.startswith("refused: ")
    assert words in printed and "--force" in printed
    assert standing.bans() == {}


def test_ban_of_a_prefix_that_holds_an_exempt_address_is_refused(standing, family):
    prefix = "10.9.0.0/24" if family == 4 else "fd09::/64"
    printed = standing.cli("ban", prefix, code=5).err
    assert prefix in printed
    assert standing.bans() == {}


@pytest.mark.parametrize("special", ["0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255",
                                     "169.254.1.1", "::", "::1", "ff02::1", "fe80::1", "0.0.0.0/0",
                                     "::/0"])
def test_what_is_never_a_source_is_refused_even_with_force(standing, special):
    standing.cli("ban", special, code=5)
    standing.cli("ban", special, "--force", code=5)
    assert standing.bans() == {}


def test_one_refused_address_of_many_means_that_none_is_banned(standing, family):
    link = standing.link(family)
    standing.cli("ban", link.client(7), link.gateway, link.client(8), code=5)
    assert standing.bans() == {}


def test_flood_from_an_exempt_address_is_neither_limited_nor_banned(standing, family):
    """Below the 500/s that all exempt addresses have together (abuse of their names is a policy test)."""
    link = standing.link(family)
    for who, address in exempt_addresses(standing, family).items():
        if who == "own":
            continue
        flood = wire.copies(wire.udp(link, address, link.dut), 300)
        with standing.tap() as tap, standing.sender() as out:
            assert len(passed(out, tap, flood, rate=400)) == 300, who
    assert standing.bans() == {}


def test_exemptions_are_shown_with_their_reason(standing, family):
    shown = {entry["address"]: entry["why"]
             for entry in standing.api.call("list", what=["exempt"])["exempt"]}
    for who, address in exempt_addresses(standing, family).items():
        assert address in shown, who
        assert standing.cli("why", address).out
    answer = standing.ask("why", standing.link(family).gateway)["answers"][0]
    assert answer["verdict"] == "pass"
    assert "exempt" in answer["headline"].lower() + answer["reason"]


def test_forced_ban_of_the_gateway_holds_and_ends_with_the_exemption_back(lab, link):
    lab.start_daemon(lab.config(tables=STRICT))
    frame = wire.udp(link, link.gateway, link.dut)
    lab.cli("ban", link.gateway, "--force", "--for", "1h")
    assert not lab.comes_through(frame)
    lab.cli("unban", link.gateway)
    assert len(lab.passed(wire.copies(frame, 200))) == 200


@pytest.mark.xdp_only("the tables of nfqueue end with its daemon")
def test_forced_ban_outlives_the_daemon(lab, link):
    lab.start_daemon(lab.config(tables=STRICT))
    frame = wire.udp(link, link.gateway, link.dut)
    lab.cli("ban", link.gateway, "--force", "--for", "1h")
    lab.kill9()
    lab.start_daemon(lab.config(tables=STRICT))
    assert not lab.comes_through(frame)
    lab.cli("unban", link.gateway)
    assert len(lab.passed(wire.copies(frame, 200))) == 200


def test_each_exemption_can_be_switched_off(lab, link):
    lab.start_daemon(lab.config(tables=QUIET + "[exempt]\ngateway = false\n"))
    lab.cli("ban", link.gateway)
    assert not lab.comes_through(wire.udp(link, link.gateway, link.dut))
    lab.cli("ban", link.dut, code=5)


def test_operators_ssh_session_is_exempt_by_itself(lab, link):
    operator, other = link.client(3), link.client(4)
    with SshServer(lab) as server:
        session = server.login(link, operator)
        lab.start_daemon(lab.config(tables=STRICT))
        printed = lab.cli("ban", operator, code=5).err
        assert "SSH" in printed
        flood = wire.copies(wire.udp(link, operator, link.dut), 300)
        assert len(lab.passed(flood)) == 300
        assert server.is_alive(session)
        late = server.login(link, other)
        wait_until(lambda: lab.cli("ban", other, code=None).code == 5, 20,
                   "a session opened later is exempt too")
        assert server.is_alive(late)
        session.kill()
        late.kill()


NO_SESSIONS = "[exempt]\noperator_sessions = false\n"
CLOSED = '[[service]]\nname = "ssh"\nport = "tcp/22"\naction = "drop"\n'
# What would cut the operator off: top-level keys, tables, deny.list, words of the refusal with a session and
# without one (None: it is spared, or cuts nobody off who is known).
CUTS = {
    "deny_everything": ("", NO_SESSIONS, "0.0.0.0/0\n::/0\n", None, None),
    "deny_all_halves": ("", NO_SESSIONS, "0.0.0.0/1\n128.0.0.0/1\n::/1\n8000::/1\n", "deny.list:", "deny.list:"),
    "deny_its_network": ("", NO_SESSIONS, "10.9.1.0/24\nfd09:0:0:3::/64\n", "operator_sessions = false", None),
    "spared_by_exemption": ("", "", "10.9.1.0/24\nfd09:0:0:3::/64\n", None, None),
    "close_ssh": ("", NO_SESSIONS + CLOSED, "", 'service "ssh"', 'service "ssh"'),
    "one_packet_of_peers": ("", NO_SESSIONS + '[limit.default]\npackets = { limit = "1/s", peers = true }\n', "",
                            "limit.default.packets", "limit.default.packets"),
    "close_own_ports": ("", '[[service]]\nname = "high"\nport = "tcp/32768-60999"\naction = "drop"\n', "",
                        'service "high"', 'service "high"'),
    "no_such_interface": ('interface = "eth9"\n', "", "", "there is no such interface", "there is no such interface"),
}


@pytest.mark.expects("ReloadFailed", "ListProblem")
@pytest.mark.parametrize("with_session", [True, False], ids=["session", "no-session"])
def test_apply_that_would_cut_the_operator_off_is_refused_or_spares_him(lab, link, with_session):
    operator = link.client(3)
    good = lab.config()
    with SshServer(lab) as server:
        session = server.login(link, operator) if with_session else None
        lab.start_daemon(good)
        for name, (top, tables, deny, *words) in CUTS.items():
            lab.list_file("deny.list").write_text(deny)
            lab.write_config(lab.config(top, QUIET.replace("[limit.default]", "[limit.prefix]") + tables))
            wanted = words[0 if with_session else 1]
            done = lab.cli("apply", "--accept", code=0 if wanted is None else 5)
            if wanted is not None:
                assert wanted in done.err and "--force" in done.err, (name, done.err)
                assert "floodwall.toml:" in done.err or "deny.list:" in done.err, (name, done.err)
            if session:
                assert server.is_alive(session), name
            if session and wanted is None:
                server.login(link, operator).kill()
            assert any(i["attachment"] != "none" for i in lab.api.call("status")["interfaces"]), name
        lab.write_config(lab.config("", CLOSED))
        lab.reload()  # SIGHUP is refused just so
        assert len(lab.log_lines("ReloadFailed")) > 0
        lab.cli("apply", "--force")
        lab.list_file("deny.list").write_text("")
        lab.write_config(good)
        lab.cli("apply", "--accept")
        assert lab.api.call("status")["healthy"]
        if session:
            session.kill()


@pytest.mark.expects("ReloadFailed", "ListProblem")
def test_check_and_mode_enforce_say_what_apply_would(lab, link):
    with SshServer(lab) as server:
        lab.list_file("deny.list").write_text("198.51.100.1\n198.51.100.2\n198.51.100.3\n")
        lab.start_daemon()
        lab.list_file("deny.list").unlink()
        said = lab.cli("check").out
        assert "is valid" in said and "deny.list is stale: the file is gone" in said
        lab.write_config(lab.config("", QUIET + CLOSED))
        said = lab.cli("check", code=5).err
        assert "apply would refuse" in said and 'service "ssh"' in said and "floodwall.toml:" in said
        lab.cli("mode", "observe")
        lab.cli("apply", "--force")  # the configuration says enforce
        assert not server.can_log_in(link, link.client(3))
        for everything_passes in ("observe", "off"):
            lab.cli("mode", everything_passes)
            said = lab.cli("mode", "enforce", code=5).err
            assert 'service "ssh"' in said and "--force" in said
            assert lab.api.call("status")["mode"] == everything_passes
            server.login(link, link.client(3)).kill()
        lab.cli("mode", "enforce", "--force")
        assert not server.can_log_in(link, link.client(3))


@pytest.mark.expects("ReloadFailed", "ListProblem")
def test_start_with_what_apply_refuses_uses_the_former_configuration(lab, link):
    with SshServer(lab) as server:
        lab.start_daemon()
        lab.kill9()
        lab.start_daemon(lab.config("", QUIET + CLOSED))
        problems = " ".join(lab.api.call("status")["problems"])
        assert "not in force" in problems and 'service "ssh"' in problems
        server.login(link, link.client(3)).kill()
        lab.cli("apply", code=5)
        lab.cli("apply", "--force")
        lab.kill9()
        lab.start_daemon()  # what was forced is in force after a restart
        assert "would be cut off" in " ".join(lab.api.call("status")["problems"])


def test_unconfirmed_configuration_is_taken_back_whatever_happens_meanwhile(lab, link):
    """With the client killed, and the daemon killed and started again in between."""
    frame = wire.udp(link, link.client(3), link.dut, dport=7777)
    closed = QUIET + '[[service]]\nname = "game"\nport = "udp/7777"\naction = "drop"\n'
    lab.start_daemon()
    lab.cli("confirm", code=1)
    lab.write_config(lab.config("", closed))
    lab.cli("apply", "--confirm", "1h")
    assert not lab.comes_through(frame)
    assert "not confirmed" in " ".join(lab.api.call("status")["problems"])
    lab.cli("confirm")
    assert lab.api.call("status")["healthy"]
    lab.write_config(lab.config())
    lab.cli("apply")

    for restart in (False, True):
        lab.write_config(lab.config("", closed))
        lab.cli("apply", "--confirm", "3s")
        assert not lab.comes_through(frame)
        if restart:
            lab.kill9()
            lab.start_daemon()
        wait_until(lambda: lab.comes_through(frame), 15, "the former configuration is back")
        assert "not confirmed" in " ".join(lab.api.call("status")["problems"])
        lab.cli("confirm", code=1)
        lab.kill9()
        lab.start_daemon()  # and it stays so
        assert lab.comes_through(frame)
        lab.cli("apply")  # the operator means it
        assert not lab.comes_through(frame)
        lab.write_config(lab.config())
        lab.cli("apply")
        assert lab.api.call("status")["healthy"]

    lab.write_config(lab.config("", closed))
    lab.cli("apply", "--confirm", "1s")
    lab.kill9()  # until after the deadline
    pause_until(time.monotonic() + 1.5)
    lab.start_daemon()
    assert lab.comes_through(frame)


def test_new_gateway_and_resolver_are_followed(lab, link):
    new = "10.9.0.77" if link.family == 4 else "fd09::77"
    lab.start_daemon()
    lab.cli("ban", new)
    assert not lab.comes_through(wire.udp(link, new, link.dut))
    route = "default" if link.family == 4 else "::/0"
    lab.run("ip", "route", "replace", route, "via", new, where="dut")
    wait_until(lambda: new not in lab.bans(), 10, "the ban of the new gateway is lifted")
    assert lab.comes_through(wire.udp(link, new, link.dut))
    lab.cli("ban", new, code=5)
    lab.resolv_conf(f"nameserver {link.client(9)}\n")
    wait_until(lambda: lab.cli("ban", link.client(9), code=None).code == 5, 10, "the new resolver")


def test_new_own_address_is_followed(lab, link):
    new = "10.9.0.99" if link.family == 4 else "fd09::99"
    lab.start_daemon()
    prefix = "/24" if link.family == 4 else "/64"
    lab.run("ip", "address", "add", new + prefix, "dev", "up0", where="dut")
    wait_until(lambda: lab.cli("ban", new, code=None).code == 5, 10, "the new address is exempt")
    lab.run("ip", "address", "del", new + prefix, "dev", "up0", where="dut")
    wait_until(lambda: new not in {entry["address"] for entry in
                                   lab.api.call("list", what=["exempt"])["exempt"]}, 10, "it is gone")


@pytest.mark.expects("ReloadFailed")
def test_exit_codes_mean_what_the_manual_says(lab, link):
    lab.cli("status", code=3)
    lab.start_daemon()
    lab.cli("status", code=0)
    lab.cli("unban", link.client(3), "--strict", code=1)
    printed = lab.cli("baan", link.client(3), code=2).err
    assert "ban" in printed
    lab.cli("ban", code=2)
    lab.cli("ban", "10.9.1.300", code=2)
    lab.cli("ban", link.client(3), "--for", "soon", code=2)
    lab.cli("ban", "10.9.1.3/24", code=2)
    lab.cli("status", code=4, user=65534)
    lab.cli("ban", link.client(3), code=4, user=65534)
    lab.cli("ban", link.gateway, code=5)
    lab.write_config("mode = 1\n")
    lab.cli("check", code=6)
    lab.cli("apply", code=6)
    assert lab.bans() == {}


def test_why_explains_a_ban_and_how_to_lift_it(lab, link):
    lab.start_daemon()
    lab.cli("ban", link.client(3), "--for", "10m", "--reason", "sends too much")
    printed = lab.cli("why", link.client(3)).out
    assert "BANNED until" in printed and "sends too much" in printed
    assert f"floodwall unban {link.client(3)}" in printed
    assert f"floodwall allow {link.client(3)}" in printed
    assert "BANNED" not in lab.cli("why", link.client(4)).out
