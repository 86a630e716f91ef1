"""reelq notifications: sent, listed, read, chosen, purged; what would break out is refused in one line."""

from __future__ import annotations

import json

import pytest

ANN = "ann@example.com"


@pytest.fixture
def ann(reelq):
    """An account of the tenant acme."""
    reelq("tenants", "create", "acme")
    assert reelq("users", "add", ANN, "--tenant", "acme").code == 0


def listed(reelq, *more):
    return [json.loads(line) for line in reelq("notifications", "list", "--user", ANN, "--json", *more).out.splitlines()]


def test_what_is_sent_is_listed_until_it_is_read(reelq, ann):
    first = reelq("notifications", "send", "--user", ANN, "Hello", "Some words", "--url", "/x", "--label", "Go").out.strip()
    reelq("notifications", "send", "--user", ANN, "Again", "More words")
    assert [one["title"] for one in listed(reelq)] == ["Again", "Hello"]
    assert reelq("notifications", "read", "--user", ANN, first).out.strip() == "1"
    assert [one["title"] for one in listed(reelq, "--unread")] == ["Again"]
    assert "1 unread" in reelq("notifications", "list", "--user", ANN).err
    assert reelq("notifications", "read", "--user", ANN, "--all").out.strip() == "1"
    assert reelq("notifications", "purge").out.strip() == "0"


def test_a_user_who_wants_nothing_is_sent_nothing(reelq, ann):
    for channel in ("in_app", "email", "push"):
        reelq("notifications", "set", channel, "off", "--user", ANN)
    done = reelq("notifications", "send", "--user", ANN, "Hello", "words")
    assert (done.code, done.out) == (0, "") and "Not sent" in done.err
    reelq("notifications", "set", "email", "on", "--user", ANN, "--type", "video.ready")
    shown = {one["type"]: one for one in map(json.loads, reelq("notifications", "settings", "--user", ANN, "--json").out.splitlines())}
    assert (shown["video.ready"]["email"], shown["video.failed"]["email"]) == (True, False)


@pytest.mark.parametrize("given", [["a\nBcc: x", "m"], ["t", "m", "--url", "javascript:x"], ["t", "m", "--type", "no.such"], ["t", "m", "--tenant", "default"]])
def test_what_cannot_be_is_refused_in_a_line_and_a_hint(reelq, ann, given):
    done = reelq("notifications", "send", "--user", ANN, *given)
    assert done.code == 2
    assert [line.partition(":")[0] for line in done.err.splitlines()] == ["reelq", "hint"]
