# SPDX-License-Identifier: MIT
"""Real clients and servers on the kernel's own TCP and UDP, in the lab's namespaces."""
import contextlib
import itertools
import select
import socket
import threading
import time

import netns

_FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}


def _socket(namespace, family, kind):
    with netns.inside(namespace):
        made = socket.socket(_FAMILY[family], kind)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == 6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return made


class _Server(contextlib.AbstractContextManager):
    """A thread that answers; received() is what came from one peer address."""

    def __init__(self):
        self._lock, self._received = threading.Lock(), {}
        self._open = True
        self._thread = threading.Thread(target=self._work, daemon=True)

    def received(self, address):
        with self._lock:
            return self._received.get(address, b"")

    def _note(self, address, data):
        with self._lock:
            self._received[address] = self._received.get(address, b"") + data

    def close(self):
        self._open = False
        self._thread.join()

    def __exit__(self, *_):
        self.close()


class TcpServer(_Server):
    """Sends back what it gets, on any number of connections."""

    def __init__(self, namespace, family, port, address=None):
        super().__init__()
        self._listener = _socket(namespace, family, socket.SOCK_STREAM)
        self._listener.bind((address or ("0.0.0.0" if family == 4 else "::"), port))
        self._listener.listen(512)
        self._thread.start()

    def _work(self):
        peers = {}
        while self._open:
            for ready in select.select([self._listener, *peers], [], [], 0.05)[0]:
                if ready is self._listener:
                    peer, address = ready.accept()
                    peers[peer] = address[0]
                else:
                    self._serve(ready, peers)
        for peer in peers:
            peer.close()
        self._listener.close()

    def _serve(self, peer, peers):
        try:
            data = peer.recv(1 << 20)
            if data:
                self._note(peers[peer], data)
                peer.sendall(data)
                return
        except OSError:
            pass
        del peers[peer]
        peer.close()


class UdpServer(_Server):
    """Sends back what it gets."""

    def __init__(self, namespace, family, port, address=None):
        super().__init__()
        self._socket = _socket(namespace, family, socket.SOCK_DGRAM)
        self._socket.bind((address or ("0.0.0.0" if family == 4 else "::"), port))
        self._thread.start()

    def _work(self):
        while self._open:
            if select.select([self._socket], [], [], 0.05)[0]:
                data, address = self._socket.recvfrom(65536)
                self._note(address[0], data)
                self._socket.sendto(data, address)
        self._socket.close()


class Client(contextlib.AbstractContextManager):
    """A connected TCP or UDP socket of the peers, bound to one of their addresses."""

    def __init__(self, namespace, family, source, target, kind=socket.SOCK_STREAM, timeout=3.0):
        self._socket = _socket(namespace, family, kind)
        try:
            self._socket.settimeout(timeout)
            self._socket.bind((source, 0))
            self._socket.connect(target)
        except OSError:
            self._socket.close()
            raise
        if kind == socket.SOCK_STREAM:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data):
        self._socket.send(data)

    def exchange(self, data, timeout=3.0):
        """Whether `data` was sent back within `timeout` (what was still under way is read first)."""
        patience = self._socket.gettimeout()
        self._socket.settimeout(0)
        try:
            return self._exchange(memoryview(data), time.monotonic() + timeout)
        finally:
            self._socket.settimeout(patience)

    def flood(self, count):
        """Up to `count` small writes, until one is not answered. Each waits for its answer: the
        kernel would join many that wait to few packets, Nagle's algorithm or not."""
        return sum(1 for _ in itertools.takewhile(
            lambda _: self.exchange(b"x", timeout=0.3), range(count)))

    def _exchange(self, data, end):
        left, got = data, bytearray()
        while left or not got.endswith(data):  # reads while it writes: neither side waits for ever
            readable, writable, _ = select.select([self._socket], [self._socket] if left else [], [],
                                                  max(0.0, end - time.monotonic()))
            if not readable and not writable:
                return False
            if writable:
                left = left[self._socket.send(left):]
            if readable:
                piece = self._socket.recv(1 << 20)
                if not piece:
                    return False
                got += piece
        return True

    def local_port(self):
        return self._socket.getsockname()[1]

    def close(self):
        self._socket.close()

    def __exit__(self, *_):
        self.close()


def tcp(namespace, family, source, target, port, **options):
    return Client(namespace, family, source, (target, port), **options)


def udp(namespace, family, source, target, port, **options):
    return Client(namespace, family, source, (target, port), kind=socket.SOCK_DGRAM, **options)


def can_connect(namespace, family, source, target, port, timeout=0.5):
    """Whether a new connection is accepted in time."""
    try:
        with tcp(namespace, family, source, target, port, timeout=timeout):
            return True
    except OSError:
        return False
