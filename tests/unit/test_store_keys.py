"""Keys of objects: whatever text comes, a key that is accepted stays inside its store."""

from __future__ import annotations

from pathlib import PurePosixPath

from hypothesis import example, given
from hypothesis import strategies as st

from reelq.worker.errors import PermanentError
from reelq.worker.stores.base import check_key
from reelq.worker.stores.links import sign, verify

PARTS = st.sampled_from(["a", "..", ".", "", "b c", ".incoming", "é", "\0", "x" * 256, "-", "%2e%2e", "\ud800"])
KEYS = st.text(max_size=40) | st.lists(PARTS, max_size=6).map("/".join)


@given(KEYS)
@example("a/../../etc/passwd")
@example(".incoming/x")
def test_an_accepted_key_stays_inside(key: str) -> None:
    try:
        check_key(key)
    except PermanentError as error:
        assert error.code == "bad_key"
        return
    place = PurePosixPath("/objects") / key
    assert place.is_relative_to("/objects") and ".." not in place.parts
    assert str(place) == f"/objects/{key}", "what is stored is what was asked for"
    assert "\0" not in key and not key.startswith(".incoming/")
    assert len(key.encode()) <= 1024


@given(st.text("abc/ ?&=%#+ü", min_size=1, max_size=30), st.integers(1, 2_000_000_000), st.text(max_size=5))
def test_a_link_opens_the_key_that_it_was_made_for(key: str, expires_at: int, noise: str) -> None:
    link = sign("https://cdn.example/base", key, "secret", expires_at)
    assert verify("https://cdn.example/base", link, "secret", expires_at - 1) == key
    assert verify("https://cdn.example/base", link, "secret", expires_at) is None
    assert verify("https://cdn.example/base", link, "another", expires_at - 1) is None
    assert verify("https://cdn.example/base", link + noise, "secret", 0) in (None, key)
