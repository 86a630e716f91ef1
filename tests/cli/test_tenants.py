"""reelq tenants: made, listed, suspended with their work, and let go again."""

from __future__ import annotations

import json

from reelq.cli import tenants as command
from reelq.worker.rooms import identity


def listed(reelq):
    return {one["slug"]: one for one in map(json.loads, reelq("tenants", "list", "--json").out.splitlines())}


def test_tiers_are_those_of_the_room():
    assert command.TIERS == identity.TIERS


def test_a_tenant_is_made_and_listed(reelq):
    made = reelq("tenants", "create", "acme", "--name", "Acme Films", "--tier", "premium")
    one = listed(reelq)["acme"]
    assert (made.code, made.out.strip()) == (0, one["id"])
    assert (one["name"], one["tier"], one["status"]) == ("Acme Films", "premium", "active")
    assert {"acme", "default"} <= set(reelq("tenants", "list").out.split())


def test_a_suspended_tenant_s_work_is_refused_until_it_is_active_again(reelq):
    reelq("tenants", "create", "acme")
    assert reelq("tenants", "suspend", "acme").out.split() == ["acme", "suspended"]
    refused = reelq("ingest", "https://media.example/a.mp4", "--tenant", "acme")
    assert refused.code == 1 and "must be active, not suspended" in refused.err
    assert reelq("tenants", "activate", listed(reelq)["acme"]["id"]).code == 0
    assert reelq("ingest", "https://media.example/a.mp4", "--tenant", "acme").code == 0


def test_what_cannot_be_is_refused_in_one_line(reelq):
    assert "no tenant 'nope'" in reelq("tenants", "suspend", "nope").err
    reelq("tenants", "create", "acme")
    taken = reelq("tenants", "create", "acme")
    assert taken.code != 0 and "slug must be a new one, not acme" in taken.err
    for slug in ("Two Words", "-a", "", "a" * 51):
        refused = reelq("tenants", "create", "--", slug)
        assert refused.code == 2 and f"hyphens (not at its ends), not '{slug}'\n" in refused.err and "constraint" not in refused.err
