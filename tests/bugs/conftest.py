# SPDX-License-Identifier: MIT
"""The fixtures and hooks of tests/net, for the tests here that need its lab."""
import importlib.util
import pathlib
import sys

NET = pathlib.Path(__file__).resolve().parents[1] / "net"
sys.path.insert(0, str(NET))

_spec = importlib.util.spec_from_file_location("net_conftest", NET / "conftest.py")
_net = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_net)
globals().update({name: value for name, value in vars(_net).items() if not name.startswith("_")})
