# SPDX-License-Identifier: MIT
"""The daemon's API, spoken without the project's own client."""
import http.client
import json
import socket


class Refused(Exception):
    def __init__(self, status, error):
        super().__init__(f"{status}: {error}")
        self.status, self.error = status, error


class _Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=120)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self._path)  # with a timeout it would not wait for room in the queue
        self.sock.settimeout(self.timeout)


class Api:
    def __init__(self, path):
        self._path = path

    def call(self, verb, **request):
        """The reply of POST /v1/VERB; raises Refused with the error the daemon gave."""
        status, reply = self.raw("POST", f"/v1/{verb}", json.dumps(request))
        if status != 200:
            raise Refused(status, reply["error"])
        return reply

    def raw(self, method, path, body=None):
        connection = _Connection(self._path)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            reply = connection.getresponse()
            return reply.status, json.loads(reply.read())
        finally:
            connection.close()

    def is_up(self):
        try:
            self.call("status")
            return True
        except (OSError, http.client.HTTPException):
            return False
