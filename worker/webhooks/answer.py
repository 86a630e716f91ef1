"""What an endpoint's answer means, and what the lack of one does.

Only 2xx is an arrival. A redirect is not followed: where the event goes is what its tenant has said.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass

import httpcore

from reelq.worker.errors import JobError, PermanentError, RateLimitedError, TransientError
from reelq.worker.sources.http_responses import RETRY_S, retry_after_s

# Refused for what this event is, and not for what the endpoint is: the next one may arrive.
OF_THE_EVENT = {400, 406, 409, 411, 412, 413, 415, 417, 422, 428, 431}


@dataclass(frozen=True, slots=True)
class Failure:
    """A delivery that did not arrive. `is_endpoints`: it counts against the endpoint, and not against the event alone."""

    code: str
    message: str
    is_endpoints: bool = True
    is_gone: bool = False  # the endpoint says that it will never take anything again
    wait_s: float | None = None  # it said when to come back

    def error(self) -> JobError:
        """As the attempt ends."""
        if self.wait_s is not None:
            return RateLimitedError(self.code, self.message, retry_after_s=self.wait_s)
        return TransientError(self.code, self.message)


SLOW = Failure("webhook_slow", "The endpoint did not answer in time.")


def of_status(status: int, retry_after: str | None, now: float) -> Failure | None:
    """The failure that an answer is; None: the event has arrived. `now` in seconds since 1970."""
    if 200 <= status < 300:
        return None
    asked_s = retry_after_s(retry_after, now)
    if status == 429 or (status == 503 and asked_s is not None):
        return Failure("webhook_busy", f"The endpoint asks us to come back later (status {status}).", wait_s=asked_s or RETRY_S)
    if status == 410:
        return Failure("webhook_gone", "The endpoint says that it is gone (status 410).", is_gone=True)
    if 300 <= status < 400:
        return Failure("webhook_redirected", f"The endpoint redirects (status {status}), which is not followed.")
    if status in OF_THE_EVENT:
        return Failure("webhook_refused", f"The endpoint refuses the event (status {status}).", is_endpoints=False)
    return Failure("webhook_failed", f"The endpoint answered with status {status}.")


def of_error(error: Exception) -> Failure:
    """The failure that an error on the way is."""
    if isinstance(error, PermanentError) and error.code == "address_refused":
        return Failure("webhook_forbidden", "The endpoint's host has an address that may not be connected to.")
    if isinstance(error, TransientError) and error.code == "name_unknown":
        return Failure("webhook_unknown", "The endpoint's host name cannot be resolved.")
    if isinstance(error, httpcore.TimeoutException):
        return SLOW
    if isinstance(error.__context__, ssl.SSLCertVerificationError):
        return Failure("webhook_untrusted", "The certificate of the endpoint's server is not valid.")
    if isinstance(error, httpcore.ConnectError):
        return Failure("webhook_away", "The endpoint cannot be connected to.")
    return Failure("webhook_broken", "The endpoint broke the connection, or the rules of HTTP.")
