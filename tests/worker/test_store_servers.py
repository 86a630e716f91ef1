"""The S3 servers of the tests leave with the tests, however those end."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

STARTER = """
import pathlib, sys
from tests.fakes import s3_servers

server = s3_servers.moto() if sys.argv[1] == "moto" else s3_servers.rclone(pathlib.Path(sys.argv[2]))
with server as url:
    print(url, flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
@pytest.mark.parametrize("name", ["moto", "rclone"])
@pytest.mark.parametrize("how", ["kill", "end"])
def test_a_server_dies_with_the_process_that_started_it(tmp_path: Path, name: str, how: str) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, name, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    with starter:
        assert starter.stdin is not None and starter.stdout is not None
        address = urlsplit(starter.stdout.readline().strip())
        assert address.hostname and address.port
        with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
            if how == "kill":
                starter.kill()
            else:
                starter.stdin.close()
            assert ended(connection)
    # Its last breath: the kernel may close the connection just before the port.
    with pytest.raises((ConnectionRefusedError, ConnectionResetError)):
        for _ in range(100):
            with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
                ended(connection)


def ended(connection: socket.socket) -> bool:
    """Wait until the other side is gone."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True
