# SPDX-License-Identifier: MIT
"""The guides are true: each configuration in them is valid, each command of `floodwall` and each option exists."""
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FLOODWALL = pathlib.Path(os.environ["FLOODWALL_BUILD"]) / "floodwall"
GUIDES = sorted((ROOT / "docs/guides").glob("*.md"))
PAGES = [ROOT / "README.md", *GUIDES,
         *(ROOT / "docs" / name for name in ("under-attack.md", "tuning.md", "install.md", "beside-others.md"))]
BLOCKS = [(guide.stem, number, block) for guide in GUIDES
          for number, block in enumerate(re.findall(r"^```toml\n(.*?)^```", guide.read_text(), re.M | re.S))]


def run(*arguments):
    return subprocess.run([FLOODWALL, *arguments], capture_output=True, text=True, timeout=60, check=False)


def commands():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        code = re.findall(r"`([^`\n]+(?:\n[^`\n]+)?)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))
        code += [line for block in re.findall(r"^```\n(.*?)^```", text, re.M | re.S) for line in block.splitlines()]
        for piece in code:
            for found in re.findall(r"(?<!--target)(?:^|\s|/)floodwall ((?:--)?[a-z][^;>&|#]*)", piece):
                yield page.name, " ".join(found.split())


COMMANDS = sorted(set(commands()))


def test_there_is_something_to_test():
    assert len(GUIDES) >= 7 and len(BLOCKS) >= len(GUIDES) and len(COMMANDS) > 20
    assert {guide.stem for guide in GUIDES} == {stem for stem, _, _ in BLOCKS}


@pytest.mark.parametrize("block", [pytest.param(block, id=f"{stem}-{number}") for stem, number, block in BLOCKS])
def test_configuration_is_valid(block, tmp_path):
    (tmp_path / "floodwall.toml").write_text(block)
    done = run("check", tmp_path / "floodwall.toml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page, command", COMMANDS)
def test_command_and_its_options_exist(page, command):
    verb = command.split()[0]
    if verb == "--help":
        return
    done = run(verb, "--help")
    assert done.returncode == 0, f"{page}: floodwall {command}: {done.stderr}"
    for option in re.findall(r"(?<!\S)--?[a-z][a-z-]*", command):
        assert re.search(rf"(?<![\w-]){option}(?![\w-])", done.stdout), f"{page}: floodwall {command}: no {option}"


def test_under_attack_is_ten_lines():
    lines = (ROOT / "docs/under-attack.md").read_text().splitlines()
    assert [line.split(".")[0] for line in lines[2:]] == [str(number) for number in range(1, 11)]


def test_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) < 130
