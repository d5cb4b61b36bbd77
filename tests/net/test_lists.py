# SPDX-License-Identifier: MIT
"""Allow and deny lists: files that people edit, and entries that are really in force."""
import ipaddress
import random
import time

import pytest

import wire
from lab import QUIET, wait_until
from tap import Prober, everything

FAMILY_WORDS = {4: ("10.30", "/32"), 6: ("fd30:0:0", "/128")}


def address(family, number):
    return f"10.30.{number >> 8}.{number & 255}" if family == 4 else f"fd30:0:0:{number:x}::1"


def from_each(link, sources):
    return {source: wire.udp(link, source, link.dut) for source in sources}


def through(lab, frames):
    """Which of the sources got through."""
    marks = set(lab.passed(list(frames.values())))
    return [source for source, (_, mark) in frames.items() if mark in marks]


def test_deny_list_in_every_notation_is_in_force_from_the_start(lab, family):
    link = lab.link(family)
    a, b, c, d, e, free = (address(family, n) for n in (0x101, 0x202, 0x303, 0x404, 0x505, 0x606))
    wide = "10.31.0.0/16" if family == 4 else "fd31::/32"
    inside = "10.31.200.9" if family == 4 else "fd31:0:9999::9"
    end = "10.30.3.9" if family == 4 else "fd30:0:0:303::9"
    last, after = (("10.30.3.9", "10.30.3.10") if family == 4
                   else ("fd30:0:0:303::9", "fd30:0:0:303::a"))
    lab.list_file("deny.list").write_text(
        f"# comment\n\n{a}\n  {b}   # trailing\r\n{c}-{end}\n; another comment\n"
        f"add blocked {d}\n{wide}\n{e}{FAMILY_WORDS[family][1]}\n")
    lab.start_daemon()
    frames = from_each(link, [a, b, c, d, e, inside, last, after, free])
    assert through(lab, frames) == [after, free]
    assert lab.count("deny") == 7


def test_bad_line_is_named_and_skipped_and_the_rest_is_in_force(lab, link):
    good = [address(link.family, n) for n in (1, 2)]
    lab.list_file("deny.list").write_text(f"{good[0]}\nnot an address\n10.0.0.300\n{good[1]}\n")
    lab.start_daemon()
    assert through(lab, from_each(link, good)) == []
    problems = " ".join(lab.api.call("status")["problems"])
    assert "deny.list:2" in problems
    lab.wait_for_log("ListProblem", r"deny\.list:3")
    lab.cli("status")


@pytest.mark.expects("ListProblem")  # if the emptied file is noticed before --accept
def test_removed_entries_are_really_removed(lab, link):
    one, two, free = (address(link.family, n) for n in (1, 2, 3))
    frames = from_each(link, [one, two, free])
    lab.list_file("deny.list").write_text(f"{one}\n{two}\n")
    lab.start_daemon()
    assert through(lab, frames) == [free]
    lab.list_file("deny.list").write_text(f"{two}\n")
    lab.cli("apply")
    assert through(lab, frames) == [one, free]
    lab.list_file("deny.list").write_text("")
    lab.cli("apply", "--accept")
    assert through(lab, frames) == [one, two, free]
    assert lab.api.call("list", what=["deny"])["deny"] == []


def test_edited_list_file_is_noticed_by_itself(lab, link):
    one, two = (address(link.family, n) for n in (1, 2))
    frames = from_each(link, [one, two])
    lab.start_daemon()
    assert through(lab, frames) == [one, two]
    file = lab.list_file("deny.list")
    file.write_text(f"{one}\n")
    wait_until(lambda: through(lab, frames) == [two], 10, "the new deny.list is in force")
    swap = file.with_name("deny.new")  # as editors do it
    swap.write_text(f"{two}\n")
    swap.rename(file)
    wait_until(lambda: through(lab, frames) == [one], 10, "the replaced deny.list is in force")


@pytest.mark.expects("ListProblem")
def test_list_that_is_no_list_any_more_stays_in_force_until_it_is_accepted(lab, link):
    """An error page, an empty file, a folder, no file: whole or not at all, and over a restart."""
    one, two, free = (address(link.family, n) for n in (1, 2, 3))
    frames = from_each(link, [one, two, free])
    file = lab.list_file("deny.list")
    file.write_text(f"{one}\n{two}\n")
    lab.start_daemon()
    assert lab.api.call("status")["stale"] == []

    def page():
        file.write_text(f"<html><body>\n<h1>502 Bad Gateway</h1>\n{free}\n")

    def folder():
        file.unlink()
        file.mkdir()

    for spoil, restart in ((page, True), (lambda: file.write_text(""), False),
                           (folder, False), (file.rmdir, True)):
        spoil()
        if restart:
            lab.kill9()
            lab.start_daemon()
        wait_until(lambda: lab.api.call("status")["stale"] == ["deny.list"], 10, "it is stale")
        status = lab.api.call("status")
        assert not status["healthy"] and "apply --accept" in " ".join(status["problems"])
        lab.cli("apply")
        assert through(lab, frames) == [free]
    file.write_text(f"{free}\n")
    wait_until(lambda: lab.api.call("status")["stale"] == [], 10, "half of its entries are there")
    assert through(lab, frames) == [one, two]
    file.unlink()
    lab.cli("apply", "--accept")
    assert through(lab, frames) == [one, two, free]
    lab.kill9()
    lab.start_daemon()
    assert through(lab, frames) == [one, two, free]
    assert lab.api.call("status")["stale"] == []


def test_formats_of_feeds_are_in_force_and_a_timeout_ends(lab):
    link = lab.link(4)
    lab.list_file("deny.list").write_bytes(
        ("10.30.1.77/24\n10.30.2.0/255.255.255.0\n10.30.3.0 255.255.255.0\n"
         "10.30.4.0\t10.30.4.255\t24\t3200\tSOME-NET\tNL\tabuse@example.com\n"
         "add feed 10.30.5.5 timeout 3\n").encode("utf-16"))
    lab.start_daemon()
    sources = [f"10.30.{n}.5" for n in range(1, 7)]
    frames = from_each(link, sources)
    assert through(lab, frames) == ["10.30.6.5"]
    wait_until(lambda: through(lab, frames) == ["10.30.5.5", "10.30.6.5"], 10, "the timeout ends")
    assert lab.api.call("status")["counts"]["deny_entries"] == 4


@pytest.mark.expects("ListProblem")
def test_entries_that_hold_own_networks_are_refused_with_their_place(lab, link):
    own = "10.9.0.0/24" if link.family == 4 else "fd09::/64"
    everything_of = "0.0.0.0/0" if link.family == 4 else "::/0"
    free = address(link.family, 1)
    lab.list_file("deny.list").write_text(f"{everything_of}\n{own}\n{link.gateway}\n{free}\n")
    lab.start_daemon(lab.config(tables=QUIET + "[exempt]\ngateway = false\n"))
    frames = from_each(link, [free, link.gateway, address(link.family, 2)])
    assert through(lab, frames) == [link.gateway, address(link.family, 2)]
    problems = " ".join(lab.api.call("status")["problems"])
    for line, words in ((1, "every"), (2, "holds your default gateway"), (3, "default gateway")):
        assert f"deny.list:{line}: " in problems and words in problems
    lab.cli("allow", everything_of, code=5)


@pytest.mark.expects("ListProblem")
def test_feeds_by_glob_are_lists_too(lab, link):
    one, two = (address(link.family, n) for n in (1, 2))
    frames = from_each(link, [one, two])
    feeds = lab.list_file("feeds")
    feeds.mkdir()
    (feeds / "first.netset").write_text(f"{one}\n")
    (feeds / "ignored.txt").write_text(f"{two}\n")
    lab.start_daemon(lab.config(tables='[lists]\ndeny = ["deny.list", "feeds/*.netset"]\n'))
    assert through(lab, frames) == [two]
    (feeds / "second.netset").write_text(f"{two}\n")
    lab.cli("apply")
    assert through(lab, frames) == []
    (feeds / "first.netset").unlink()
    lab.cli("apply", "--accept")
    assert through(lab, frames) == [one]


def test_allow_list_wins_over_deny_list_ban_and_limit(lab, link):
    friend, other = link.client(3), link.client(4)
    lab.list_file("deny.list").write_text(f"{friend}\n{other}\n")
    lab.list_file("allow.list").write_text(f"{friend}  # the monitoring host\n")
    lab.start_daemon(lab.config(tables='[limit.default]\nudp = { limit = "20/s", ban_at = "50/s" }\n'))
    assert through(lab, from_each(link, [friend, other])) == [friend]
    flood = wire.copies(wire.udp(link, friend, link.dut), 300)
    assert len(lab.passed(flood)) == 300
    lab.cli("ban", friend, code=5)
    assert lab.comes_through(flood[0])


def test_forced_ban_suspends_the_allow_list_until_it_ends(lab, link):
    friend, other = link.client(3), link.client(4)
    lab.list_file("allow.list").write_text(f"{friend}\n{other}\n")
    lab.start_daemon()
    lab.cli("ban", friend, "--force")
    assert through(lab, from_each(link, [friend, other])) == [other]
    lab.cli("unban", friend)
    lab.list_file("deny.list").write_text(f"{friend}\n")
    lab.cli("apply")
    assert through(lab, from_each(link, [friend, other])) == [friend, other]


def test_allow_lifts_a_live_ban_at_once(lab, link):
    source = link.client(3)
    frame = wire.udp(link, source, link.dut)
    lab.start_daemon()
    lab.cli("ban", source)
    assert not lab.comes_through(frame)
    lab.cli("allow", source, "--comment", "a friend")
    assert lab.comes_through(frame)
    assert lab.bans() == {}
    lab.wait_for_log("Unban", "reason=allowed")
    lines = lab.list_file("allow.list").read_text().splitlines()
    assert [line for line in lines if line.startswith(source) and "a friend" in line]
    lab.cli("unallow", source)
    assert source not in lab.list_file("allow.list").read_text()
    lab.cli("ban", source)
    assert not lab.comes_through(frame)


def test_unallow_of_the_last_entry_is_no_loss_of_entries(lab, link):
    """The file is read again by itself after the edit, and an emptied one keeps its last version in force."""
    friend, other = link.client(3), address(link.family, 2)
    lab.list_file("allow.list").write_text(f"{friend}\n")
    lab.list_file("deny.list").write_text("203.0.113.1\n")
    lab.start_daemon()
    lab.cli("unallow", friend)
    # Read after it, since changes come into force in their order.
    lab.list_file("deny.list").write_text(f"203.0.113.1\n{other}\n")
    frames = from_each(link, [other])
    wait_until(lambda: through(lab, frames) == [], 10, "the new deny.list is in force")
    assert lab.api.call("list", what=["allow"])["allow"] == []
    assert not lab.api.call("status")["problems"]


def test_allow_of_a_prefix_lifts_the_bans_in_it(lab, link):
    inside, outside = link.client(3), address(link.family, 9)
    prefix = "10.9.1.0/24" if link.family == 4 else "fd09::/48"
    lab.start_daemon()
    lab.cli("ban", inside, outside)
    lab.cli("allow", prefix, "--for", "1h")
    frames = from_each(link, [inside, outside])
    assert through(lab, frames) == [inside]
    assert list(lab.bans()) == [outside]


def test_allow_for_a_while_ends_by_itself(lab, link):
    source = link.client(3)
    lab.list_file("deny.list").write_text(f"{source}\n")
    lab.start_daemon()
    frame = wire.udp(link, source, link.dut)
    lab.cli("allow", source, "--for", "1s")
    assert lab.comes_through(frame)
    wait_until(lambda: not lab.comes_through(frame), 5, "the allowance ends")
    assert not lab.list_file("allow.list").exists() or \
        source not in lab.list_file("allow.list").read_text()


def test_edits_keep_every_other_line(lab, link):
    before = "# my hosts\n\n192.0.2.1   # office\n2001:db8::/32\n# end\n"
    file = lab.list_file("allow.list")
    file.write_text(before)
    lab.start_daemon()
    lab.cli("allow", link.client(3))
    assert file.read_text().startswith(before)
    lab.cli("unallow", link.client(3))
    assert file.read_text() == before
    lab.cli("unallow", "192.0.2.1")
    assert file.read_text() == before.replace("192.0.2.1   # office\n", "")


def test_no_packet_sees_a_half_loaded_list(lab, link):
    """While a list is swapped for another again and again, an entry of both never comes through."""
    always = address(link.family, 0x4242)
    versions = [[address(link.family, n) for n in range(first, 20_000, 2)] for first in (1, 2)]
    file, beside = lab.list_file("deny.list"), lab.list_file("deny.new")
    text = ["\n".join([*version, always]) for version in versions]
    file.write_text(text[0])
    lab.start_daemon()
    frame, innocent = (wire.udp(link, source, link.dut) for source in (always, link.client(3)))
    tap = lab.tap()
    with Prober(lab.sender(), lambda mark: frame[0].replace(frame[1], mark), 0.001) as denied, \
            Prober(lab.sender(), lambda mark: innocent[0].replace(innocent[1], mark), 0.001) as free:
        swaps = 0
        while swaps < 10 or swaps % 2 or len(denied.sent()) < 200:
            swaps += 1
            beside.write_text(text[swaps % 2])  # else the watch may read what is half written
            beside.rename(file)
            lab.cli("apply")
        denied.close()
        free.close()
        through_now = set(everything(lab.sender(), tap))
    assert not through_now & {mark for _, mark in denied.sent()}
    assert {mark for _, mark in free.sent()} <= through_now
    one, two = versions[0][0], versions[1][0]
    assert through(lab, from_each(link, [one, two])) == [two]


MILLION = 1_000_000


def prefixes(family, random_source):
    """A million distinct prefixes: half of them single addresses, half of them networks."""
    size, spread = (32, [20, 22, 24, 24, 28, 30]) if family == 4 else (128, [32, 40, 48, 56, 64, 96])
    found = set()
    while len(found) < MILLION:
        bits = size if len(found) % 2 else random_source.choice(spread)
        top = random_source.getrandbits(29) + 0x0b000000 if family == 4 else \
            (0x2a << 120) | random_source.getrandbits(120)
        found.add((top >> (size - bits) << (size - bits), bits))
    return list(found)


def peak_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))


@pytest.mark.expects("ListProblem")
def test_million_prefixes_are_loaded_and_in_force(lab, link):
    family, chance = link.family, random.Random(7)
    kind = ipaddress.IPv4Address if family == 4 else ipaddress.IPv6Address
    entries = prefixes(family, chance)
    size = kind(0).max_prefixlen
    lab.list_file("deny.list").write_text("\n".join(f"{kind(top)}/{bits}" for top, bits in entries))
    lab.start_daemon(lab.config(tables='[lists]\ndeny = []\n'))
    start = time.monotonic()
    lab.write_config(lab.config())
    lab.cli("apply")
    took = time.monotonic() - start
    memory = lab.api.call("status")["tables"]["memory_bytes"]
    print(f"1,000,000 prefixes of IPv{family} in force after {took:.2f} s; tables {memory >> 20} MiB; "
          f"peak of the daemon {peak_kib(lab.daemon.pid) >> 10} MiB")
    first = wire.udp(link, str(kind(entries[0][0])), link.dut)
    packed = size // 8

    def frames(numbers):
        return [wire.from_source(first, family, number.to_bytes(packed, "big")) for number in numbers]

    listed = [top | chance.getrandbits(size) & ((1 << (size - bits)) - 1)
              for top, bits in chance.sample(entries, 20_000)]
    denied = lab.count("deny")
    assert lab.passed(frames(listed)) == []
    assert lab.count("deny") == denied + len(listed)
    beside = unlisted(entries, size, chance)
    assert len(lab.passed(frames(beside))) == len(beside)
    lab.list_file("deny.list").write_text("")
    lab.cli("apply", "--accept")
    assert len(lab.passed(frames(listed[:2000]))) == 2000


def unlisted(entries, size, chance):
    """Addresses just before and after listed prefixes, as far as no other prefix holds them."""
    known, lengths = set(entries), {bits for _, bits in entries}

    def is_listed(number):
        return any((number >> (size - bits) << (size - bits), bits) in known for bits in lengths)

    near = []
    for top, bits in chance.sample(entries, 10_000):
        near += [top - 1, top + (1 << (size - bits))]
    return [number for number in near if not is_listed(number)]
