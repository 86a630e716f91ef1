"""The settings: read once from the environment, all mistakes reported together.

Every REELQ_* variable is a row of FIELDS; `NAME_FILE` reads the value from a file, as systemd
credentials and container secrets want it. Flags of the command line win over both.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reelq.worker.errors import SettingsError

CREDENTIAL_OF_KEYS = "reelq-secrets"  # LoadCredential= of the unit
SIZE_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


def parse_bytes(text: str) -> int:
    """Read `500MB`, `2GiB` or `1048576` as a number of bytes."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]i?)?b?", text.strip().lower())
    if not found:
        raise ValueError("a size such as 500MB or 2GiB")
    return int(float(found[1]) * SIZE_UNITS[found[2] or ""])


def parse_seconds(text: str) -> float:
    """Read `90`, `90s`, `15m`, `1h` or `2d` as seconds; more than zero."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd]?)", text.strip().lower())
    if not found or float(found[1]) == 0:
        raise ValueError("a time above zero such as 2s, 15m or 1h")
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]]


def parse_flag(text: str) -> bool:
    """Read yes/no, true/false, on/off, 1/0."""
    word = text.strip().lower()
    if word in ("1", "true", "yes", "on"):
        return True
    if word in ("0", "false", "no", "off"):
        return False
    raise ValueError("yes or no")


def parse_count(text: str) -> int:
    """Read a whole number from 1."""
    if not text.strip().isdigit() or int(text) < 1:
        raise ValueError("a whole number from 1")
    return int(text)


def parse_storage_class(text: str) -> str:
    """Read the name of an S3 storage class."""
    if not re.fullmatch(r"[A-Z][A-Z0-9_]{1,39}", text.strip()):
        raise ValueError("the name of a storage class such as GLACIER or STANDARD_IA")
    return text.strip()


def parse_list(text: str) -> tuple[str, ...]:
    """Read `a,b c` as a tuple of words."""
    return tuple(word for word in re.split(r"[,\s]+", text.strip()) if word)


def parse_paths(text: str) -> tuple[str, ...]:
    """Read `/srv/in:/mnt/more uploads` as absolute folders, separated as in PATH."""
    paths = tuple(part for part in text.split(":") if part)
    if not all(path.startswith("/") for path in paths):
        raise ValueError("absolute folders with a colon between them")
    return paths


def parse_path(text: str) -> str:
    """Read the absolute name of a file."""
    if not text.startswith("/"):
        raise ValueError("the absolute name of a file")
    return text


def parse_store(text: str) -> str:
    """Accept file:///absolute/folder and s3://bucket[/prefix]."""
    if re.fullmatch(r"file:///\S.*|s3://[^/\s]+(/\S*)?", text):
        return text.rstrip("/")
    raise ValueError("file:///absolute/folder or s3://bucket")


def parse_url(text: str) -> str:
    """Accept http(s) URLs."""
    if re.match(r"https?://[^/\s]+", text):
        return text.rstrip("/")
    raise ValueError("an http or https URL")


def parse_choice(*words: str) -> Callable[[str], str]:
    """Accept one of `words`."""

    def parse(text: str) -> str:
        if text.strip().lower() not in words:
            raise ValueError("one of " + ", ".join(words))
        return text.strip().lower()

    return parse


def parse_port(text: str) -> int:
    """Read a port."""
    if not text.strip().isdigit() or not 1 <= int(text) <= 65535:
        raise ValueError("a port, 1 to 65535")
    return int(text)


def parse_mailbox(text: str) -> str:
    """Accept `name@example.com` and `Some Name <name@example.com>`."""
    if not text.isprintable() or not re.fullmatch(r"[^<>@]*<[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+", text):
        raise ValueError("an address such as videos@example.com or Videos <videos@example.com>")
    return text


def parse_contact(text: str) -> str:
    """Accept mailto:name@example.com and https://example.com."""
    if not re.fullmatch(r"mailto:[^@\s]+@[\w-]+(\.[\w-]+)+|https://[\w.-]+", text):
        raise ValueError("mailto:name@example.com or https://example.com")
    return text


def parse_token_url(text: str) -> str:
    """Accept a URL with a place for {token}, and perhaps one for {purpose}."""
    bare = text.replace("{token}", "", 1).replace("{purpose}", "")
    if "{token}" in text and re.fullmatch(r"https?://[^/\s{}]+[^\s{}]*", bare):
        return text
    raise ValueError("an http or https URL with {token} in it, and perhaps {purpose}")


@dataclass(frozen=True, slots=True)
class Field:
    """One variable: how to read it, what it is without one, whether `config show` masks it."""

    name: str
    parse: Callable[[str], Any]
    default: str | None
    help: str
    secret: bool = False


FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        Field("database_url", str, "", "libpq URL or keywords; empty: PG* variables decide", secret=True),
        Field("database_direct_url", str, "", "for LISTEN when database_url is a transaction pooler; `off`: poll", secret=True),
        Field("database_pool_size", parse_count, "20", "connections for the slots of a worker, at most: one a slot, and one more"),
        Field("database_idle_s", parse_seconds, "30s", "a connection of a slot that nobody has used for so long is closed"),
        Field("database_wait_s", parse_seconds, "2s", "how long a slot waits for a connection before it tries again"),
        Field("store", parse_store, "file:///var/lib/reelq/objects", "where objects lie: file:///folder or s3://bucket"),
        Field("backup_store", parse_store, "", "where backups lie; empty: in the common store, below .backups"),
        Field("backup_recipients", parse_list, "", "age recipients (age1…) that backups are encrypted for; empty: not encrypted"),
        Field("backup_identity", str, "", "age identities that open backups, as age-keygen writes them; best as _FILE", secret=True),
        Field("backup_keep", parse_seconds, "30d", "how long a backup is kept"),
        Field("backup_timeout", parse_seconds, "6h", "longest that a backup may hold its snapshot and its locks"),
        Field("backup_scope", parse_choice("all", "reelq"), "all", "all of the database; reelq: without what an application has in it"),
        Field("postgres_bin", parse_path, "", "folder of pg_dump, pg_restore and the server's programs; empty: the system's are looked for"),
        Field("s3_endpoint_url", parse_url, "", "S3 server; empty: AWS"),
        Field("s3_region", str, "us-east-1", "S3 region"),
        Field("s3_cold_class", parse_storage_class, "GLACIER", "S3 storage class of cold objects: GLACIER, DEEP_ARCHIVE, GLACIER_IR, STANDARD_IA …"),
        Field("s3_access_key_id", str, "", "S3 key id; empty: boto3's own chain"),
        Field("s3_secret_access_key", str, "", "S3 secret key", secret=True),
        Field("link_secret", str, "", "signs links to a file:// store; empty: no links", secret=True),
        Field("public_url", parse_url, "", "where the file:// store is served; only for links"),
        Field("secrets_file", parse_path, "", "file of the keys that seal secrets; empty: the systemd credential reelq-secrets"),
        Field("scratch", Path, "/var/tmp/reelq", "folder for work in progress; one folder an attempt"),
        Field("scratch_quota_bytes", parse_bytes, "20GB", "what all attempts of a worker may use together"),
        Field("scratch_reserve_bytes", parse_bytes, "1GB", "free disk that a claim leaves alone"),
        Field("slots", parse_count, "1", "jobs that a worker runs side by side"),
        Field("pool", str, "default", "name of the worker pool"),
        Field("types", parse_list, "", "job types to take; empty: all"),
        Field("handlers", parse_list, "", "Python modules with job types of your own, such as myapp.jobs"),
        Field("capabilities", parse_list, "", "what this host can do, such as av1 or gpu"),
        Field("host", str, "", "this host's name; empty: the system's"),
        Field("heartbeat_s", parse_seconds, "2s", "how often a worker extends its leases"),
        Field("poll_s", parse_seconds, "1s", "how often an idle worker looks for work without a notification; 20s at most"),
        Field("drain_grace_s", parse_seconds, "1h", "how long SIGTERM waits for running jobs"),
        Field("max_download_bytes", parse_bytes, "20GB", "largest source that is fetched"),
        Field("download_timeout_s", parse_seconds, "1h", "longest a fetch may take"),
        Field("allow_private_addresses", parse_flag, "no", "fetch http sources from private networks too"),
        Field("source_roots", parse_paths, "", "folders that sources may be read from by path, a colon between them"),
        Field("ffmpeg", str, "", "ffmpeg to run; empty: the one on PATH"),
        Field("ffprobe", str, "", "ffprobe to run; empty: the one on PATH"),
        Field("ffmpeg_memory_bytes", parse_bytes, "3GiB", "address space of one ffmpeg"),
        Field("ffmpeg_file_bytes", parse_bytes, "50GB", "largest file that ffmpeg may write"),
        Field("ffmpeg_threads", parse_count, "", "threads of one ffmpeg; empty: as many as cores"),
        Field("ffmpeg_preset", parse_choice("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow"),
              "veryfast", "x264 preset of the ladder"),
        Field("sandbox", parse_choice("auto", "bwrap", "off"), "auto", "bubblewrap around ffmpeg: auto uses it where it works"),
        Field("app_url", parse_url, "", "where people open the application; before the paths of links in mails"),
        Field("mail_token_url", parse_token_url, "", "link in mails of tokens, with {token} and perhaps {purpose} in it; empty: the token alone"),
        Field("smtp_host", str, "", "mail server; empty: this host sends no mail"),
        Field("smtp_port", parse_port, "587", "its port"),
        Field(
            "smtp_security", parse_choice("starttls", "tls", "off"), "starttls",
            "starttls: TLS after a greeting; tls: at once; off: none, and no password",
        ),
        Field("smtp_username", str, "", "account at the mail server; empty: none is asked for"),
        Field("smtp_password", str, "", "its password", secret=True),
        Field("smtp_from", parse_mailbox, "", "sender of mails, as Videos <videos@example.com>"),
        Field("vapid_private_key", str, "", "key that web push is signed with, PEM or base64url; empty: this host pushes nothing", secret=True),
        Field("vapid_subject", parse_contact, "", "whom push services write to, as mailto:ops@example.com"),
        Field("ca_file", parse_path, "", "CA certificates for mail servers and push services; empty: those of the internet"),
        Field("log_format", parse_choice("auto", "json", "console"), "auto", "auto: console on a terminal, else JSON lines"),
        Field("log_level", parse_choice("debug", "info", "warning", "error"), "info", "least level that is logged"),
    )
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says; see FIELDS for the meaning and the default of each."""

    database_url: str
    database_direct_url: str
    database_pool_size: int
    database_idle_s: float
    database_wait_s: float
    store: str
    backup_store: str
    backup_recipients: tuple[str, ...]
    backup_identity: str
    backup_keep: float
    backup_timeout: float
    backup_scope: str
    postgres_bin: str
    s3_endpoint_url: str
    s3_region: str
    s3_cold_class: str
    s3_access_key_id: str
    s3_secret_access_key: str
    link_secret: str
    public_url: str
    secrets_file: str
    scratch: Path
    scratch_quota_bytes: int
    scratch_reserve_bytes: int
    slots: int
    pool: str
    types: tuple[str, ...]
    handlers: tuple[str, ...]
    capabilities: tuple[str, ...]
    host: str
    heartbeat_s: float
    poll_s: float
    drain_grace_s: float
    max_download_bytes: int
    download_timeout_s: float
    allow_private_addresses: bool
    source_roots: tuple[str, ...]
    ffmpeg: str
    ffprobe: str
    ffmpeg_memory_bytes: int
    ffmpeg_file_bytes: int
    ffmpeg_threads: int | None
    ffmpeg_preset: str
    sandbox: str
    app_url: str
    mail_token_url: str
    smtp_host: str
    smtp_port: int
    smtp_security: str
    smtp_username: str
    smtp_password: str
    smtp_from: str
    vapid_private_key: str
    vapid_subject: str
    ca_file: str
    log_format: str
    log_level: str
    given: frozenset[str] = frozenset()  # names that a flag or the environment has said; the others may come from ops.system_config

    @property
    def offered(self) -> tuple[str, ...]:
        """What a worker with these settings can do: what it was told to say, and what the settings are there for."""
        able = [*self.capabilities, *(["smtp"] if self.smtp_host else []), *(["web_push"] if self.vapid_private_key else [])]
        return tuple(dict.fromkeys(able))

    def shown(self) -> dict[str, str]:
        """Every setting as text, secrets masked: what `reelq config show` prints."""
        shown = {}
        for name, field in FIELDS.items():
            value = getattr(self, name)
            if field.secret:
                shown[name] = "********" if value else ""
            elif isinstance(value, tuple):
                shown[name] = (":" if name == "source_roots" else ",").join(value)
            else:
                shown[name] = "" if value is None else str(value)
        return shown


def credential_of_keys(environ: Mapping[str, str] | None = None) -> str:
    """The key file that systemd has put there for this service (LoadCredential=); empty when it has not."""
    environ = os.environ if environ is None else environ
    folder = environ.get("CREDENTIALS_DIRECTORY", "")
    path = Path(folder) / CREDENTIAL_OF_KEYS
    # SetCredential= gives an empty line where the host has no such file.
    return str(path) if folder and path.is_file() and path.stat().st_size > 1 else ""


def variable(name: str) -> str:
    """The environment variable of a setting: DATABASE_URL, else REELQ_<NAME>."""
    return "DATABASE_URL" if name == "database_url" else f"REELQ_{name.upper()}"


def load(environ: Mapping[str, str] | None = None, **flags: Any) -> Settings:
    """Read the settings; `flags` that are not None win.

    Raises:
        SettingsError: with every mistake, a line each.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    given = {name for name in FIELDS if flags.get(name) is not None}
    mistakes: list[str] = []
    for name, field in FIELDS.items():
        try:
            text = _text(name, environ)
        except OSError as error:
            mistakes.append(f"{variable(name)}_FILE: {error.strerror}: {error.filename}")
            continue
        except UnicodeDecodeError:
            mistakes.append(f"{variable(name)}_FILE must name a text file in UTF-8: {environ[f'{variable(name)}_FILE']}")
            continue
        if flags.get(name) is not None:
            values[name] = flags[name]
            continue
        if text not in (None, ""):
            given.add(name)
        chosen = text if text not in (None, "") else field.default
        try:
            values[name] = _empty(name) if chosen == "" else field.parse(chosen or "")
        except ValueError as error:
            # The value itself is not repeated: it may be a secret put under the wrong name.
            mistakes.append(f"{variable(name)} must be {error}")
    known = {variable(name) for name in FIELDS} | {f"{variable(name)}_FILE" for name in FIELDS}
    mistakes += [
        f"{name} is not a setting (see `reelq config show`)"
        for name in sorted(environ)
        if name.startswith("REELQ_") and name not in known
    ]
    if not mistakes:
        mistakes += _together(values)
    if mistakes:
        raise SettingsError("\n".join(mistakes))
    values["host"] = values["host"] or socket.gethostname()
    values["secrets_file"] = values["secrets_file"] or credential_of_keys(environ)
    return Settings(**values, given=frozenset(given))


def _together(values: Mapping[str, Any]) -> list[str]:
    """Mistakes of settings that need each other."""
    mistakes = []
    if values["smtp_host"] and not values["smtp_from"]:
        mistakes.append("REELQ_SMTP_FROM must be given with REELQ_SMTP_HOST")
    if values["smtp_password"] and values["smtp_security"] == "off":
        mistakes.append("REELQ_SMTP_SECURITY must be starttls or tls where there is a REELQ_SMTP_PASSWORD")
    if values["vapid_private_key"] and not values["vapid_subject"]:
        mistakes.append("REELQ_VAPID_SUBJECT must be given with REELQ_VAPID_PRIVATE_KEY")
    return mistakes


def _text(name: str, environ: Mapping[str, str]) -> str | None:
    """The value of a variable, or the contents of the file that NAME_FILE names."""
    path = environ.get(f"{variable(name)}_FILE")
    if path:
        return Path(path).read_text(encoding="utf-8").strip()
    return environ.get(variable(name))


def _empty(name: str) -> Any:
    """What an unset optional setting is: no words, no number, or no text."""
    parse = FIELDS[name].parse
    return () if parse in (parse_list, parse_paths) else None if parse is parse_count else ""


def environment() -> dict[str, str]:
    """A copy of the process's environment, for the rare child that needs part of it."""
    return dict(os.environ)
