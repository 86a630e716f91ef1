"""A real mail server on loopback (aiosmtpd): with TLS and a log-in, as the settings ask for; it keeps what it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope

from tests.fakes.certificates import contexts

USERNAME, PASSWORD = "mailer", "correct horse"


@dataclass
class SmtpServer:
    """What it has taken, and how it answers."""

    environ: dict[str, str] = field(default_factory=dict)  # REELQ_* of a worker that uses it
    taken: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    answer_to: dict[str, str] = field(default_factory=dict)  # command (RCPT, MAIL or DATA) → what it says instead of OK
    on_taken: Callable[[], None] = lambda: None  # runs when a mail was taken, before that is said

    async def handle_MAIL(self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any) -> str:  # noqa: N802
        envelope.mail_from = address
        return self.answer_to.get("MAIL", "250 OK")

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any) -> str:  # noqa: N802
        if "RCPT" in self.answer_to:
            return self.answer_to["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802
        if "DATA" in self.answer_to:
            return self.answer_to["DATA"]
        assert isinstance(envelope.content, bytes)
        self.envelopes.append((envelope.mail_from or "", list(envelope.rcpt_tos)))
        self.taken.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        self.on_taken()
        return "250 OK"


def let_in(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
    """Whether it is the account of the tests."""
    return AuthResult(success=(given.login, given.password) == (USERNAME.encode(), PASSWORD.encode()), handled=False)


class OnAnyPort(Controller):
    """aiosmtpd connects to itself to see whether it runs, so that it has to know which port it got."""

    def _create_server(self) -> Any:
        listening = super()._create_server()

        async def bound() -> Any:
            server: Any = await listening
            self.port = server.sockets[0].getsockname()[1]
            return server

        return bound()


@contextmanager
def smtp_server(folder: Path) -> Iterator[SmtpServer]:
    """One that takes mail behind STARTTLS and a log-in alone."""
    tls, _ = contexts("localhost", folder)
    server = SmtpServer()
    controller = OnAnyPort(
        server, hostname="127.0.0.1", port=0, tls_context=tls, require_starttls=True, authenticator=let_in, auth_required=True
    )
    controller.start()
    try:
        server.environ = {
            "smtp_host": "localhost", "smtp_port": str(controller.port), "smtp_username": USERNAME, "smtp_password": PASSWORD,
            "smtp_from": "Videos & more <videos@platform.example>", "ca_file": str(folder / "certificate.pem"),
        }  # fmt: skip
        yield server
    finally:
        controller.stop()
