"""One POST to a stranger's address: to public addresses only, without redirects, and bounded in time and in what is read.

Only the status is read, and one header; the body of the answer is not.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass

import httpcore
import httpx

from reelq.worker.errors import PermanentError, TransientError
from reelq.worker.sources.address_policy import AddressGuard
from reelq.worker.sources.http_transport import GuardedBackend, GuardedTransport
from reelq.worker.stop import StopSignal

CONNECT_S = 10.0


class NoAnswer(Exception):
    """The connection failed, or ended before a status came; what was sent may have arrived."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said."""

    status: int
    retry_after: str | None


def post(
    url: httpx.URL, body: bytes, headers: Mapping[str, str], *, guard: AddressGuard, timeout_s: float, stop: StopSignal, tls: ssl.SSLContext
) -> Answer:
    """Send it, and return the status.

    Raises:
        NoAnswer.
        PermanentError: "address_refused", the host has an address that may not be connected to.
        TransientError: "name_unknown".
        StopRequested: at once, also while the other side is silent.
    """
    backend = GuardedBackend(guard)
    # Cuts a connection whose other side feeds us just enough not to count as silent.
    alarm = threading.Timer(timeout_s, backend.abort)
    alarm.daemon = True
    alarm.start()
    transport = GuardedTransport(backend, tls)
    try:
        with stop.killing(backend.abort), httpx.Client(transport=transport, trust_env=False, headers={"User-Agent": "reelq"}) as client:
            request = client.build_request(
                "POST", url, content=body, headers=dict(headers), timeout=httpx.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s))
            )
            answer = client.send(request, stream=True, follow_redirects=False)
            try:
                return Answer(answer.status_code, answer.headers.get("retry-after"))
            finally:
                answer.close()
    except PermanentError as error:
        raise PermanentError(error.code, "The address is on a network that may not be connected to.", detail=error.detail) from error
    except TransientError as error:
        raise TransientError(error.code, "The name of the host cannot be resolved.", detail=error.detail) from error
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, httpx.HTTPError, OSError) as error:
        stop.check()
        raise NoAnswer(type(error).__name__) from error  # not its text, which may quote what was sent
    finally:
        alarm.cancel()
        backend.close()
