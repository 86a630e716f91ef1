"""Fetching by http from a server that is strict with us and does its worst."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelq.worker.errors import PermanentError, RateLimitedError, StopRequested, TransientError
from reelq.worker.settings import load
from reelq.worker.sources import address_policy, fetch, http
from reelq.worker.sources.http_responses import LONGEST_RETRY_S, retry_after_s
from reelq.worker.stop import StopSignal
from tests.fakes.certificates import contexts
from tests.fakes.http_source import HttpSource, Source, http_source
from tests.patience import QUICK_S

CONTENT = bytes(range(256)) * 4000
Get = Callable[..., fetch.Fetched]


@pytest.fixture
def server() -> Iterator[HttpSource]:
    with http_source() as one:
        yield one


@pytest.fixture
def to(tmp_path: Path) -> Path:
    return tmp_path / "source"


@pytest.fixture
def get(to: Path, monkeypatch: pytest.MonkeyPatch) -> Get:
    """Fetch with private addresses allowed, unless the test says otherwise; pauses are short."""
    monkeypatch.setattr(http, "BREAK_PAUSE_S", 0.001)

    def run(url: str, *, stop: StopSignal | None = None, more: dict[str, Any] | None = None, **env: str) -> Any:
        environ = {"REELQ_ALLOW_PRIVATE_ADDRESSES": "yes"} | {f"REELQ_{k.upper()}": v for k, v in env.items()}
        return fetch.fetch(url, to, settings=load(environ), stop=stop or StopSignal(), **(more or {}))

    return run


def test_a_file_arrives_with_size_digest_and_name(server: HttpSource, get: Get, to: Path) -> None:
    server.at["/a/clip%201.mp4"] = Source(CONTENT)
    told: list[tuple[int, int | None]] = []
    done = get(f"{server.url}/a/clip%201.mp4?sig=x", more={"on_progress": lambda *at: told.append(at)})
    assert done == fetch.Fetched(len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), "clip 1.mp4")
    assert to.read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('attachment; filename="my clip.mov"', "my clip.mov"),
        ("attachment; filename*=UTF-8''f%C3%BCr%20dich.mp4", "für dich.mp4"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="C:\\\\dir\\\\x.avi"', "x.avi"),
        ("attachment", "clip"),
    ],
)
def test_the_server_may_name_the_file_but_not_place_it(server: HttpSource, get: Get, header: str, name: str) -> None:
    server.at["/clip"] = Source(CONTENT, headers={"Content-Disposition": header})
    assert get(f"{server.url}/clip").original_filename == name


@given(st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60))
def test_no_header_breaks_the_naming(header: str) -> None:
    name = fetch._file_name(fetch._disposition_name(f"attachment; filename{header}") or "/x")
    assert name is None or ("/" not in name and "\0" not in name and name.encode() is not None)


def test_a_broken_connection_is_taken_up_where_it_broke(server: HttpSource, get: Get, to: Path) -> None:
    server.at["/clip"] = Source(CONTENT, cuts=[300_000, 1, 200_000])
    assert get(f"{server.url}/clip").sha256 == hashlib.sha256(CONTENT).hexdigest()
    asked = [seen.headers.get("range") for seen in server.seen]
    assert asked == [None, "bytes=300000-", "bytes=300001-", "bytes=500001-"]
    assert {seen.headers.get("if-range") for seen in server.seen[1:]} == {'"v1"'}
    assert to.read_bytes() == CONTENT


def test_last_modified_serves_where_there_is_no_etag(server: HttpSource, get: Get, to: Path) -> None:
    server.at["/clip"] = Source(CONTENT, etag=None, last_modified="Sat, 21 Nov 2026 10:00:00 GMT", cuts=[1000])
    get(f"{server.url}/clip")
    assert server.seen[1].headers["range"] == "bytes=1000-"
    assert to.read_bytes() == CONTENT


@pytest.mark.parametrize(
    "source",
    [
        Source(CONTENT, ranges=False, cuts=[500]),
        Source(CONTENT, etag='W/"weak"', cuts=[500]),
        Source(CONTENT, etag=None, cuts=[500]),
        Source(CONTENT, cuts=[500], range_shift=7),
        Source(CONTENT, cuts=[500], chunked=True),
    ],
    ids=["no ranges", "weak etag", "no etag", "wrong range", "chunked"],
)
def test_a_server_that_cannot_go_on_is_asked_anew(server: HttpSource, get: Get, to: Path, source: Source) -> None:
    server.at["/clip"] = source
    assert get(f"{server.url}/clip").size_bytes == len(CONTENT)
    assert to.read_bytes() == CONTENT


def test_a_source_that_changes_meanwhile_is_not_glued_to_its_old_half(server: HttpSource, get: Get, to: Path) -> None:
    server.at["/clip"] = Source(CONTENT, cuts=[5000], change_after_cut=CONTENT[::-1])
    get(f"{server.url}/clip")
    assert to.read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_connection_that_keeps_breaking_is_given_up(server: HttpSource, get: Get, to: Path, ranges: bool) -> None:
    server.at["/clip"] = Source(CONTENT, ranges=ranges, cuts=[100] + [0] * 50)
    with pytest.raises(TransientError) as told:
        get(f"{server.url}/clip")
    assert told.value.code == "source_broken"
    assert len(server.seen) < 10
    assert list(to.parent.iterdir()) == []


def test_a_length_that_promises_too_much_is_not_believed(server: HttpSource, get: Get) -> None:
    server.at["/clip"] = Source(CONTENT[:100], length=200)
    with pytest.raises(TransientError) as told:
        get(f"{server.url}/clip")
    assert told.value.code == "source_broken"


@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "counted"])
def test_a_source_above_the_limit_is_refused(server: HttpSource, get: Get, to: Path, chunked: bool) -> None:
    server.at["/clip"] = Source(CONTENT, chunked=chunked)
    with pytest.raises(PermanentError) as told:
        get(f"{server.url}/clip", max_download_bytes="1000")
    assert (told.value.code, str(told.value)) == (
        "source_too_large",
        "The source is larger than the 1,000 bytes allowed.",
    )
    assert list(to.parent.iterdir()) == []
    assert get(f"{server.url}/clip", max_download_bytes=str(len(CONTENT))).size_bytes == len(CONTENT)


@pytest.mark.parametrize(
    ("status", "headers", "kind", "code"),
    [
        (404, {}, PermanentError, "source_missing"),
        (410, {}, PermanentError, "source_missing"),
        (403, {}, PermanentError, "source_denied"),
        (401, {}, PermanentError, "source_denied"),
        (400, {}, PermanentError, "source_refused"),
        (302, {}, PermanentError, "source_refused"),
        (206, {}, TransientError, "source_broken"),
        (500, {}, TransientError, "source_away"),
        (502, {}, TransientError, "source_away"),
        (503, {}, TransientError, "source_away"),
        (408, {}, TransientError, "source_away"),
        (503, {"Retry-After": "7"}, RateLimitedError, "source_busy"),
        (429, {}, RateLimitedError, "source_busy"),
        (204, {}, PermanentError, "source_refused"),
    ],
)
def test_every_status_has_its_error(
    server: HttpSource, get: Get, status: int, headers: dict[str, str], kind: type, code: str
) -> None:
    server.at["/clip"] = Source(status=status, headers=headers)
    with pytest.raises(kind) as told:
        get(f"{server.url}/clip")
    assert told.value.code == code  # type: ignore[attr-defined]


def test_an_empty_source_is_refused(server: HttpSource, get: Get) -> None:
    server.at["/clip"] = Source(b"")
    with pytest.raises(PermanentError) as told:
        get(f"{server.url}/clip")
    assert told.value.code == "source_empty"


def test_the_wait_is_the_one_that_the_server_asked_for(server: HttpSource, get: Get) -> None:
    server.at["/clip"] = Source(status=429, headers={"Retry-After": "37"})
    with pytest.raises(RateLimitedError) as told:
        get(f"{server.url}/clip")
    assert told.value.retry_after_s == 37


def test_retry_after_is_read_as_seconds_or_as_a_date() -> None:
    now = 1_800_000_000.0
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(now + 90))
    assert retry_after_s("120", now) == 120
    assert retry_after_s(date, now) == 90
    assert retry_after_s("0", now) == 1
    assert retry_after_s("999999999", now) == LONGEST_RETRY_S
    assert [retry_after_s(text, now) for text in (None, "soon", "-5", "")] == [None] * 4


def test_compressed_bodies_are_refused_before_they_are_read(server: HttpSource, get: Get) -> None:
    server.at["/clip"] = Source(b"\x1f\x8b bomb", headers={"Content-Encoding": "gzip"})
    with pytest.raises(PermanentError) as told:
        get(f"{server.url}/clip")
    assert told.value.code == "source_encoded"


def test_a_silent_server_is_left_when_the_attempt_is_stopped(server: HttpSource, get: Get, to: Path) -> None:
    server.at["/clip"] = Source(CONTENT, silent_after=1000)
    stop, began = StopSignal(), server.began

    def cancel() -> None:
        assert began.wait(QUICK_S)
        stop.set("cancelled")

    threading.Thread(target=cancel, daemon=True).start()
    before = time.monotonic()
    with pytest.raises(StopRequested):
        get(f"{server.url}/clip", stop=stop)
    assert time.monotonic() - before < QUICK_S
    assert list(to.parent.iterdir()) == []


@pytest.mark.parametrize("source", [Source(CONTENT, silent_after=10), Source(drip=True, length=10**9)])
def test_the_total_time_is_kept(server: HttpSource, get: Get, to: Path, source: Source) -> None:
    server.at["/clip"] = source
    before = time.monotonic()
    with pytest.raises(TransientError) as told:
        get(f"{server.url}/clip", download_timeout_s="0.3s")
    assert told.value.code == "source_slow"
    assert time.monotonic() - before < QUICK_S
    assert list(to.parent.iterdir()) == []


def test_redirects_are_followed_five_times_at_most(server: HttpSource, get: Get, to: Path) -> None:
    server.at["/0"] = Source(CONTENT)
    for n in range(1, 7):
        server.at[f"/{n}"] = Source(status=302, headers={"Location": f"/{n - 1}"})
    assert get(f"{server.url}/5").size_bytes == len(CONTENT)
    with pytest.raises(PermanentError) as told:
        get(f"{server.url}/6")
    assert told.value.code == "source_refused"


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://x", "http://[::1", "http://a b", "s3://b/k"]
)
def test_redirects_lead_to_http_only(server: HttpSource, get: Get, target: str) -> None:
    server.at["/clip"] = Source(status=301, headers={"Location": target})
    with pytest.raises(PermanentError) as told:
        get(f"{server.url}/clip")
    assert told.value.code == "source_refused"


def test_a_redirect_to_loopback_is_refused(server: HttpSource, get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    """127.0.0.2 plays the internet; the server there points at this host."""
    real = address_policy.kind
    monkeypatch.setattr(address_policy, "kind", lambda at: "public" if str(at) == "127.0.0.2" else real(at))
    server.at["/clip"] = Source(CONTENT)
    with http_source("127.0.0.2") as outside:
        outside.at["/ok"] = Source(CONTENT)
        for host in ("127.0.0.1", "localhost", "127.1", "[::ffff:127.0.0.1]"):
            outside.at["/clip"] = Source(status=302, headers={"Location": f"http://{host}:{server.port}/clip"})
            with pytest.raises(PermanentError) as told:
                get(f"{outside.url}/clip", allow_private_addresses="no")
            assert told.value.code == "address_refused"
        assert get(f"{outside.url}/ok", allow_private_addresses="no").size_bytes == len(CONTENT)
    assert server.seen == []


def test_a_name_that_moves_to_another_address_is_not_followed(server: HttpSource, get: Get) -> None:
    """DNS rebinding: the second answer would be another host; only the first is ever used."""
    answers = iter([["127.0.0.2"], ["127.0.0.1"], ["127.0.0.1"]])
    with http_source("127.0.0.2") as first:
        first.at["/clip"] = Source(CONTENT, cuts=[1000])
        done = get(f"http://video.example:{first.port}/clip", more={"resolve": lambda *_: next(answers)})
        assert done.size_bytes == len(CONTENT)
        assert len(first.seen) == 2
    assert server.seen == []
    assert len(list(answers)) == 2, "the name was asked for once"


def test_the_next_address_of_a_name_is_tried(server: HttpSource, get: Get) -> None:
    server.at["/clip"] = Source(CONTENT)
    both = {"resolve": lambda *_: ["127.0.0.3", "127.0.0.1"]}
    assert get(f"http://video.example:{server.port}/clip", more=both).size_bytes == len(CONTENT)


def test_proxies_of_the_environment_are_not_asked(server: HttpSource, get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server.at["/clip"] = Source(CONTENT)
    assert get(f"{server.url}/clip").size_bytes == len(CONTENT)


def test_tls_asks_for_the_name_and_checks_it(get: Get, tmp_path: Path) -> None:
    shown, trusted = contexts("video.example", tmp_path)
    here: dict[str, Any] = {"resolve": lambda *_: ["127.0.0.1"], "tls": trusted}
    with http_source(tls=shown) as server:
        server.at["/clip"] = Source(CONTENT, cuts=[100])
        assert get(f"https://video.example:{server.port}/clip", more=here).size_bytes == len(CONTENT)
        assert {seen.server_name for seen in server.seen} == {"video.example"}
        assert server.seen[0].headers["host"] == f"video.example:{server.port}"
        for name, trust in (("other.example", trusted), ("video.example", None)):
            with pytest.raises(PermanentError) as told:
                get(f"https://{name}:{server.port}/clip", more=here | {"tls": trust})
            assert told.value.code == "source_untrusted"


def test_credentials_go_to_the_server_and_nowhere_else(
    server: HttpSource, get: Get, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    server.at["/clip"] = Source(CONTENT, cuts=[10])
    address = server.url.replace("http://", "http://bob:pa55word@")
    get(f"{address}/clip?token=s3cret")
    assert all(seen.headers["authorization"].startswith("Basic ") for seen in server.seen)
    messages = [caplog.text]
    for path in ("/none", "/clip/none"):
        with pytest.raises(PermanentError) as told:
            get(f"{address}{path}?token=s3cret")
        messages += [str(told.value), told.value.detail]
    with http_source("127.0.0.2") as other:
        other.at["/clip"] = Source(CONTENT)
        server.at["/away"] = Source(status=307, headers={"Location": f"{other.url}/clip"})
        get(f"{address}/away?token=s3cret")
        assert "authorization" not in other.seen[0].headers
    out = capsys.readouterr()
    text = " ".join([*messages, caplog.text, out.out, out.err])
    assert "pa55word" not in text and "s3cret" not in text and "bob" not in text


def test_a_server_that_is_not_there_is_told(get: Get) -> None:
    with pytest.raises(TransientError) as told:
        get("http://127.0.0.1:9/clip")
    assert (told.value.code, str(told.value)) == ("source_away", "The source's server does not answer.")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (Source(CONTENT, headers={"content-length": "7"}), "it sent conflicting Content-Length headers"),
        (Source(CONTENT, headers={"content-length": "much"}), "it sent bad Content-Length"),
        (Source(CONTENT, headers={"Bad Name": "s3cret"}), "it sent illegal header line"),
        (Source(CONTENT, status=206), "it sent status 206, a part that it does not name, where the whole was asked for"),
        (
            Source(CONTENT, status=206, headers={"Content-Range": "bytes 5-9/10"}),
            "it sent status 206, bytes from 5, where the whole was asked for",
        ),
        (
            Source(CONTENT, cuts=[100] * 50, range_shift=7),
            "it sent status 206, bytes from 107, where bytes from 100 were asked for",
        ),
    ],
    ids=["two lengths", "no number", "no header", "unasked part", "unasked range", "wrong ranges"],
)
def test_an_answer_that_breaks_the_protocol_is_told_as_what_it_is(
    server: HttpSource, get: Get, to: Path, source: Source, message: str
) -> None:
    """It did answer. What stood in a header is not repeated."""
    server.at["/clip"] = source
    with pytest.raises(TransientError) as told:
        get(f"{server.url}/clip")
    assert (told.value.code, str(told.value)) == ("source_broken", f"The source's server breaks the rules of HTTP: {message}.")
    assert len(server.seen) < 10
    assert list(to.parent.iterdir()) == []


def test_a_server_that_hangs_up_at_once_has_not_answered(server: HttpSource, get: Get) -> None:
    """No byte of an answer is no breach of the protocol."""
    server.answer = lambda handler: None  # type: ignore[method-assign, assignment]
    with pytest.raises(TransientError) as told:
        get(f"{server.url}/clip")
    assert (told.value.code, str(told.value)) == ("source_away", "The source's server does not answer.")


@pytest.mark.parametrize("url", ["http://", "http:///x", "https://[bad/", "http://a b/", "ftp://a/b", "HTTP://"])
def test_what_is_not_a_url_is_refused(get: Get, url: str) -> None:
    with pytest.raises(PermanentError) as told:
        get(url)
    assert told.value.code == "source_refused"


@pytest.mark.parametrize("says", [True, False], ids=["told", "not told"])
def test_bytes_are_told_before_they_are_written(server: HttpSource, get: Get, monkeypatch: pytest.MonkeyPatch, says: bool) -> None:
    """All at once where the server says how many there are, else piece by piece; a break in between changes nothing."""
    monkeypatch.setattr(http, "UNKNOWN_BYTES", 300_000)
    server.at["/f"] = Source(CONTENT, cuts=[500_000], chunked=not says)
    told: list[int] = []
    get(f"{server.url}/f", more={"on_size": told.append})
    if says:
        assert told == [len(CONTENT)]
    else:
        assert len(told) > 1
        assert len(CONTENT) <= sum(told) < len(CONTENT) + 400_000
