# SPDX-License-Identifier: MIT
"""CONTRIBUTING.md is true: its commands run in a built tree, its paths and kinds of tests exist.

What is too long, or changes the machine, is run in a form that does not, or is listed with the reason.
"""
import os
import pathlib
import re
import shlex
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ["FLOODWALL_BUILD"])
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
BLOCK = TEXT.split("## Day to day", 1)[1].split("```", 2)[1]
COMMANDS = [re.split(r" {2,}", line)[0] for line in BLOCK.strip().splitlines()]

# How a command begins: how it is run here, as (what is replaced, by what).
RUN = {
    "./test --quick": ("./test --quick", "./test --help"),
    "ctest --preset dev": ("--preset dev", f"--test-dir {shlex.quote(str(BUILD))} --no-tests=error -N"),
    "build/dev/unit_": ("build/dev", shlex.quote(str(BUILD))),
    "sudo FLOODWALL_BIN": ("sudo FLOODWALL_BIN=$PWD/build/dev python3 -m pytest",
                           "python3 -m pytest -p no:cacheprovider --collect-only -q"),
    "sudo ./bench/run": ("sudo ./bench/run", "./bench/run --help; :"),
    "tools/fuzz": ("tools/fuzz 60", "sh -n tools/fuzz; :"),
}
NOT_RUN = {
    "tools/install-packages": "changes the machine; the first step of ./test",
    "cmake --preset dev": "takes minutes; a step of ./test, and what built this",
    "tools/format": "rewrites files; ./test runs tools/format --check, and tools/lint with --lint",
}


def begin_of(command):
    (begin,) = [each for each in (*RUN, *NOT_RUN) if command.startswith(each)]
    return begin


@pytest.mark.parametrize("command", COMMANDS)
def test_command_of_the_day_works(command):
    begin = begin_of(command)
    for path in re.findall(r"(?<!build/dev/)\b(?:src|tests|tools)/[\w./-]+", command):
        assert (ROOT / path).exists(), f"there is no {path}"
    if begin in NOT_RUN:
        return
    here = command.replace(*RUN[begin]).replace("python3", "/usr/bin/python3")
    done = subprocess.run(["bash", "-c", here], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{here}\n{done.stdout}{done.stderr}"
    assert "No tests were found" not in done.stdout + done.stderr


def test_no_command_is_listed_that_is_not_there():
    assert {begin_of(command) for command in COMMANDS} == {*RUN, *NOT_RUN}


def test_table_of_tests_names_every_folder():
    named = set(re.findall(r"^\| `tests/(\w+)/`", TEXT, re.M))
    assert named == {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and path.name != "__pycache__"}


def test_kinds_that_are_named_are_the_labels():
    (kinds,) = re.findall(r"Kinds \(labels\): ([^.]*)\.", TEXT)
    labels = set()
    for file in (ROOT / "tests").rglob("CMakeLists.txt"):
        for found in re.findall(r'LABELS "?([\w;]+)', file.read_text(encoding="utf-8")):
            labels.update(found.split(";"))
    assert set(re.findall(r"\w+", kinds)) == labels
