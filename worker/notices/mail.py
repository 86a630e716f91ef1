"""Write a mail, and hand it to the mail server of the settings.

What people wrote is text in every part: escaped in HTML, one line in headers. A mail has the same Message-ID however often it
is sent, so that a mailbox can tell a repetition.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email import policy
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import localtime, parseaddr
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from reelq.worker.errors import PermanentError, TransientError
from reelq.worker.notices import tls
from reelq.worker.settings import Settings
from reelq.worker.stop import StopSignal

TIMEOUT_S = 30.0  # of each answer of the server; the job type's time limit ends the whole
SUBJECT_CHARS = 255


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail says."""

    id: UUID  # of what it is about: the same at each try
    send_to: str
    subject: str
    template: str  # name of a pair of templates/
    values: Mapping[str, Any]


@cache
def templates() -> Environment:
    """The templates; those of HTML escape what they are given."""
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), disabled_extensions=("txt.j2",), default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def line(text: str) -> str:
    """Text as one line: what could end a header becomes a blank."""
    return " ".join("".join(" " if ord(letter) < 32 or ord(letter) == 127 else letter for letter in text).split())[:SUBJECT_CHARS]


def write(letter: Letter, settings: Settings) -> EmailMessage:
    """The mail, as text and as HTML.

    Raises:
        PermanentError: "bad_address", nothing can be sent there.
    """
    name, sender = parseaddr(settings.smtp_from)
    message = EmailMessage(policy=policy.SMTP)
    try:
        message["From"] = Address(display_name=line(name), addr_spec=sender)
        message["To"] = Address(addr_spec=letter.send_to)
    except (ValueError, IndexError, MessageError) as error:  # of the address's grammar, and of a line break in it
        raise PermanentError("bad_address", "The user's address is none that mail can be sent to.") from error
    message["Subject"] = line(letter.subject)
    message["Date"] = localtime()
    message["Message-ID"] = f"<{letter.id}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no machine answers it
    message.set_content(templates().get_template(f"{letter.template}.txt.j2").render(letter.values))
    message.add_alternative(templates().get_template(f"{letter.template}.html.j2").render(letter.values), subtype="html")
    return message


def send(message: EmailMessage, settings: Settings, stop: StopSignal) -> None:
    """Hand it to the mail server. When this returns the server has taken it; after an error it may have.

    Raises:
        PermanentError: "recipient_refused", "mail_refused".
        TransientError: "smtp_away", "smtp_busy", "smtp_denied", "smtp_insecure", "smtp_refused".
        StopRequested: at once, also while the server is silent.
    """
    client: smtplib.SMTP | None = None

    def cut() -> None:
        if client is not None and client.sock is not None:
            try:
                client.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # the server closed it first

    try:
        client = _connect(settings)
        with stop.killing(cut):
            _hand_over(client, message, settings, stop)
    except smtplib.SMTPRecipientsRefused as error:
        ((code, told),) = error.recipients.values()
        raise _refusal("recipient_refused", "The mail server does not take mail to this address.", code, told) from error
    except smtplib.SMTPAuthenticationError as error:
        detail = _told(error.smtp_code, error.smtp_error)
        raise TransientError("smtp_denied", "The mail server does not let this host in.", detail=detail) from error
    except smtplib.SMTPSenderRefused as error:
        detail = _told(error.smtp_code, error.smtp_error)
        raise TransientError("smtp_refused", "The mail server takes no mail from REELQ_SMTP_FROM.", detail=detail) from error
    except smtplib.SMTPDataError as error:
        raise _refusal("mail_refused", "The mail server does not take this mail.", error.smtp_code, error.smtp_error) from error
    except smtplib.SMTPNotSupportedError as error:
        raise TransientError("smtp_insecure", "The mail server offers no TLS or no log-in, which the settings ask for.", detail=str(error)) from error
    except ssl.SSLError as error:
        stop.check()
        raise TransientError("smtp_insecure", "The mail server's TLS is not to be trusted.", detail=str(error)) from error
    except (OSError, smtplib.SMTPException) as error:  # smtplib's family is one of OSError
        stop.check()
        detail = f"{type(error).__name__}: {error}"
        raise TransientError("smtp_away", "The mail server does not answer as it should.", detail=detail) from error
    finally:
        if client is not None:
            client.close()


def _connect(settings: Settings) -> smtplib.SMTP:
    host, port = settings.smtp_host, settings.smtp_port
    if settings.smtp_security == "tls":
        return smtplib.SMTP_SSL(host, port, settings.host, timeout=TIMEOUT_S, context=tls.context(settings))
    return smtplib.SMTP(host, port, settings.host, timeout=TIMEOUT_S)


def _hand_over(client: smtplib.SMTP, message: EmailMessage, settings: Settings, stop: StopSignal) -> None:
    if settings.smtp_security == "starttls":
        client.starttls(context=tls.context(settings))
    if settings.smtp_username:
        client.login(settings.smtp_username, settings.smtp_password)
    stop.check()
    client.send_message(message)
    try:
        client.quit()
    except (OSError, smtplib.SMTPException):
        return  # it has taken the mail; how it says goodbye is its own matter


def _refusal(code: str, message: str, status: int, told: bytes | str) -> PermanentError | TransientError:
    if status >= 500:
        return PermanentError(code, message, detail=_told(status, told))
    return TransientError("smtp_busy", "The mail server asks us to come back later.", detail=_told(status, told))


def _told(status: int, told: bytes | str) -> str:
    return f"{status} {told.decode(errors='replace') if isinstance(told, bytes) else told}"[:500]
