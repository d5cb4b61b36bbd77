# SPDX-License-Identifier: MIT
"""A reload is the new configuration whole, or the old one whole."""
import pytest

import wire
from lab import QUIET, wait_until
from tap import Prober, everything

LIMITED = '[limit.default]\nudp = {{ limit = "{}/s" }}\n'


def through_of(lab, link, count=300, client=3, dport=9):
    frames = wire.copies(wire.udp(link, link.client(client), link.dut, dport=dport), count)
    return len(lab.passed(frames))


def test_reload_changes_adds_and_removes_limits(lab, link):
    lab.start_daemon(lab.config(tables=LIMITED.format(50)))
    assert through_of(lab, link, client=3) < 80
    lab.write_config(lab.config(tables=LIMITED.format(200)))
    lab.reload()
    assert 195 <= through_of(lab, link, client=4) < 260
    lab.write_config(lab.config(tables=QUIET))
    lab.cli("apply")
    assert through_of(lab, link, client=4) == 300


def test_reload_removes_a_service(lab, link):
    closed = '[[service]]\nname = "old"\nport = "udp/19"\naction = "drop"\n'
    lab.start_daemon(lab.config(tables=QUIET + closed))
    frame = wire.udp(link, link.client(3), link.dut, dport=19)
    assert not lab.comes_through(frame)
    lab.write_config(lab.config())
    lab.reload()
    assert lab.comes_through(frame)


BAD = {
    "syntax": ("mode = \n", r"floodwall\.toml:\d+", 6),
    "unknown-key": ('[ban]\ntimme = "60s"\n', r"timme.*time", 6),
    "bad-value": ('[limit.default]\nudp = { limit = "0/s" }\n', r"limit\.default\.udp", 6),
    "overlapping-services": ('[[service]]\nname = "a"\nport = "udp/1-9"\n'
                             '[[service]]\nname = "b"\nport = "udp/5"\n', r"service", 6),
    "tables-need-a-restart": ("[tables]\nbans = 4096\n", r"tables", 5),
}


@pytest.mark.parametrize("problem", BAD)
def test_bad_configuration_is_refused_and_the_old_one_stays(lab, link, problem):
    tables, printed, exit_code = BAD[problem]
    lab.start_daemon(lab.config(tables=LIMITED.format(50)))
    lab.cli("ban", link.client(5))
    lab.write_config(lab.config(tables=tables))
    lab.reload()
    assert not [line for line in lab.log_lines("Reload") if "what=config" in line]
    lab.wait_for_log("ReloadFailed", printed)
    assert lab.cli("apply", code=exit_code).err.strip()
    assert through_of(lab, link) < 80
    assert through_of(lab, link, 5, client=5) == 0
    lab.write_config(lab.config(tables=LIMITED.format(200)))
    lab.cli("apply")
    assert 195 <= through_of(lab, link, client=4) < 260


def test_check_judges_a_file_and_changes_nothing(lab, link):
    lab.start_daemon(lab.config(tables=LIMITED.format(50)))
    good, bad = lab.folder / "good.toml", lab.folder / "bad.toml"
    good.write_text(lab.config(tables=LIMITED.format(200)))
    bad.write_text('mode = "enforced"\n[ban]\ntime = "sixty"\n')
    lab.cli("check")
    lab.cli("check", good)
    printed = lab.cli("check", bad, code=6).err
    assert "bad.toml:1:" in printed and "bad.toml:3:" in printed, "every problem in one go"
    assert through_of(lab, link) < 80


def test_reload_keeps_bans_and_leaves_no_gap(lab, link):
    lab.start_daemon()
    lab.cli("ban", link.client(3), "--for", "1h")
    frame, innocent = (wire.udp(link, link.client(n), link.dut) for n in (3, 4))
    tap = lab.tap()
    with Prober(lab.sender(), lambda mark: frame[0].replace(frame[1], mark), 0.001) as banned, \
            Prober(lab.sender(), lambda mark: innocent[0].replace(innocent[1], mark), 0.001) as free:
        number = 0
        while number < 10 or len(banned.sent()) < 100:
            number += 1
            lab.write_config(lab.config(tables=LIMITED.format(5000 + number)))
            lab.cli("apply")
        banned.close()
        free.close()
        through = set(everything(lab.sender(), tap))
    assert not through & {mark for _, mark in banned.sent()}
    assert {mark for _, mark in free.sent()} <= through
    assert list(lab.bans()) == [link.client(3)]


def test_conf_d_overrides_single_keys(lab, link):
    folder = lab.list_file("conf.d")
    folder.mkdir()
    (folder / "50-limit.toml").write_text(LIMITED.format(50))
    lab.start_daemon()
    assert through_of(lab, link) < 80
    (folder / "50-limit.toml").unlink()
    lab.cli("apply")
    assert through_of(lab, link, client=4) == 300


def test_mode_can_be_changed_by_reload(lab, link):
    lab.list_file("deny.list").write_text(f"{link.client(3)}\n")
    lab.start_daemon(lab.config(top='mode = "observe"\n'))
    frame = wire.udp(link, link.client(3), link.dut)
    assert lab.comes_through(frame)
    lab.write_config(lab.config())
    lab.reload()
    wait_until(lambda: not lab.comes_through(frame), 5, "enforcing")


def test_daemon_does_not_start_on_a_bad_configuration_and_says_why(lab):
    before = lab.traces()
    lab.start_daemon('mode = "enforced"\n', wait=False)
    assert lab.daemon.wait(timeout=10) == 6
    assert "floodwall.toml:1:" in lab.output()
    assert lab.traces() == before
