# SPDX-License-Identifier: MIT
"""What a wall serves: HTTP by nginx and UDP answers, on one CPU, where its packets are received as well."""
import pathlib
import subprocess
import time

from suite.machine import RELEASE

HTTP, UDP = 80, 27015
BODY = "x" * 1024
NGINX = """daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 1000000; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen {port} reuseport; location / {{ return 200 "{body}"; }} }} }}
"""


def serve(walls, wall, cpu):
    """Starts both servers; they end with the walls."""
    folder = pathlib.Path(f"/run/serving-{wall.number}")
    folder.mkdir(exist_ok=True)
    file = folder / "nginx.conf"
    file.write_text(NGINX.format(folder=folder, port=HTTP, body=BODY), encoding="ascii")
    where = ("taskset", "-c", cpu)
    walls.start(wall, *where, "nginx", "-c", file)
    walls.helper(wall, *where, RELEASE / "traffic", "serve", f"udp:{UDP}", "family=4")
    end = time.monotonic() + 10
    while wall.run("bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{HTTP}", check=False).returncode:
        assert time.monotonic() < end, "nginx does not answer"
        time.sleep(0.02)


def receive_on(wall, cpu):
    """The interface's packets are received by a thread of that CPU which goes before all else there, as the soft
    interrupt of a network card with its own CPU does; else they are received where they were sent."""
    def threads():
        return {path.parent.name for path in pathlib.Path("/proc").glob("[0-9]*/comm")
                if path.read_text(encoding="ascii", errors="replace").startswith("napi/up0-")}
    before = threads()
    subprocess.run(["ip", "netns", "exec", wall.namespace, "sh", "-c", "echo 1 > /sys/class/net/up0/threaded"],
                   check=True)
    fresh = threads() - before
    assert fresh, f"{wall.name}: no thread receives for it"
    for thread in fresh:
        subprocess.run(["taskset", "-pc", str(cpu), thread], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["chrt", "-f", "-p", "1", thread], check=True)
