# SPDX-License-Identifier: MIT
"""A change of api.group never took effect: the socket kept the group of the daemon's start."""
import grp
import os

import pytest

SOCKET = "/run/floodwall/floodwall.sock"


@pytest.mark.parametrize("how", ["apply", "SIGHUP"])
def test_a_new_group_may_use_the_api_and_the_old_one_no_more(lab, how):
    def change(group):
        lab.write_config(lab.config() + f'[api]\ngroup = "{group}"\n')
        if how == "apply":
            assert "api.group" in lab.cli("apply").out
        else:
            lab.reload()

    lab.start_daemon(lab.config() + '[api]\ngroup = "bin"\n')
    assert os.stat(SOCKET).st_gid == grp.getgrnam("bin").gr_gid
    lab.cli("status", user="bin")
    change("daemon")
    assert os.stat(SOCKET).st_gid == grp.getgrnam("daemon").gr_gid
    lab.cli("status", user="daemon")
    lab.cli("status", user="bin", code=4)
    change("no-such-group")
    lab.cli("status", user="daemon", code=4)
    lab.cli("status")
