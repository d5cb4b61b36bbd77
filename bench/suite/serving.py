# SPDX-License-Identifier: MIT
"""The servers behind a firewall: nginx and a UDP service, on the CPU that also receives the packets."""
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


def serve(firewalls, firewall, cpu):
    """Starts both servers; they end with `firewalls`."""
    folder = pathlib.Path(f"/run/serving-{firewall.number}")
    folder.mkdir(exist_ok=True)
    file = folder / "nginx.conf"
    file.write_text(NGINX.format(folder=folder, port=HTTP, body=BODY), encoding="ascii")
    where = ("taskset", "-c", cpu)
    firewalls.start(firewall, *where, "nginx", "-c", file)
    firewalls.helper(firewall, *where, RELEASE / "traffic", "serve", f"udp:{UDP}", "family=4")
    end = time.monotonic() + 10
    while firewall.run("bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{HTTP}", check=False).returncode:
        assert time.monotonic() < end, "nginx does not answer"
        time.sleep(0.02)


def receive_on(firewall, cpu):
    """Packets of the interface are received by a thread with priority on that CPU, as by the soft interrupt of a
    network card. Otherwise a veth receives them on the CPU that sends them."""
    def threads():
        return {path.parent.name for path in pathlib.Path("/proc").glob("[0-9]*/comm")
                if path.read_text(encoding="ascii", errors="replace").startswith("napi/up0-")}
    before = threads()
    subprocess.run(["ip", "netns", "exec", firewall.namespace, "sh", "-c", "echo 1 > /sys/class/net/up0/threaded"],
                   check=True)
    started = threads() - before
    assert started, f"{firewall.name}: no thread receives for it"
    for thread in started:
        subprocess.run(["taskset", "-pc", str(cpu), thread], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["chrt", "-f", "-p", "1", thread], check=True)
