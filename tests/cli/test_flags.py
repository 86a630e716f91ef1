"""reelq flags."""

from __future__ import annotations

NAME = "ladder.better_compression"


def test_a_flag_is_switched_for_some_explained_and_deleted(reelq):
    for slug in ("acme", "beta"):
        reelq("tenants", "create", slug)
    assert reelq("flags", "explain", NAME, "--tenant", "acme").out.startswith("off: It is off for everybody")
    assert reelq("flags", "set", NAME, "--percentage", "0", "--json").row["enabled"] is True
    assert reelq("flags", "set", NAME, "--tenant", "acme", "--on").code == 0
    assert reelq("flags", "explain", NAME, "--tenant", "acme", "--json").row == {"is_on": True, "reason": "tenant", "about": "A rule names the tenant: on.", "bucket": reelq("flags", "explain", NAME, "--tenant", "acme", "--json").row["bucket"]}
    assert reelq("flags", "explain", NAME, "--tenant", "beta").out.startswith("off: No rule fits")
    assert reelq("flags", "set", NAME, "--segments", '[{"tier": ["standard"]}]').code == 0
    assert reelq("flags", "explain", NAME, "--tenant", "beta", "--json").row["reason"] == "segment"
    assert reelq("flags", "set", NAME, "--tenant", "acme", "--as-others").code == 0
    assert reelq("flags", "explain", NAME, "--tenant", "acme", "--json").row["reason"] == "segment"
    assert reelq("flags", "set", NAME, "--off").code == 0
    assert reelq("flags", "explain", NAME, "--tenant", "beta").out.startswith("off")
    assert [row["name"] for row in reelq("flags", "list", "--json").rows] == [NAME]
    assert reelq("flags", "delete", NAME).code == 0
    assert reelq("flags", "delete", NAME).code == 2


def test_what_does_not_go_together_is_refused(reelq):
    for words in (
        (NAME,), (NAME, "--tenant", "x"), (NAME, "--tenant", "x", "--on", "--percentage", "5"), (NAME, "--as-others"), (NAME, "--on", "--percentage", "5"),
        (NAME, "--segments", "{"), (NAME, "--segments", '[{"planet": []}]'), (NAME, "--percentage", "101"), ("Bad Name", "--on"),
    ):  # fmt: skip
        done = reelq("flags", "set", *words)
        assert done.code == 2, (words, done)
        assert len(done.err.strip().splitlines()) == 2
    for words in (("--on",), ("--percentage", "5"), ("--off",)):
        done = reelq("flags", "set", "ladder.beter_compression", *words)
        assert done.code == 2 and f"Known: {NAME}" in done.err
    assert [row["name"] for row in reelq("flags", "list", "--json").rows] == [NAME]
    assert reelq("flags", "set", "my.flag", "--on", "--description", "New").code == 0
    assert reelq("flags", "set", "my.flag", "--off").code == 0
    assert reelq("flags", "set", "no.such", "--tenant", "default", "--on").code in (1, 2)
