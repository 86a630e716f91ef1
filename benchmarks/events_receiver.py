"""python -m benchmarks.events_receiver PORT: takes deliveries as fast as one process can, and counts them by path.

/hang is never answered. GET /stats tells, by path, how many arrived, how many of these twice, when the first and the last did, and the mean
time; GET /secret?whsec_… makes it check the signature of one delivery in a hundred, and end when one is wrong.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from urllib.parse import unquote

from standardwebhooks import Webhook

CHECKED = 100  # one in so many
TAKEN = b"HTTP/1.1 204 No Content\r\n\r\n"


class Seen:
    """What arrived at one path."""

    def __init__(self) -> None:
        self.ids: set[bytes] = set()
        self.count, self.first, self.last, self.total = 0, 0.0, 0.0, 0.0

    def add(self, name: bytes) -> None:
        """One more."""
        now = time.time()
        self.first, self.last = self.first or now, now
        self.total += now
        self.count += 1
        self.ids.add(name)


SEEN: dict[str, Seen] = {}
SIGNERS: dict[str, Webhook] = {}


def header(head: bytes, name: bytes) -> bytes:
    """A header's value; "" without."""
    begin = head.find(b"\r\n" + name + b": ")
    if begin < 0:
        return b""
    begin += len(name) + 4
    end = head.find(b"\r\n", begin)
    return head[begin : end if end >= 0 else len(head)]


class Receiver(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        """Take whole requests."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            whole = end + 4 + int(header(head, b"content-length") or 0)
            if len(self._buffer) < whole:
                return
            body, self._buffer = self._buffer[end + 4 : whole], self._buffer[whole:]
            self._take(head, body)

    def _take(self, head: bytes, body: bytes) -> None:
        method, target, _ = head.split(b" ", 2)
        if method == b"GET":
            path, _, query = target.decode().partition("?")
            if path == "/secret":
                name, _, secret = query.partition("=")
                SIGNERS[name] = Webhook(unquote(secret))
            told = json.dumps({name: [one.count, one.count - len(one.ids), one.first, one.last, one.total] for name, one in SEEN.items()}).encode()
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(told), told))
            return
        path = target.decode()
        seen = SEEN.setdefault(path, Seen())
        seen.add(header(head, b"webhook-id"))
        if path == "/hang":
            return
        if seen.count % CHECKED == 1:
            signed = ("webhook-id", "webhook-timestamp", "webhook-signature")
            SIGNERS[path.strip("/")].verify(body, {name: header(head, name.encode()).decode() for name in signed})
        self._transport.write(TAKEN)


async def serve(port: int) -> None:
    """Until killed; prints the port."""
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: sys.exit(str(context.get("exception"))))
    server = await loop.create_server(Receiver, "127.0.0.1", port, backlog=200)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
