# SPDX-License-Identifier: MIT
"""./quickstart in a checkout that was copied with its build folder. It showed compiler flags: CMake refuses a
build folder that names another source folder. The checkout is quickstart's part of ours and a program."""
import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROJECT = """cmake_minimum_required(VERSION 3.25)
project(floodwall LANGUAGES NONE)
add_custom_command(OUTPUT floodwall COMMAND cp ${PROJECT_SOURCE_DIR}/program floodwall DEPENDS program)
add_custom_target(programs ALL DEPENDS floodwall)
add_custom_target(installed_files)
"""
PROGRAM = "#!/bin/sh\necho this is the self-test\n"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="quickstart needs root")


@pytest.fixture
def checkout(tmp_path):
    folder = tmp_path / "checkout"
    (folder / "tools").mkdir(parents=True)
    for name in ("quickstart", "CMakePresets.json", "tools/install-packages", "tools/packages"):
        shutil.copy2(ROOT / name, folder / name)
    (folder / "CMakeLists.txt").write_text(PROJECT)
    (folder / "program").write_text(PROGRAM)
    (folder / "program").chmod(0o755)
    return folder


def demo(folder):
    done = subprocess.run([folder / "quickstart", "--demo"], env=dict(os.environ, FLOODWALL_NO_INSTALL="1"),
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
    return done.returncode, done.stdout


def test_copied_checkout_is_built_anew_and_says_so(checkout, tmp_path):
    assert demo(checkout)[0] == 0
    copy = tmp_path / "copy"
    shutil.copytree(checkout, copy)
    code, told = demo(copy)
    assert code == 0 and "this is the self-test" in told, told
    assert f"was built in {checkout} before" in told
    code, told = demo(copy)
    assert code == 0 and "before" not in told, "the second time it is at home"


def test_what_cmake_refuses_is_told_in_its_words(checkout):
    (checkout / "CMakeLists.txt").write_text(PROJECT + 'message(FATAL_ERROR "no such library")\n')
    code, told = demo(checkout)
    assert code == 1 and "CMake Error" in told and "no such library" in told, told
