"""A pooler as a client sees one: it makes up the process id that it tells, and may refuse start-up parameters.

Everything else passes through to the server, so queries work.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

REFUSAL = b"SFATAL\0C08P01\0Munsupported startup parameter: options\0\0"


@contextmanager
def pooler(host: str, port: int, *, refuses_options: bool = False) -> Iterator[int]:
    """Listen in front of a server; yields the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, (host, port), refuses_options), daemon=True).start()
        yield listener.getsockname()[1]


def _accept(listener: socket.socket, server: tuple[str, int], refuses_options: bool) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return  # closed: the test is over
        threading.Thread(target=_serve, args=(client, server, refuses_options), daemon=True).start()


def _serve(client: socket.socket, server: tuple[str, int], refuses_options: bool) -> None:
    with client, socket.create_connection(server) as upstream:
        startup = _startup(client)
        if refuses_options and b"\0options\0" in startup:
            client.sendall(b"E" + struct.pack("!I", len(REFUSAL) + 4) + REFUSAL)
            return
        upstream.sendall(startup)
        threading.Thread(target=_pump, args=(client, upstream), daemon=True).start()
        answers = upstream.makefile("rb")
        while head := answers.read(5):
            body = answers.read(struct.unpack("!I", head[1:])[0] - 4)
            if head[:1] == b"K":
                body = struct.pack("!I", 4_000_000) + body[4:]  # more than any process id
            try:
                client.sendall(head + body)
            except OSError:
                return


def _startup(client: socket.socket) -> bytes:
    """The first message that is no question for encryption."""
    while True:
        size = client.recv(4, socket.MSG_WAITALL)
        body = client.recv(struct.unpack("!I", size)[0] - 4, socket.MSG_WAITALL)
        if body[:4] not in (b"\x04\xd2\x16\x2f", b"\x04\xd2\x16\x30"):  # SSLRequest, GSSENCRequest
            return size + body
        client.sendall(b"N")


def _pump(client: socket.socket, upstream: socket.socket) -> None:
    try:
        while part := client.recv(65536):
            upstream.sendall(part)
        upstream.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # one side has gone; the other notices by itself
